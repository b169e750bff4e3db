import type {
  JoinedMessage,
  KnockingParticipant,
  MediaKind,
  ModerateAction,
  ParticipantId,
  ParticipantInfo,
  ParticipantLeftMessage,
  ParticipantRole,
  ParticipantState,
  RoomInfo,
} from "@naru/signaling/protocol";
import { type Logger, SILENT_LOGGER } from "@naru/webrtc/sansio";
import { ChatLog, chatToControl } from "./chat/chat-log.ts";
import type { ChatMessage } from "./chat/chat-message.ts";
import type { PeerLink, PeerLinkEvent } from "./connection/peer-link.ts";
import { SignalClient, type SignalClientEvent, signalingUrl } from "./connection/signal-client.ts";
import type { RoomMessage, SignalSessionState } from "./connection/signal-session.ts";
import { ClientError, closedError, refusalError } from "./errors.ts";
import { Emitter, type Unsubscribe } from "./events.ts";
import { LocalParticipant } from "./local-participant.ts";
import { LocalMedia } from "./media/local-media.ts";
import type { ConnectOptions, RoomOptions, SendFileOptions } from "./options.ts";
import { createBrowserPlatform } from "./platform/browser.ts";
import type { ClientPlatform } from "./platform/platform.ts";
import { RemoteParticipant } from "./remote-participant.ts";
import type { ClosedReason, RoomEvents, RoomState } from "./room-events.ts";
import { Mesh } from "./topology/mesh.ts";
import type { FileTransfer } from "./transfer/file-transfer.ts";
import { Transfers } from "./transfer/transfers.ts";

const DEFAULT_CONNECT_TIMEOUT_MS = 15_000;

/** A call of `connect` that has not settled yet. */
interface Joining {
  readonly resolve: () => void;
  readonly reject: (error: ClientError) => void;
}

/**
 * A meeting: who is in it, their media, the chat and the files. One object for one visit; after `closed` make a new
 * one.
 *
 * @example
 * ```ts
 * const room = new Room();
 * room.on("trackChanged", (participant) => { video.srcObject = participant.camera ?? null; });
 * await room.connect({ room: "brave-otter-42", name: "Mina", microphone: true, camera: true });
 * ```
 */
export class Room {
  readonly #platform: ClientPlatform;
  readonly #options: RoomOptions;
  readonly #log: Logger;
  readonly #events: Emitter<RoomEvents> = new Emitter();
  readonly #media: LocalMedia;
  readonly #mesh: Mesh;
  readonly #chat: ChatLog = new ChatLog();
  readonly #transfers: Transfers;
  readonly #participants: Map<ParticipantId, RemoteParticipant> = new Map();
  /** Oneself. */
  readonly localParticipant: LocalParticipant;
  #signal: SignalClient | undefined;
  #state: RoomState = "idle";
  #info: RoomInfo | undefined;
  #self: ParticipantInfo | undefined;
  #name = "";
  #hand = false;
  #knocking: readonly KnockingParticipant[] = [];
  #joining: Joining | undefined;
  #stopListening: (() => void)[] = [];
  /** What the server was told last. */
  #announced = "";

  constructor(options: RoomOptions = {}) {
    this.#options = options;
    this.#platform = options.platform ?? createBrowserPlatform();
    this.#log = options.logger ?? SILENT_LOGGER;
    this.#media = new LocalMedia(this.#platform, {
      handleLocalChange: () => this.#handleLocalChange(),
      handleCaptureFailure: (error) => this.#events.emit("captureFailed", error),
      handleDevicesChange: () => this.#events.emit("devicesChanged"),
    });
    this.#mesh = new Mesh({
      platform: this.#platform,
      log: this.#log,
      iceTransportPolicy: options.iceTransportPolicy ?? "all",
      onEvent: (id, event) => this.#handleLinkEvent(id, event),
    });
    this.#transfers = new Transfers({
      platform: this.#platform,
      log: this.#log,
      send: (to, message) => this.#mesh.send(to, message),
      openChannel: (to, label) => this.#mesh.link(to)?.createChannel(label),
      isReachable: (id) => this.#mesh.link(id)?.isLive === true,
      maxMessageSize: (id) => this.#mesh.link(id)?.maxMessageSize ?? 0,
      onAdd: (transfer) => this.#events.emit("transferAdded", transfer),
      onChange: (transfer) => this.#events.emit("transferChanged", transfer),
    });
    this.localParticipant = this.#createLocalParticipant();
  }

  /** Calls `listener` at each `event`; the answer is a function that stops it. */
  on<Name extends keyof RoomEvents>(event: Name, listener: (...args: RoomEvents[Name]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  // Joining and leaving

  /**
   * Joins. Resolves once inside: with a lobby that takes until a host admits. Afterwards the room reconnects by
   * itself until `leave()` or `closed`.
   *
   * @throws {ClientError} `SERVER_UNREACHABLE`, `ROOM_STATE` when called twice, `LEFT`, or the server's refusal: a
   *   `SignalingErrorCode` such as `ROOM_FULL`.
   * @throws {TypeError} When `url` is no address.
   */
  async connect(options: ConnectOptions): Promise<void> {
    if (this.#state !== "idle") {
      throw new ClientError(
        "ROOM_STATE",
        `connect() was called on a room that is ${this.#state}.`,
        "Make a new Room for each visit.",
      );
    }
    const url = signalingUrl(options.url, this.#platform.origin);
    this.#name = options.name;
    const joined = new Promise<void>((resolve, reject) => {
      this.#joining = { resolve, reject };
    });
    // It may fail while the devices are being opened, before the caller has it.
    joined.catch(() => undefined);
    this.#listen();
    this.#setState("connecting");
    await this.#openDevices(options);
    // Left while the browser asked for the devices.
    if (this.state === "closed") return joined;
    const source = options.token;
    let token = typeof source === "string" ? source : undefined;
    const prepareJoin =
      typeof source === "function"
        ? async (): Promise<void> => {
            token = await source();
          }
        : undefined;
    this.#signal = new SignalClient(
      this.#platform,
      url,
      {
        join: () => ({
          room: options.room,
          name: options.name,
          ...(token === undefined ? {} : { token }),
          state: this.#localState,
        }),
        prepareJoin,
        connectTimeoutMs: this.#options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
        random: () => this.#platform.random(),
        log: this.#log,
      },
      (event) => this.#handleSignalEvent(event),
    );
    this.#signal.connect();
    return joined;
  }

  /** Leaves for good, ends every connection and switches every device off. */
  async leave(): Promise<void> {
    if (this.#state === "closed") return;
    if (this.#signal === undefined) this.#close({ code: "LEFT", message: "this participant left" });
    else this.#signal.leave();
  }

  /** Tries to reach the server now instead of at the end of the pause. */
  reconnectNow(): void {
    this.#signal?.reconnectNow();
  }

  // Chat and files

  /**
   * Sends a chat message to everybody who is here. Who comes later does not see it.
   * @throws {ClientError} `ROOM_STATE` before joining, `CHAT_TOO_LONG`
   */
  sendChat(text: string): ChatMessage {
    const self = this.#joinedSelf("sendChat");
    const message = this.#chat.write(text, this.#platform.createId(), this.#platform.wallClock(), {
      from: self.id,
      name: self.name,
    });
    for (const id of this.#mesh.ids) {
      if (!this.#mesh.send(id, chatToControl(message))) {
        this.#log.warn("a chat message was not taken: too much is waiting", { to: id });
      }
    }
    this.#events.emit("messageReceived", message);
    return message;
  }

  /**
   * Offers a file to everybody who is here, or to some. Each of them accepts or declines.
   * @throws {ClientError} `ROOM_STATE` before joining, `NOBODY_TO_SEND_TO`, `TOO_MANY_TRANSFERS`
   */
  sendFile(file: Blob, options: SendFileOptions = {}): FileTransfer {
    this.#joinedSelf("sendFile");
    const to = options.to === undefined ? this.#mesh.ids : [options.to].flat();
    const ownName: unknown = Reflect.get(file, "name");
    const name = options.name ?? (typeof ownName === "string" ? ownName : "file");
    return this.#transfers.send(
      file,
      name,
      to.filter((id) => this.#participants.has(id)),
    );
  }

  // A host's rights; the server answers `NOT_ALLOWED` by `refused` when one is none

  /** Nobody new gets in. */
  lock(on: boolean): void {
    this.#moderate({ action: "lock", locked: on });
  }

  /** Newcomers wait for a host to admit them. */
  setLobby(on: boolean): void {
    this.#moderate({ action: "lobby", enabled: on });
  }

  /** Lets somebody in who waits. */
  admit(id: ParticipantId): void {
    this.#moderate({ action: "admit", target: id });
  }

  /** Sends somebody away who waits. */
  deny(id: ParticipantId): void {
    this.#moderate({ action: "deny", target: id });
  }

  /** Has somebody's microphone or camera switched off. Only they can switch it on again. */
  requestMute(id: ParticipantId, kind: MediaKind): void {
    this.#moderate({ action: "mute", target: id, kind });
  }

  /** Sends a participant out of the room. */
  remove(id: ParticipantId): void {
    this.#moderate({ action: "remove", target: id });
  }

  /** Makes somebody a host, or a guest. */
  setRole(id: ParticipantId, role: ParticipantRole): void {
    this.#moderate({ action: "role", target: id, role });
  }

  // What is known

  get state(): RoomState {
    return this.#state;
  }

  /** Undefined until joined. */
  get info(): RoomInfo | undefined {
    return this.#info;
  }

  /** Everybody else, by id. */
  get remoteParticipants(): ReadonlyMap<ParticipantId, RemoteParticipant> {
    return this.#participants;
  }

  /** Who waits in the lobby; hosts only. */
  get knocking(): readonly KnockingParticipant[] {
    return this.#knocking;
  }

  /** The chat since joining, oldest first, one's own messages included; at most the newest 1000. */
  get messages(): readonly ChatMessage[] {
    return this.#chat.messages;
  }

  /** Every file since joining, oldest first. */
  get transfers(): readonly FileTransfer[] {
    return this.#transfers.all;
  }

  // Signaling

  #handleSignalEvent(event: SignalClientEvent): void {
    switch (event.type) {
      case "stateChange":
        this.#handleSessionState(event.state);
        break;
      case "joined":
        this.#handleJoined(event.message);
        break;
      case "message":
        this.#handleMessage(event.message);
        break;
      case "retryScheduled":
        this.#events.emit("reconnectScheduled", { attempt: event.attempt, retryInMs: event.retryInMs });
        break;
      case "refused":
        this.#events.emit("refused", refusalError(event.error.code, event.error.message));
        break;
      case "closed":
        this.#close({ code: event.code, message: event.message });
        break;
      default:
        event satisfies never;
    }
  }

  #handleSessionState(state: SignalSessionState): void {
    this.#mesh.handleServer(state === "connected");
    if (state !== "closed") this.#setState(state);
  }

  /** A complete picture: it replaces what was known. Connections to those who are still there are not touched. */
  #handleJoined(message: JoinedMessage): void {
    // Somebody new, because the old place was gone: the others have closed their connections to who we were.
    if (this.#self !== undefined && this.#self.id !== message.self) {
      for (const id of [...this.#participants.keys()]) this.#removeParticipant(id, "connectionLost");
    }
    this.#info = message.room;
    this.#knocking = message.knocking;
    this.#self = message.participants.find((participant) => participant.id === message.self);
    this.#announced = "";
    // Whatever becomes of the connections to the others: the room is joined.
    this.#joining?.resolve();
    this.#joining = undefined;
    this.#mesh.setIceServers(message.iceServers);
    this.#mesh.handleServer(true);
    const present = new Set(message.participants.map((participant) => participant.id));
    for (const id of [...this.#participants.keys()]) {
      if (!present.has(id)) this.#removeParticipant(id, "left");
    }
    for (const info of message.participants) if (info.id !== message.self) this.#putParticipant(info);
    this.#setState("connected");
    this.#announce();
    this.#events.emit("roomChanged", message.room);
    this.#events.emit("knockingChanged");
    this.#events.emit("localChanged");
  }

  #handleMessage(message: RoomMessage): void {
    switch (message.type) {
      case "participantJoined":
      case "participantChanged":
        if (message.participant.id === this.#self?.id) this.#handleSelf(message.participant);
        else this.#putParticipant(message.participant);
        break;
      case "participantLeft":
        this.#removeParticipant(message.id, message.reason);
        break;
      case "roomChanged":
        this.#info = message.room;
        this.#events.emit("roomChanged", message.room);
        break;
      case "knocking":
        this.#knocking = message.knocking;
        this.#events.emit("knockingChanged");
        break;
      case "signal":
        this.#mesh.handleSignal(message);
        break;
      case "iceServers":
        this.#mesh.setIceServers(message.iceServers);
        break;
      case "muteRequest":
        this.#handleMuteRequest(message.kind, message.from);
        break;
      default:
        // A later version's: unknown types are ignored.
        message satisfies never;
    }
  }

  #handleSelf(info: ParticipantInfo): void {
    this.#self = info;
    this.#events.emit("localChanged");
  }

  #handleMuteRequest(kind: MediaKind, from: ParticipantId): void {
    const off =
      kind === "audio" ? this.localParticipant.setMicrophone(false) : this.localParticipant.setCamera(false);
    void off.then(() => this.#events.emit("muteRequested", kind, this.#participants.get(from)));
  }

  #moderate(action: ModerateAction): void {
    this.#joinedSelf(action.action);
    if (this.#signal?.send({ type: "moderate", ...action }) === true) return;
    this.#events.emit(
      "refused",
      refusalError("RATE_LIMITED", "too much is waiting to be sent to the server"),
    );
  }

  // Participants

  #putParticipant(info: ParticipantInfo): void {
    const known = this.#participants.get(info.id);
    if (known !== undefined) {
      this.#mesh.handleInfo(info);
      this.#events.emit("participantChanged", known);
      return;
    }
    const link = this.#connectTo(info);
    if (link === undefined) return;
    const participant = new RemoteParticipant({
      get info() {
        return link.info;
      },
      get camera() {
        return link.camera;
      },
      get screen() {
        return link.screen;
      },
      get connection() {
        return link.outcome;
      },
      timeline: () => link.timeline,
      stats: () => link.stats(),
      retry: () => link.retry(),
    });
    this.#participants.set(info.id, participant);
    this.#events.emit("participantJoined", participant);
  }

  #connectTo(info: ParticipantInfo): PeerLink | undefined {
    try {
      return this.#self && this.#mesh.add(info, this.#self.joinOrder, this.#media.outgoing);
    } catch (error) {
      // WebRTC is switched off, or the page has more connections than the browser allows.
      this.#log.error("the browser makes no connection", { peer: info.id, error: String(error) });
      return undefined;
    }
  }

  #removeParticipant(id: ParticipantId, reason: ParticipantLeftMessage["reason"]): void {
    const participant = this.#participants.get(id);
    if (participant === undefined) return;
    this.#participants.delete(id);
    this.#mesh.remove(id);
    this.#transfers.handleParticipantLeft(id);
    this.#events.emit("participantLeft", participant, reason);
  }

  #handleLinkEvent(id: ParticipantId, event: PeerLinkEvent): void {
    switch (event.type) {
      case "signal":
        if (this.#signal?.send({ type: "signal", to: id, signal: event.signal }) === false) {
          this.#log.warn("a signal was not taken: too much is waiting", { to: id });
        }
        return;
      case "report":
        this.#signal?.send({ type: "report", peer: id, ...event.report });
        return;
      case "controlChange":
        this.#transfers.handleReachable(id, event.live);
        return;
      case "channel":
        this.#transfers.handleChannel(id, event.channel);
        return;
      default:
    }
    // Events of the moment in which the connection is made come before its participant is announced.
    const participant = this.#participants.get(id);
    if (participant === undefined) return;
    switch (event.type) {
      case "connectionChange":
        this.#events.emit("connectionChanged", participant);
        break;
      case "trackChange":
        this.#events.emit("trackChanged", participant);
        break;
      case "message":
        if (event.message.type === "chat") {
          const message = this.#chat.receive(event.message, { from: id, name: participant.name });
          if (message !== undefined) this.#events.emit("messageReceived", message);
        } else {
          this.#transfers.handleMessage(id, event.message);
        }
        break;
      default:
        event satisfies never;
    }
  }

  // Oneself

  #createLocalParticipant(): LocalParticipant {
    const self = (): ParticipantInfo | undefined => this.#self;
    const name = (): string => this.#name;
    const state = (): ParticipantState => this.#localState;
    const media = this.#media;
    return new LocalParticipant({
      get id() {
        return self()?.id;
      },
      get name() {
        return self()?.name ?? name();
      },
      get role() {
        return self()?.role ?? "guest";
      },
      get state() {
        return state();
      },
      get microphone() {
        return media.microphone;
      },
      get camera() {
        return media.camera;
      },
      get screen() {
        return media.screen;
      },
      setMicrophone: (on, options) => media.setMicrophone(on, options),
      setCamera: (on, options) => media.setCamera(on, options),
      setScreenShare: (on) => media.setScreenShare(on),
      setHand: (on) => {
        this.#hand = on;
        this.#announce();
        this.#events.emit("localChanged");
      },
    });
  }

  get #localState(): ParticipantState {
    return { ...this.#media.state, hand: this.#hand };
  }

  #handleLocalChange(): void {
    this.#mesh.setMedia(this.#media.outgoing);
    this.#announce();
    this.#events.emit("localChanged");
  }

  /** Tells the others what is on, if that is news. */
  #announce(): void {
    if (this.#self === undefined || this.#state === "closed") return;
    const state = this.#localState;
    const text = JSON.stringify(state);
    if (text === this.#announced) return;
    if (this.#signal?.send({ type: "state", state }) === true) this.#announced = text;
  }

  /** A device that cannot be opened keeps nobody from joining. */
  async #openDevices({ microphone, camera }: ConnectOptions): Promise<void> {
    const failed = (error: unknown): void => {
      if (error instanceof ClientError && error.code !== "LEFT") this.#events.emit("captureFailed", error);
    };
    if (microphone === true) await this.#media.setMicrophone(true, {}).catch(failed);
    if (camera === true) await this.#media.setCamera(true, {}).catch(failed);
  }

  // Life

  #listen(): void {
    this.#stopListening = [
      this.#platform.onNetworkChange(() => {
        this.#signal?.reconnectNow();
        this.#mesh.handleNetworkChange();
      }),
      this.#platform.onPageLeave(() => void this.leave()),
    ];
  }

  #close(reason: ClosedReason): void {
    if (this.#state === "closed") return;
    for (const stop of this.#stopListening) stop();
    this.#transfers.close();
    this.#mesh.close();
    this.#participants.clear();
    this.#knocking = [];
    this.#setState("closed");
    this.#media.release();
    this.#joining?.reject(closedError(reason.code, reason.message));
    this.#joining = undefined;
    this.#events.emit("closed", reason);
  }

  #setState(state: RoomState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#log.info(`room ${state}`);
    this.#events.emit("stateChange", state);
  }

  #joinedSelf(operation: string): ParticipantInfo {
    if (this.#self !== undefined && this.#state !== "closed") return this.#self;
    throw new ClientError(
      "ROOM_STATE",
      `${operation} needs a joined room, this one is ${this.#state}.`,
      "Call connect() and wait for it first.",
    );
  }
}
