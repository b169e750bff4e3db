import type { Millis, WallClockMillis } from "@naru/webrtc/sansio";

/** A timer that was armed. */
export interface ClientTimer {
  /** Nothing happens after this. */
  cancel(): void;
}

/** Everything of the outside that the client uses: the browser, or Node with `@naru/webrtc`, or a test. */
export interface ClientPlatform {
  /** Milliseconds on a monotonic clock. */
  now(): Millis;
  /** Wall clock, for what people read. */
  wallClock(): WallClockMillis;
  /** Runs `callback` once, `delayMs` from now. */
  setTimer(callback: () => void, delayMs: Millis): ClientTimer;
  /** A uniform number in [0, 1): jitter, no secrets. */
  random(): number;
  /** A fresh unguessable id. */
  createId(): string;
  /** Opens a WebSocket. */
  createWebSocket(url: string, protocol: string): WebSocket;
  createPeerConnection(configuration: RTCConfiguration): RTCPeerConnection;
  createMediaStream(tracks?: readonly MediaStreamTrack[]): MediaStream;
  /** Undefined in an insecure context, or where there are no devices. */
  readonly mediaDevices: MediaDevices | undefined;
  /** Whether the browser shows its devices to this page at all. */
  readonly isSecureContext: boolean;
  /** The page's own origin, the default server. */
  readonly origin: string | undefined;
  /** Calls `listener` whenever the network came back or changed; returns what stops it. */
  onNetworkChange(listener: () => void): () => void;
  /** Calls `listener` when the page is being left for good; returns what stops it. */
  onPageLeave(listener: () => void): () => void;
}
