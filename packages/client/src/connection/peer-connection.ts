import type { CandidateInit, PeerSignal } from "@naru/signaling/protocol";
import { type LogFields, type Logger, Queue } from "@naru/webrtc/sansio";
import type { ClientPlatform } from "../platform/platform.ts";
import {
  answeredOrigin,
  type DtlsRole,
  hasUsernameFragment,
  markAnswer,
  offerRole,
  oppositeRole,
  originOf,
  roleOf,
} from "./description.ts";
import { type OutgoingMedia, SLOTS, type Slot, type SlotName, type VideoLimits } from "./media-slots.ts";
import { decideDescription } from "./negotiation.ts";

/** Until a new pair works in both directions: some round trips. */
const PATH_SETTLES_MS = 600;

/** Label and stream of the channel that both sides open without asking. */
const CONTROL_CHANNEL = { label: "control", id: 0 } as const;
/** RFC 8841 §6.1: what may be sent when the description does not say. */
const DEFAULT_MAX_MESSAGE_SIZE = 65_536;
/** A browser gathers a few dozen; more is nonsense. */
const MAX_QUEUED_CANDIDATES = 256;

export interface PeerConnectionOptions {
  readonly platform: ClientPlatform;
  readonly configuration: RTCConfiguration;
  /** The one who joined later: it makes the first offer, and gives way when two offers cross. */
  readonly polite: boolean;
  readonly media: OutgoingMedia;
  readonly log: Logger;
  readonly onEvent: (event: PeerConnectionEvent) => void;
}

export type PeerConnectionEvent =
  | { readonly type: "signal"; readonly signal: PeerSignal }
  | { readonly type: "descriptionSent"; readonly kind: "offer" | "answer" }
  | { readonly type: "descriptionReceived"; readonly kind: "offer" | "answer" }
  | { readonly type: "localCandidate"; readonly candidate: RTCIceCandidate }
  | { readonly type: "remoteCandidate"; readonly candidate: string }
  | { readonly type: "gatheringComplete" }
  | { readonly type: "serverError"; readonly event: RTCPeerConnectionIceErrorEvent }
  | { readonly type: "iceState"; readonly state: RTCIceConnectionState }
  | {
      readonly type: "connectionState";
      readonly state: RTCPeerConnectionState;
      readonly iceState: RTCIceConnectionState;
    }
  | { readonly type: "dtlsState"; readonly state: RTCDtlsTransportState }
  | { readonly type: "dtlsError"; readonly detail: string }
  | { readonly type: "descriptionRefused"; readonly message: string }
  | {
      readonly type: "track";
      readonly slot: Slot;
      readonly streamId: string | undefined;
      readonly track: MediaStreamTrack;
    }
  | { readonly type: "channel"; readonly channel: RTCDataChannel }
  /** The browser has closed the peer connection by itself. */
  | { readonly type: "gone" };

/**
 * One RTCPeerConnection with perfect negotiation. It never heals itself: what to do when it fails is decided above,
 * by ICE restarts and, in the end, by a new one.
 */
export class PeerConnection {
  readonly #options: PeerConnectionOptions;
  readonly #pc: RTCPeerConnection;
  /** Descriptions and candidates are handled strictly one after another. */
  #chain: Promise<void> = Promise.resolve();
  readonly #queuedCandidates: Queue<CandidateInit | null> = new Queue(MAX_QUEUED_CANDIDATES);
  #localOffer: string | undefined;
  // Kept here, because a closed connection has no descriptions any more (Firefox).
  #localSdp: string | undefined;
  #remoteSdp: string | undefined;
  #role: DtlsRole | undefined;
  #transceivers: Map<SlotName, RTCRtpTransceiver> = new Map();
  #media: OutgoingMedia;
  #limits: VideoLimits | undefined;
  #watchedDtls: RTCDtlsTransport | undefined;
  #closed = false;
  /** Channel for everything but media and the bytes of files. */
  readonly control: RTCDataChannel;

  constructor(options: PeerConnectionOptions) {
    this.#options = options;
    this.#media = options.media;
    this.#pc = options.platform.createPeerConnection(options.configuration);
    this.control = this.#pc.createDataChannel(CONTROL_CHANNEL.label, {
      negotiated: true,
      id: CONTROL_CHANNEL.id,
      ordered: true,
    });
    this.#listen();
    if (options.polite) this.#addTransceivers();
  }

  // Commands

  handleDescription(description: { readonly type: string; readonly sdp: string }): void {
    const { type, sdp } = description;
    if (type !== "offer" && type !== "answer") {
      this.#log("dropped a description of an unknown type", { type });
      return;
    }
    this.#enqueue(() => this.#applyDescription(type, sdp));
  }

  /** A candidate of the other side, null when it has no more. */
  handleCandidate(candidate: CandidateInit | null): void {
    this.#enqueue(() => this.#applyCandidate(candidate));
  }

  /** New credentials and candidates, without ending the connection; takes effect by the next offer. */
  restartIce(): void {
    this.#attempt("restartIce", () => this.#pc.restartIce());
  }

  /** Servers and credentials for the next gathering. */
  setConfiguration(configuration: RTCConfiguration): void {
    this.#attempt("setConfiguration", () => this.#pc.setConfiguration(configuration));
  }

  /** Sends other tracks from now on. */
  setMedia(media: OutgoingMedia): void {
    this.#media = media;
    for (const slot of SLOTS) void this.#replaceTrack(slot);
  }

  setVideoLimits(limits: VideoLimits): void {
    this.#limits = limits;
    void this.#applyVideoLimits();
  }

  /** A channel for one file; undefined when the peer connection is gone. */
  createChannel(label: string): RTCDataChannel | undefined {
    const channel = this.#attempt("createDataChannel", () => {
      return this.#pc.createDataChannel(label, { ordered: true });
    });
    if (channel !== undefined) channel.binaryType = "arraybuffer";
    return channel;
  }

  close(): void {
    this.#closed = true;
    this.#pc.close();
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#pc.getStats();
  }

  get localSdp(): string | undefined {
    return this.#localSdp;
  }

  get remoteSdp(): string | undefined {
    return this.#remoteSdp;
  }

  /** Largest message the other side takes, in bytes (RFC 8841 §6). */
  get maxMessageSize(): number {
    return this.#attempt("sctp", () => this.#pc.sctp?.maxMessageSize) ?? DEFAULT_MAX_MESSAGE_SIZE;
  }

  // Negotiation

  #enqueue(operation: () => Promise<void>): void {
    this.#chain = this.#chain.then(async () => {
      if (this.#closed) return;
      try {
        await operation();
      } catch (error) {
        // Closed while it ran: nobody is interested any more.
        if (this.#closed) return;
        this.#log("a step of the negotiation failed", { error: String(error) });
        // The browser closed it, and says so by no event (webrtc-pc §4.3.1: none is fired after close).
        if (this.#pc.signalingState === "closed") this.#emit({ type: "gone" });
      }
    });
  }

  async #offer(): Promise<void> {
    // Not stable: the browser asks again once it is.
    if (this.#pc.signalingState !== "stable") return;
    await this.#pc.setLocalDescription();
    this.#sendLocalDescription();
  }

  async #applyDescription(type: "offer" | "answer", sdp: string): Promise<void> {
    const decision = decideDescription(type, {
      polite: this.#options.polite,
      signalingState: this.#pc.signalingState,
      localOffer: this.#localOffer,
      answers: type === "answer" ? answeredOrigin(sdp) : undefined,
    });
    if (decision !== "apply") {
      this.#log("did not apply a description", { type, decision });
      return;
    }
    try {
      await this.#pc.setRemoteDescription({ type, sdp });
    } catch (error) {
      if (this.#closed) return;
      if (this.#pc.signalingState === "closed") throw error;
      this.#emit({ type: "descriptionRefused", message: String(error) });
      return;
    }
    if (this.#closed) return;
    this.#remoteSdp = sdp;
    const theirs = type === "answer" ? roleOf(sdp) : undefined;
    if (theirs !== undefined) this.#role = oppositeRole(theirs);
    this.#emit({ type: "descriptionReceived", kind: type });
    if (type === "offer") {
      this.#adoptTransceivers();
      await this.#pc.setLocalDescription();
      this.#sendLocalDescription(sdp);
    }
    this.#watchDtls();
    await this.#applyVideoLimits();
    for (
      let next = this.#queuedCandidates.shift();
      next !== undefined;
      next = this.#queuedCandidates.shift()
    ) {
      await this.#applyCandidate(next);
    }
  }

  /** @param offer - What is answered. */
  #sendLocalDescription(offer?: string): void {
    const description = this.#pc.localDescription;
    if (description === null || this.#closed) return;
    const kind = description.type === "offer" ? "offer" : "answer";
    this.#localSdp = description.sdp;
    this.#localOffer = kind === "offer" ? originOf(description.sdp) : undefined;
    if (kind === "answer") this.#role = roleOf(description.sdp) ?? this.#role;
    const sdp =
      offer === undefined ? offerRole(description.sdp, this.#role) : markAnswer(description.sdp, offer);
    this.#emit({ type: "signal", signal: { kind: "description", description: { type: kind, sdp } } });
    this.#emit({ type: "descriptionSent", kind });
  }

  async #applyCandidate(candidate: CandidateInit | null): Promise<void> {
    const remote = this.#remoteSdp;
    if (remote === undefined) {
      if (!this.#queuedCandidates.push(candidate)) this.#log("dropped a candidate: too many are waiting", {});
      return;
    }
    if (candidate === null) {
      await this.#pc.addIceCandidate();
      return;
    }
    const fragment = candidate.usernameFragment;
    if (typeof fragment === "string" && !hasUsernameFragment(remote, fragment)) {
      this.#log("dropped a candidate of another generation", {});
      return;
    }
    await this.#pc.addIceCandidate({ ...candidate });
    this.#emit({ type: "remoteCandidate", candidate: candidate.candidate });
  }

  // Media

  #addTransceivers(): void {
    for (const slot of SLOTS) {
      const transceiver = this.#pc.addTransceiver(this.#media.tracks[slot.name] ?? slot.kind, {
        direction: "sendrecv",
        streams: [this.#media.streams[slot.stream]],
      });
      this.#transceivers.set(slot.name, transceiver);
    }
  }

  /** The first offer brought the transceivers, in the order of the slots. */
  #adoptTransceivers(): void {
    if (this.#transceivers.size > 0) return;
    const transceivers = this.#pc.getTransceivers();
    for (const [index, slot] of SLOTS.entries()) {
      const transceiver = transceivers[index];
      if (transceiver === undefined || transceiver.receiver.track.kind !== slot.kind) continue;
      transceiver.direction = "sendrecv";
      transceiver.sender.setStreams?.(this.#media.streams[slot.stream]);
      this.#transceivers.set(slot.name, transceiver);
      void this.#replaceTrack(slot);
    }
  }

  async #replaceTrack(slot: Slot): Promise<void> {
    const sender = this.#transceivers.get(slot.name)?.sender;
    const track = this.#media.tracks[slot.name];
    if (sender === undefined || sender.track === track) return;
    try {
      await sender.replaceTrack(track);
    } catch (error) {
      if (!this.#closed) this.#log("could not replace a track", { slot: slot.name, error: String(error) });
    }
  }

  async #applyVideoLimits(): Promise<void> {
    const limits = this.#limits;
    if (limits === undefined) return;
    await this.#limit("camera", limits.cameraBitrateBps, "balanced");
    await this.#limit("screen", limits.screenBitrateBps, "maintain-resolution");
  }

  async #limit(name: SlotName, maxBitrate: number, preference: RTCDegradationPreference): Promise<void> {
    const sender = this.#transceivers.get(name)?.sender;
    if (sender === undefined || this.#closed) return;
    const parameters = sender.getParameters();
    const encoding = parameters.encodings?.[0];
    // Before the first negotiation there is no encoding to limit (Firefox).
    if (encoding === undefined || encoding.maxBitrate === maxBitrate) return;
    encoding.maxBitrate = maxBitrate;
    parameters.degradationPreference = preference;
    try {
      await sender.setParameters(parameters);
    } catch (error) {
      // A negotiation in between makes the parameters stale; the next one sets them again.
      this.#log("could not limit the bitrate", { slot: name, error: String(error) });
    }
  }

  /**
   * A new path mostly follows a broken one, on which pictures were lost. The other side would ask for a whole one only after
   * some seconds without (browsers: three).
   */
  async #sendKeyFrames(): Promise<void> {
    for (const name of ["camera", "screen"] as const) {
      const sender = this.#transceivers.get(name)?.sender;
      if (sender === undefined || sender.track === null || this.#closed) continue;
      const parameters = sender.getParameters();
      // webrtc-extensions §5.7 (keyFrame in RTCEncodingOptions); a browser that does not know it sets the same parameters again.
      const options = { encodingOptions: parameters.encodings.map(() => ({ keyFrame: true })) };
      try {
        await sender.setParameters(parameters, options);
      } catch (error) {
        this.#log("could not ask for a key frame", { slot: name, error: String(error) });
      }
    }
  }

  // Events of the browser

  #listen(): void {
    const pc = this.#pc;
    this.control.binaryType = "arraybuffer";
    pc.onnegotiationneeded = () => {
      // The first offer is the polite side's: it brings the transceivers.
      if (!this.#options.polite && this.#remoteSdp === undefined) return;
      this.#enqueue(() => this.#offer());
    };
    pc.onicecandidate = ({ candidate }) => this.#handleLocalCandidate(candidate);
    pc.onicecandidateerror = (event) => this.#emit({ type: "serverError", event });
    pc.oniceconnectionstatechange = () => this.#emit({ type: "iceState", state: pc.iceConnectionState });
    pc.onconnectionstatechange = () => {
      this.#emit({ type: "connectionState", state: pc.connectionState, iceState: pc.iceConnectionState });
    };
    pc.ontrack = ({ transceiver, track, streams }) => this.#handleTrack(transceiver, track, streams[0]?.id);
    pc.ondatachannel = ({ channel }) => {
      channel.binaryType = "arraybuffer";
      this.#emit({ type: "channel", channel });
    };
  }

  #handleLocalCandidate(candidate: RTCIceCandidate | null): void {
    if (candidate === null) {
      this.#emit({ type: "signal", signal: { kind: "candidate", candidate: null } });
      this.#emit({ type: "gatheringComplete" });
      return;
    }
    // An empty candidate ends one media section's (webrtc-pc §4.8.1.1); with one transport, null says the same.
    if (candidate.candidate === "") return;
    const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate.toJSON();
    this.#emit({
      type: "signal",
      signal: {
        kind: "candidate",
        candidate: {
          candidate: line ?? "",
          sdpMid: sdpMid ?? null,
          sdpMLineIndex: sdpMLineIndex ?? null,
          usernameFragment: usernameFragment ?? null,
        },
      },
    });
    this.#emit({ type: "localCandidate", candidate });
  }

  #handleTrack(transceiver: RTCRtpTransceiver, track: MediaStreamTrack, streamId: string | undefined): void {
    const index = this.#pc.getTransceivers().indexOf(transceiver);
    const slot = SLOTS[index];
    if (slot === undefined || slot.kind !== track.kind) {
      this.#log("ignored a track that has no place", { index, kind: track.kind });
      return;
    }
    this.#emit({ type: "track", slot, streamId, track });
  }

  #watchDtls(): void {
    const dtls = this.#pc.sctp?.transport;
    if (dtls === undefined || dtls === null || dtls === this.#watchedDtls) return;
    this.#watchedDtls = dtls;
    dtls.onstatechange = () => this.#emit({ type: "dtlsState", state: dtls.state });
    // Missing in a browser that does not know it yet: there pictures come back a little later.
    const ice: RTCIceTransport | undefined = dtls.iceTransport;
    ice?.addEventListener("selectedcandidatepairchange", () => {
      void this.#sendKeyFrames();
      // Whoever is told of the pair by the other side hears of it before it works in both directions.
      this.#options.platform.setTimer(() => void this.#sendKeyFrames(), PATH_SETTLES_MS);
    });
    dtls.onerror = (event: Event) => this.#emit({ type: "dtlsError", detail: errorDetail(event) });
    this.#emit({ type: "dtlsState", state: dtls.state });
  }

  /** Runs what throws once the browser has closed the connection; repair, which follows, is decided above. */
  #attempt<Result>(operation: string, run: () => Result): Result | undefined {
    try {
      return run();
    } catch (error) {
      this.#log("the peer connection refused", { operation, error: String(error) });
      return undefined;
    }
  }

  #emit(event: PeerConnectionEvent): void {
    if (!this.#closed) this.#options.onEvent(event);
  }

  #log(message: string, fields: LogFields): void {
    this.#options.log.debug(message, fields);
  }
}

/** `RTCError.errorDetail` (webrtc-pc §11.1), or the message where there is none. */
function errorDetail(event: Event): string {
  const error: unknown = Reflect.get(event, "error");
  if (!(error instanceof Error)) return "dtls-failure";
  const detail: unknown = Reflect.get(error, "errorDetail");
  return typeof detail === "string" ? detail : error.message;
}
