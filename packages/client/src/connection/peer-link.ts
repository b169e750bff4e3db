import type { ParticipantInfo, PeerSignal, ReportMessage, SignalFromMessage } from "@naru/signaling/protocol";
import type { Logger } from "@naru/webrtc/sansio";
import {
  type ConnectionOutcome,
  judge,
  type TimelineSnapshot,
  type Verdict,
  type VerdictHints,
} from "@naru/webrtc/timeline";
import type { ClientPlatform, ClientTimer } from "../platform/platform.ts";
import type { ConnectionStats } from "../remote-participant.ts";
import { ControlLink, type ControlMessage } from "./control-link.ts";
import { sessionIdOf } from "./description.ts";
import { LinkTimeline } from "./link-timeline.ts";
import type { OutgoingMedia, VideoLimits } from "./media-slots.ts";
import { PeerConnection, type PeerConnectionEvent } from "./peer-connection.ts";
import { DEFAULT_RECOVERY_OPTIONS, type LinkState, Recovery } from "./recovery.ts";
import { RemoteMedia } from "./remote-media.ts";
import { StatsReader } from "./stats.ts";

export interface PeerLinkOptions {
  readonly platform: ClientPlatform;
  readonly log: Logger;
  readonly configuration: RTCConfiguration;
  readonly polite: boolean;
  readonly info: ParticipantInfo;
  readonly media: OutgoingMedia;
  readonly limits: VideoLimits;
  readonly signalingUp: boolean;
  readonly onEvent: (event: PeerLinkEvent) => void;
}

export type PeerLinkEvent =
  | { readonly type: "signal"; readonly signal: PeerSignal }
  | { readonly type: "report"; readonly report: Omit<ReportMessage, "type" | "peer"> }
  /** Outcome or timeline. */
  | { readonly type: "connectionChange" }
  | { readonly type: "trackChange" }
  | { readonly type: "message"; readonly message: ControlMessage }
  /** The control channel opened or is gone. */
  | { readonly type: "controlChange"; readonly live: boolean }
  /** The other side opened a channel for a file. */
  | { readonly type: "channel"; readonly channel: RTCDataChannel };

/** Peer connections given up whose late messages are recognised. */
const MAX_RETIRED = 16;
/** Resets of the other side that are obeyed within a minute: an honest one makes three, and then gives up. */
const MAX_RESETS_PER_MINUTE = 12;
const ACK_DELAY_MS = 200;

/**
 * The connection to one participant, for as long as both are in the room: one peer connection after another where
 * repair needs that. Owns its timeline, and the messages that survive from one peer connection to the next.
 */
export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #timeline: LinkTimeline;
  readonly #recovery: Recovery;
  readonly #control: ControlLink;
  readonly #remote: RemoteMedia;
  #info: ParticipantInfo;
  #configuration: RTCConfiguration;
  #media: OutgoingMedia;
  #limits: VideoLimits;
  #pc: PeerConnection;
  #stats: StatsReader = new StatsReader();
  #retired: string[] = [];
  #peerResets: number[] = [];
  /** Their number of the signal handled last. Who joins again is another participant, with another link. */
  #lastFromSeq = 0;
  #hints: VerdictHints = {};
  #serverUp: boolean;
  #reportedConnected = false;
  #repairing = false;
  #recoveryTimer: ClientTimer | undefined;
  #ackTimer: ClientTimer | undefined;
  #closed = false;

  constructor(options: PeerLinkOptions) {
    const { platform } = options;
    this.#options = options;
    this.#info = options.info;
    this.#configuration = options.configuration;
    this.#media = options.media;
    this.#limits = options.limits;
    this.#serverUp = options.signalingUp;
    this.#timeline = new LinkTimeline({
      platform,
      onChange: () => this.#emit({ type: "connectionChange" }),
      onMediaVerdict: (verdict) => this.#report("failed", verdict),
    });
    this.#recovery = new Recovery({ ...DEFAULT_RECOVERY_OPTIONS, polite: options.polite });
    this.#control = new ControlLink(options.log);
    this.#remote = new RemoteMedia(platform);
    this.#pc = this.#build();
    this.#recovery.start(platform.now());
    this.#recovery.handleSignaling(this.#signalingUp, platform.now());
    this.#timeline.recordExpectation(this.#info.state);
    this.#armRecovery();
  }

  // Commands

  /** A message of the other side, moved by the server. */
  handleSignal({ signal, fromSeq = this.#lastFromSeq + 1 }: SignalFromMessage): void {
    // A server that was killed had passed on what it is given again.
    if (this.#closed || fromSeq <= this.#lastFromSeq) return;
    this.#lastFromSeq = fromSeq;
    switch (signal.kind) {
      case "description":
        this.#handleDescription(signal.description);
        break;
      case "candidate":
        this.#pc.handleCandidate(signal.candidate);
        break;
      case "reset":
        this.#handleReset(signal.reason);
        break;
      default:
        // A later version's: unknown kinds are ignored.
        signal satisfies never;
    }
  }

  /** Presence, name, role or state changed. */
  handleInfo(info: ParticipantInfo): void {
    const { screen } = this;
    this.#info = info;
    this.#timeline.recordExpectation(this.#info.state);
    this.#recovery.handleSignaling(this.#signalingUp, this.#now);
    this.#runRecovery();
    // Its stream is there from the beginning: what they say of it decides whether it is shown.
    if (this.#remote.update(info.state) || this.screen !== screen) this.#emit({ type: "trackChange" });
  }

  /** Our own connection to the server broke or is back. */
  handleServer(up: boolean): void {
    const isBack = up && !this.#serverUp;
    this.#serverUp = up;
    if (isBack && this.#isRelayed) this.#recovery.handleRelayDoubtful(this.#now);
    this.#recovery.handleSignaling(this.#signalingUp, this.#now);
    this.#runRecovery();
  }

  handleNetworkChange(): void {
    this.#recovery.handleNetworkChange(this.#now);
    this.#runRecovery();
  }

  setMedia(media: OutgoingMedia): void {
    this.#media = media;
    this.#pc.setMedia(media);
  }

  setVideoLimits(limits: VideoLimits): void {
    this.#limits = limits;
    this.#pc.setVideoLimits(limits);
  }

  /** Fresh servers and credentials, for the next gathering. */
  setConfiguration(configuration: RTCConfiguration): void {
    this.#configuration = configuration;
    this.#pc.setConfiguration(configuration);
  }

  /** Sends exactly once, now or when the control channel opens. False when too much is waiting. */
  send(message: ControlMessage): boolean {
    const taken = this.#control.send(message);
    this.#pumpControl();
    return taken;
  }

  createChannel(label: string): RTCDataChannel | undefined {
    return this.#pc.createChannel(label);
  }

  retry(): void {
    this.#recovery.retry(this.#now);
    this.#runRecovery();
  }

  close(): void {
    if (this.#closed) return;
    this.#timeline.close();
    this.#closed = true;
    this.#recoveryTimer?.cancel();
    this.#ackTimer?.cancel();
    this.#pc.close();
    this.#remote.clear();
  }

  async stats(): Promise<ConnectionStats> {
    const report = await this.#pc.getStats();
    return this.#stats.read(report, this.#now).stats;
  }

  get info(): ParticipantInfo {
    return this.#info;
  }

  get camera(): MediaStream | undefined {
    return this.#remote.camera;
  }

  get screen(): MediaStream | undefined {
    return this.#info.state.screen === true ? this.#remote.screen : undefined;
  }

  get outcome(): ConnectionOutcome {
    return this.#timeline.outcome;
  }

  get timeline(): TimelineSnapshot {
    return this.#timeline.snapshot();
  }

  /** Whether control messages arrive at once. */
  get isLive(): boolean {
    return this.#control.isLive;
  }

  get maxMessageSize(): number {
    return this.#pc.maxMessageSize;
  }

  // Generations

  #build(): PeerConnection {
    let pc: PeerConnection;
    try {
      pc = this.#create();
    } catch (error) {
      // One entry that the browser cannot read: a direct path needs none of them.
      const text = String(error).slice(0, 200);
      this.#options.log.error("the browser refused the ICE servers: going on without them", { error: text });
      this.#timeline.record({ type: "serverError", error: { url: "iceServers", code: 0, text } });
      this.#configuration = { ...this.#configuration, iceServers: [] };
      pc = this.#create();
    }
    pc.setVideoLimits(this.#limits);
    this.#attachControl(pc.control);
    return pc;
  }

  #create(): PeerConnection {
    return new PeerConnection({
      platform: this.#options.platform,
      configuration: this.#configuration,
      polite: this.#options.polite,
      media: this.#media,
      log: this.#options.log,
      onEvent: (event) => this.#handlePeerEvent(event),
    });
  }

  #rebuild(reason: string): void {
    this.#retire();
    this.#hints = {};
    this.#timeline.record({ type: "restart", kind: "rebuild", reason });
    this.#control.handleClose();
    this.#emit({ type: "controlChange", live: false });
    this.#pc.close();
    this.#remote.clear();
    this.#emit({ type: "trackChange" });
    this.#stats = new StatsReader();
    this.#pc = this.#build();
    this.#timeline.recordExpectation(this.#info.state);
  }

  /** From now on messages of the other side's present peer connection are late ones. */
  #retire(): void {
    const sessionId = sessionIdOf(this.#pc.remoteSdp ?? "");
    if (sessionId !== undefined) this.#retired = [...this.#retired, sessionId].slice(-MAX_RETIRED);
  }

  #handleDescription(description: { readonly type: string; readonly sdp: string }): void {
    const sessionId = sessionIdOf(description.sdp);
    if (sessionId !== undefined && this.#retired.includes(sessionId)) {
      this.#options.log.debug("dropped a description of a connection given up", {});
      return;
    }
    const current = sessionIdOf(this.#pc.remoteSdp ?? "");
    if (description.type === "offer" && current !== undefined && current !== sessionId) {
      this.#handlePeerRebuild();
    }
    this.#pc.handleDescription(description);
  }

  #handleReset(reason: string): void {
    this.#options.log.info("the other side gave a connection up", { peer: this.#info.id, reason });
    this.#hints = { ...this.#hints, peerReason: reason };
    this.#handlePeerRebuild(this.#judge());
  }

  /** @param verdict - Why, where the other side told. */
  #handlePeerRebuild(verdict?: Verdict): void {
    const now = this.#now;
    this.#peerResets = [...this.#peerResets.filter((at) => at > now - 60_000), now];
    if (this.#peerResets.length > MAX_RESETS_PER_MINUTE) {
      this.#options.log.warn("the other side starts over too often: ignored", { peer: this.#info.id });
      return;
    }
    const { peerReason } = this.#hints;
    this.#rebuild("the other side started over");
    if (verdict !== undefined) this.#timeline.record({ type: "verdict", verdict, final: false });
    if (peerReason !== undefined) this.#hints = { peerReason };
    this.#recovery.handlePeerRebuilt(now);
    this.#armRecovery();
  }

  // Repair

  get #signalingUp(): boolean {
    return this.#serverUp && this.#info.presence === "present";
  }

  get #isRelayed(): boolean {
    const pair = this.#timeline.snapshot().path.selectedPair;
    return pair?.local.type === "relay" || pair?.remote.type === "relay";
  }

  #runRecovery(): void {
    if (this.#closed) return;
    for (
      let action = this.#recovery.pollAction();
      action !== undefined;
      action = this.#recovery.pollAction()
    ) {
      switch (action.type) {
        case "restartIce":
          this.#repairing = true;
          this.#timeline.record({ type: "restart", kind: "ice", reason: action.reason });
          this.#pc.restartIce();
          break;
        case "rebuild": {
          this.#repairing = true;
          const verdict = this.#judge();
          this.#report("failed", verdict);
          this.#emit({ type: "signal", signal: { kind: "reset", reason: verdict.code } });
          this.#rebuild(action.reason);
          this.#timeline.record({ type: "verdict", verdict, final: false });
          break;
        }
        case "giveUp": {
          const verdict = this.#judge();
          this.#timeline.record({ type: "verdict", verdict, final: true });
          this.#report("failed", verdict);
          this.#options.log.error("gave a connection up", { peer: this.#info.id, code: verdict.code });
          break;
        }
        default:
          action satisfies never;
      }
    }
    this.#armRecovery();
  }

  #armRecovery(): void {
    this.#recoveryTimer?.cancel();
    const due = this.#recovery.pollTimeout();
    if (due === Number.POSITIVE_INFINITY || this.#closed) return;
    this.#recoveryTimer = this.#options.platform.setTimer(() => {
      this.#recovery.handleTimeout(this.#now);
      this.#runRecovery();
    }, due - this.#now);
  }

  #judge(): Verdict {
    const servers = this.#configuration.iceServers ?? [];
    return judge(this.#timeline.snapshot(), {
      ...this.#hints,
      signalingLost: !this.#signalingUp,
      relayConfigured: servers.some((server) => [server.urls].flat().some((url) => url.startsWith("turn"))),
    });
  }

  #report(outcome: ReportMessage["outcome"], verdict?: Verdict): void {
    const timeline = this.#timeline.snapshot();
    this.#emit({
      type: "report",
      report: {
        phase: verdict?.phase ?? "media",
        outcome,
        durationMs: this.#timeline.elapsedMs,
        ...(verdict === undefined ? {} : { code: verdict.code, message: verdict.message }),
      },
    });
    this.#options.log.info(`connection ${outcome}`, {
      peer: this.#info.id,
      code: verdict?.code,
      path: timeline.path.selectedPair?.local.type,
    });
  }

  // Events of the peer connection

  #handlePeerEvent(event: PeerConnectionEvent): void {
    switch (event.type) {
      case "signal":
        this.#emit(event);
        break;
      case "descriptionSent":
        this.#timeline.record({ type: "description", kind: event.kind, direction: "sent" });
        this.#timeline.recordFingerprints(this.#pc.localSdp, this.#pc.remoteSdp);
        break;
      case "descriptionReceived":
        this.#timeline.record({ type: "description", kind: event.kind, direction: "received" });
        // All media is negotiated at the beginning: whoever offers again restarts ICE.
        if (event.kind === "offer") this.#recovery.handlePeerRestart(this.#now);
        this.#armRecovery();
        this.#timeline.recordFingerprints(this.#pc.localSdp, this.#pc.remoteSdp);
        break;
      case "localCandidate":
        this.#timeline.recordCandidate("local", event.candidate.candidate);
        break;
      case "remoteCandidate":
        this.#timeline.recordCandidate("remote", event.candidate);
        break;
      case "gatheringComplete":
        this.#timeline.record({ type: "gatheringComplete" });
        break;
      case "serverError":
        this.#timeline.recordServerError(event.event);
        break;
      case "iceState":
        this.#handleIceState(event.state);
        break;
      case "connectionState":
        this.#handleConnectionState(event.state, event.iceState);
        break;
      case "dtlsState":
        if (event.state !== "new") this.#timeline.record({ type: "dtls", state: event.state });
        break;
      case "dtlsError":
        this.#hints = { ...this.#hints, dtlsError: event.detail };
        break;
      case "descriptionRefused":
        this.#options.log.warn("a description was refused", { peer: this.#info.id, message: event.message });
        this.#hints = { ...this.#hints, descriptionRefused: event.message, phase: "exchange" };
        this.#settleState("refused");
        break;
      case "track":
        this.#remote.add(event, this.#info.state);
        this.#emit({ type: "trackChange" });
        break;
      case "channel":
        this.#emit(event);
        break;
      case "gone":
        this.#settleState("gone");
        break;
      default:
        event satisfies never;
    }
  }

  #handleIceState(state: RTCIceConnectionState): void {
    const mapped = ICE_STATES[state];
    if (mapped === undefined) return;
    this.#timeline.record({ type: "ice", state: mapped });
    if (mapped === "failed" || mapped === "disconnected") this.#settleState(mapped);
  }

  #handleConnectionState(state: RTCPeerConnectionState, iceState: RTCIceConnectionState): void {
    if (state === "connected") {
      // Browsers without a DTLS transport object tell the end of the handshake only so.
      this.#timeline.record({ type: "ice", state: "connected" });
      this.#timeline.record({ type: "dtls", state: "connected" });
      this.#handleConnected();
      return;
    }
    if (state === "connecting") this.#settleState("connecting");
    if (state !== "failed") return;
    // webrtc-pc §4.3.3: failed is ICE or DTLS; with a working path it is DTLS.
    const isSecurity = ICE_STATES[iceState] === "connected";
    if (isSecurity) this.#hints = { dtlsError: "dtls-failure", ...this.#hints, phase: "security" };
    this.#settleState(isSecurity ? "securityFailed" : "failed");
  }

  #handleConnected(): void {
    this.#hints = {};
    if (!this.#reportedConnected) this.#report("connected");
    else if (this.#repairing) this.#report("recovered");
    this.#reportedConnected = true;
    this.#repairing = false;
    this.#settleState("connected");
    this.#timeline.watch(this.#pc);
  }

  #settleState(state: LinkState): void {
    this.#recovery.handleState(state, this.#now);
    this.#runRecovery();
  }

  // Control channel

  #attachControl(channel: RTCDataChannel): void {
    const isCurrent = (): boolean => !this.#closed && this.#pc.control === channel;
    channel.onopen = () => {
      if (!isCurrent()) return;
      this.#timeline.record({ type: "dataOpen" });
      this.#control.handleOpen();
      this.#pumpControl();
    };
    channel.onclose = () => {
      if (!isCurrent()) return;
      this.#control.handleClose();
      this.#emit({ type: "controlChange", live: false });
      // We close it only together with everything else: the other side's peer connection is gone.
      this.#settleState("gone");
    };
    channel.onmessage = (event) => {
      const data: unknown = event.data;
      if (!isCurrent() || typeof data !== "string") return;
      const wasLive = this.#control.isLive;
      this.#control.handleText(data);
      this.#pumpControl();
      if (!wasLive && this.#control.isLive) this.#emit({ type: "controlChange", live: true });
    };
  }

  #pumpControl(): void {
    const { control } = this.#pc;
    for (let text = this.#control.pollTransmit(); text !== undefined; text = this.#control.pollTransmit()) {
      if (control.readyState === "open") control.send(text);
    }
    for (
      let message = this.#control.pollMessage();
      message !== undefined;
      message = this.#control.pollMessage()
    ) {
      this.#emit({ type: "message", message });
    }
    if (!this.#control.isAckDue) return;
    // Armed once: put off by every message, it would never come while they do.
    this.#ackTimer ??= this.#options.platform.setTimer(() => {
      this.#ackTimer = undefined;
      this.#control.flushAck();
      this.#pumpControl();
    }, ACK_DELAY_MS);
  }

  get #now(): number {
    return this.#options.platform.now();
  }

  #emit(event: PeerLinkEvent): void {
    if (!this.#closed) this.#options.onEvent(event);
  }
}

const ICE_STATES: Readonly<
  Record<RTCIceConnectionState, "checking" | "connected" | "disconnected" | "failed" | undefined>
> = {
  new: undefined,
  checking: "checking",
  connected: "connected",
  completed: "connected",
  disconnected: "disconnected",
  failed: "failed",
  closed: undefined,
};
