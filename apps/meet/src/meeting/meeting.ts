import {
  type CaptureErrorCode,
  type ChatMessage,
  ClientError,
  type ClosedReason,
  type FileTransfer,
  type KnockingParticipant,
  type MediaKind,
  type ParticipantId,
  type RemoteParticipant,
  Room,
  type RoomInfo,
  type RoomState,
} from "@naru/client";
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { captureChosen } from "../media/capture-chosen.ts";
import { devicesAtStart } from "../preferences.ts";
import { announce, preferences, remember, toast, urlOptions } from "../store.ts";
import { captureCode, closedReasonOf, errorText } from "./errors.ts";
import { type LocalView, localView, type PeerView, peerView } from "./views.ts";

/** What the side panel shows. */
export type PanelName = "chat" | "people" | "files";

/** A picture that can be shown big: somebody else's. One's own screen, shown back, would be a hall of mirrors. */
export interface StageItem {
  readonly kind: "screen" | "camera";
  readonly id: ParticipantId;
}

/** A device that did not start, and why. */
export interface CaptureProblem {
  readonly kind: MediaKind;
  readonly code: CaptureErrorCode;
}

/**
 * One visit of a room: the SDK's {@link Room} as signals, and what the page knows besides. Made for the preview,
 * used until the room is closed; joining again makes a new one.
 */
export class Meeting {
  readonly room: Room;
  readonly roomName: string;

  readonly #state: Signal<RoomState> = signal("idle");
  readonly #closed: Signal<ClosedReason | undefined> = signal(undefined);
  readonly #info: Signal<RoomInfo | undefined> = signal(undefined);
  readonly #local: Signal<LocalView>;
  readonly #peers: Signal<readonly PeerView[]> = signal([]);
  readonly #knocking: Signal<readonly KnockingParticipant[]> = signal([]);
  readonly #messages: Signal<readonly ChatMessage[]> = signal([]);
  readonly #transfers: Signal<readonly TransferView[]> = signal([]);
  readonly #retryAt: Signal<number | undefined> = signal(undefined);
  readonly #problems: Signal<readonly CaptureProblem[]> = signal([]);
  readonly #unread: Signal<number> = signal(0);

  /** What the side panel shows; undefined while it is closed. */
  readonly panel: Signal<PanelName | undefined> = signal(undefined);
  /** What the user chose to see big. */
  readonly pinned: Signal<StageItem | undefined> = signal(undefined);
  /** Whose connection the inspector shows. */
  readonly inspected: Signal<ParticipantId | undefined> = signal(undefined);
  /** The browser holds back sound until a click. */
  readonly audioBlocked: Signal<boolean> = signal(false);
  /** Space is held to talk. */
  readonly talking: Signal<boolean> = signal(false);

  /** Files that wait for one's answer. */
  readonly offers: ReadonlySignal<number> = computed(
    () =>
      this.#transfers.value.filter(
        ({ transfer, state }) => transfer.direction === "receive" && state === "offered",
      ).length,
  );

  /** What is shown big: the pinned picture, else the newest shared screen. */
  readonly stage: ReadonlySignal<StageItem | undefined> = computed(() => this.#chooseStage());

  constructor(roomName: string) {
    this.roomName = roomName;
    this.room = new Room();
    this.#local = signal(localView(this.room.localParticipant));
    this.#listen();
  }

  /**
   * Switches on what the user had on last time. Never rejects: see {@link problems}.
   *
   * @param joinsAtOnce - Without the preview, in which the user could still switch off.
   */
  async prepare(joinsAtOnce: boolean): Promise<void> {
    const { hostname } = location;
    const on = devicesAtStart(urlOptions.peek(), preferences.peek(), { hostname, joinsAtOnce });
    const tasks: Promise<void>[] = [];
    if (on.microphone) tasks.push(this.setMicrophone(true));
    if (on.camera) tasks.push(this.setCamera(true));
    await Promise.all(tasks);
  }

  /** Joins the room. Never rejects: the reason is in {@link closed}. */
  async join(name: string): Promise<void> {
    const { token } = urlOptions.peek();
    this.#state.value = "connecting";
    try {
      await this.room.connect({ room: this.roomName, name, ...(token === undefined ? {} : { token }) });
    } catch (error) {
      this.#closed.value ??= closedReasonOf(error);
      this.#state.value = "closed";
    }
  }

  /** Leaves the room and switches every device off. */
  leave(): void {
    void this.room.leave();
  }

  /** Switches the microphone, to the chosen one if it is there; a failure is shown in {@link problems}. */
  async setMicrophone(on: boolean): Promise<void> {
    await this.#capture("audio", () =>
      captureChosen(preferences.peek().microphoneId, (deviceId) =>
        this.room.localParticipant.setMicrophone(on, { deviceId }),
      ),
    );
  }

  /** Switches the camera, to the chosen one if it is there; a failure is shown in {@link problems}. */
  async setCamera(on: boolean): Promise<void> {
    await this.#capture("video", () =>
      captureChosen(preferences.peek().cameraId, (deviceId) =>
        this.room.localParticipant.setCamera(on, { deviceId }),
      ),
    );
  }

  /** Microphone button: switches it over and remembers the choice. */
  async toggleMicrophone(): Promise<void> {
    const on = !this.local.peek().audio;
    await this.setMicrophone(on);
    if (this.local.peek().audio !== on) return;
    remember({ microphone: on });
    announce(on ? t.peek().announce.microphoneOn : t.peek().announce.microphoneOff);
  }

  /** Camera button: switches it over and remembers the choice. */
  async toggleCamera(): Promise<void> {
    const on = !this.local.peek().video;
    await this.setCamera(on);
    if (this.local.peek().video !== on) return;
    remember({ camera: on });
    announce(on ? t.peek().announce.cameraOn : t.peek().announce.cameraOff);
  }

  /** Share button. */
  async toggleShare(): Promise<void> {
    try {
      await this.room.localParticipant.setScreenShare(this.local.peek().screen === undefined);
    } catch (error) {
      const code = error instanceof ClientError ? error.code : undefined;
      // Chosen by the user, or the room was left meanwhile.
      if (code === "SCREEN_SHARE_CANCELLED" || code === "LEFT") return;
      const { errors } = t.peek();
      toast(
        code === "SCREEN_SHARE_UNSUPPORTED" ? errors.SCREEN_SHARE_UNSUPPORTED : errors.SCREEN_SHARE_DENIED,
        "error",
      );
    }
  }

  /** Hand button. */
  toggleHand(): void {
    this.room.localParticipant.setHand(!this.local.peek().hand);
  }

  /** Opens a panel, or closes it when it is open. */
  togglePanel(name: PanelName): void {
    this.panel.value = this.panel.peek() === name ? undefined : name;
    if (this.panel.peek() === "chat") this.#unread.value = 0;
  }

  /** The page is looked at again: what stands in the open chat is read. */
  handlePageVisible(): void {
    if (this.panel.peek() === "chat") this.#unread.value = 0;
  }

  /** Sends a chat message; false when it was refused, which the user has been told. */
  sendChat(text: string): boolean {
    try {
      this.room.sendChat(text);
      this.#messages.value = [...this.room.messages];
      return true;
    } catch (error) {
      toast(errorText(error, t.peek().chat.failed), "error");
      return false;
    }
  }

  /** Offers files to everybody and shows how they do. */
  sendFiles(files: Iterable<File>): void {
    for (const file of files) {
      try {
        this.room.sendFile(file);
        this.panel.value = "files";
      } catch (error) {
        toast(errorText(error, t.peek().errors.title), "error");
        return;
      }
    }
  }

  get state(): ReadonlySignal<RoomState> {
    return this.#state;
  }
  /** Why the room is closed, once it is. */
  get closed(): ReadonlySignal<ClosedReason | undefined> {
    return this.#closed;
  }
  get info(): ReadonlySignal<RoomInfo | undefined> {
    return this.#info;
  }
  get local(): ReadonlySignal<LocalView> {
    return this.#local;
  }
  /** Everybody else, in the order they came. */
  get peers(): ReadonlySignal<readonly PeerView[]> {
    return this.#peers;
  }
  get knocking(): ReadonlySignal<readonly KnockingParticipant[]> {
    return this.#knocking;
  }
  get messages(): ReadonlySignal<readonly ChatMessage[]> {
    return this.#messages;
  }
  /** Newest last. */
  get transfers(): ReadonlySignal<readonly TransferView[]> {
    return this.#transfers;
  }
  /** A file is on its way: leaving would end it. */
  get isTransferring(): boolean {
    return this.#transfers.peek().some((transfer) => transfer.state === "active");
  }
  /** When the server is tried again, on the clock of `performance.now()`. */
  get retryAt(): ReadonlySignal<number | undefined> {
    return this.#retryAt;
  }
  /** Devices that did not start. */
  get problems(): ReadonlySignal<readonly CaptureProblem[]> {
    return this.#problems;
  }
  /** Messages that came while the chat was closed. */
  get unread(): ReadonlySignal<number> {
    return this.#unread;
  }

  #listen(): void {
    const { room } = this;
    room.on("stateChange", (state) => this.#onState(state));
    room.on("localChanged", () => this.#refreshLocal());
    room.on("roomChanged", (info) => this.#onRoom(info));
    room.on("participantJoined", (peer) => {
      this.#refreshPeers();
      toast(t.peek().announce.joined(peer.name));
    });
    room.on("participantLeft", (peer, reason) => {
      const { announce: say } = t.peek();
      this.#refreshPeers();
      const sentence = { left: say.left, removed: say.removed, connectionLost: say.lost }[reason];
      toast(sentence(peer.name));
    });
    room.on("participantChanged", (peer) => this.#onPeer(peer));
    room.on("trackChanged", () => this.#refreshPeers());
    room.on("connectionChanged", (peer) => this.#onConnection(peer));
    room.on("knockingChanged", () => this.#onKnocking());
    room.on("messageReceived", (message) => this.#onMessage(message));
    room.on("transferAdded", (transfer) => this.#onTransferAdded(transfer));
    room.on("transferChanged", (transfer) => this.#onTransferChanged(transfer));
    room.on("captureFailed", (error) => this.#onCaptureFailed(error));
    room.on("refused", (error) => {
      // Somebody left while something was under way to them: what the user sees of it is that they left.
      if (error.code !== "NO_SUCH_PARTICIPANT") toast(errorText(error, t.peek().errors.title), "error");
    });
    room.on("muteRequested", (kind, by) => {
      const { banner, tile } = t.peek();
      const sentence = kind === "audio" ? banner.muteRequested : banner.cameraStopRequested;
      toast(sentence(by?.name ?? tile.host));
    });
    room.on("reconnectScheduled", (info) => {
      this.#retryAt.value = performance.now() + info.retryInMs;
    });
    room.on("closed", (reason) => {
      this.#closed.value = reason;
    });
  }

  #onState(state: RoomState): void {
    batch(() => {
      this.#state.value = state;
      if (state !== "reconnecting") this.#retryAt.value = undefined;
      this.#info.value = this.room.info;
      this.#knocking.value = [...this.room.knocking];
      this.#refreshLocal();
      this.#refreshPeers();
    });
  }

  #onRoom(info: RoomInfo): void {
    const before = this.#info.peek();
    this.#info.value = info;
    if (before === undefined || before.locked === info.locked) return;
    toast(info.locked ? t.peek().announce.locked : t.peek().announce.unlocked);
  }

  #refreshLocal(): void {
    this.#local.value = localView(this.room.localParticipant);
  }

  #refreshPeers(): void {
    this.#peers.value = [...this.room.remoteParticipants.values()]
      .sort((a, b) => a.joinOrder - b.joinOrder)
      .map(peerView);
  }

  #onPeer(peer: RemoteParticipant): void {
    const before = this.#peers.peek().find((view) => view.id === peer.id);
    this.#refreshPeers();
    const { announce: say } = t.peek();
    if (peer.state.hand === true && before?.hand === false) toast(say.handRaised(peer.name));
    if (peer.state.screen === true && before?.sharing === false) announce(say.screenShared(peer.name));
  }

  #onConnection(peer: RemoteParticipant): void {
    const before = this.#peers.peek().find((view) => view.id === peer.id);
    this.#refreshPeers();
    const { announce: say } = t.peek();
    if (before === undefined || before.connection === peer.connection) return;
    if (peer.connection === "connected") announce(say.connected(peer.name));
    if (peer.connection === "failed") toast(say.connectionFailed(peer.name), "error");
  }

  #onKnocking(): void {
    const known = new Set(this.#knocking.peek().map((entry) => entry.id));
    this.#knocking.value = [...this.room.knocking];
    for (const entry of this.room.knocking) {
      if (!known.has(entry.id)) announce(t.peek().announce.knocking(entry.name));
    }
  }

  #onMessage(message: ChatMessage): void {
    this.#messages.value = [...this.room.messages];
    if (message.own) return;
    announce(t.peek().announce.message(message.name, message.text));
    if (this.panel.peek() !== "chat" || document.hidden) this.#unread.value++;
  }

  #onTransferAdded(transfer: FileTransfer): void {
    this.#refreshTransfers();
    if (transfer.direction === "send") return;
    const from = this.#peers.peek().find((view) => view.id === transfer.participant);
    toast(t.peek().announce.fileOffered(from?.name ?? "", transfer.name));
    // On a phone the panel covers everything: the badge says it there.
    if (hasRoomForPanel()) this.panel.value ??= "files";
  }

  #onTransferChanged(transfer: FileTransfer): void {
    const before = this.#transfers.peek().find((view) => view.id === transfer.id);
    this.#refreshTransfers();
    if (before === undefined || before.state === transfer.state) return;
    if (transfer.state === "done") announce(t.peek().announce.fileDone(transfer.name));
    if (transfer.state === "failed") announce(t.peek().announce.fileFailed(transfer.name));
  }

  #refreshTransfers(): void {
    this.#transfers.value = this.room.transfers.map((transfer) => ({
      transfer,
      id: transfer.id,
      state: transfer.state,
      bytes: transfer.bytes,
      bytesPerSecond: transfer.bytesPerSecond,
      sha256: transfer.sha256,
    }));
  }

  async #capture(kind: MediaKind, action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.#problems.value = this.#problems.peek().filter((problem) => problem.kind !== kind);
    } catch (error) {
      const code = captureCode(error);
      if (code === undefined) return;
      this.#problems.value = [
        ...this.#problems.peek().filter((problem) => problem.kind !== kind),
        { kind, code },
      ];
    } finally {
      this.#refreshLocal();
    }
  }

  #onCaptureFailed(error: ClientError): void {
    this.#refreshLocal();
    toast(
      error.code === "DEVICE_NOT_FOUND" ? t.peek().banner.deviceLost : t.peek().mediaHelp.otherTitle,
      "error",
    );
  }

  #chooseStage(): StageItem | undefined {
    const pinned = this.pinned.value;
    if (pinned !== undefined && this.#exists(pinned)) return pinned;
    const sharing = this.#peers.value.findLast((peer) => peer.screen !== undefined);
    return sharing === undefined ? undefined : { kind: "screen", id: sharing.id };
  }

  #exists(item: StageItem): boolean {
    const peer = this.#peers.value.find((view) => view.id === item.id);
    return peer !== undefined && (item.kind === "camera" || peer.screen !== undefined);
  }
}

/** Whether a panel stands beside the call instead of over it. */
function hasRoomForPanel(): boolean {
  return matchMedia("(min-width: 900px)").matches;
}

/** A transfer at one moment. */
export interface TransferView {
  readonly transfer: FileTransfer;
  readonly id: string;
  readonly state: FileTransfer["state"];
  readonly bytes: number;
  readonly bytesPerSecond: number;
  readonly sha256: string | undefined;
}
