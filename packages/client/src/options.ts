import type { ParticipantId } from "@naru/signaling/protocol";
import type { Logger } from "@naru/webrtc/sansio";
import type { ClientPlatform } from "./platform/platform.ts";

/** Options of a {@link Room}. */
export interface RoomOptions {
  /** Silent by default. */
  readonly logger?: Logger;
  /** `"relay"` sends everything through TURN: for privacy, and to test the relay. Default `"all"`. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  /** Everything of the outside; the browser by default. */
  readonly platform?: ClientPlatform;
  /** How long `connect` tries to reach the server before it gives up. Default 15 000 ms. */
  readonly connectTimeoutMs?: number;
}

/** Options of {@link Room.connect}. */
export interface ConnectOptions {
  /**
   * Address of the server: `https://meet.example.com` or `wss://meet.example.com/signal`. The path of the signaling
   * endpoint is added when there is none. Default: the page's own origin.
   */
  readonly url?: string | URL;
  /** Name of the room. */
  readonly room: string;
  /** Name shown to others. */
  readonly name: string;
  /**
   * Join token, where the operator requires one. A function is asked for one at each join: tokens expire, and whoever was
   * away too long joins anew. When it fails, joining is tried again as when the server is away.
   */
  readonly token?: string | (() => string | Promise<string>);
  /** Switches the microphone on. When that fails the room is joined without, and `captureFailed` tells why. */
  readonly microphone?: boolean;
  /** Switches the camera on; the same when it fails. */
  readonly camera?: boolean;
}

/** Options of `setMicrophone` and `setCamera`. */
export interface CaptureOptions {
  /**
   * From `enumerateDevices`; `null` for whichever the browser prefers, forgetting the one used last. Default: the one
   * used last, or what the browser prefers.
   */
  readonly deviceId?: string | null;
}

/** Options of {@link Room.sendFile}. */
export interface SendFileOptions {
  /** Who gets it. Default: everybody who is in the room now. */
  readonly to?: ParticipantId | readonly ParticipantId[];
  /** Shown to the receivers. Default: the file's own name, or "file". */
  readonly name?: string;
}
