import type { AskId, Logger, Millis, RandomSource } from "@naru/webrtc/sansio";
import {
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_TIMEOUT_MS,
  type IceServer,
  type ParticipantId,
  type ParticipantRole,
  RESUME_GRACE_MS,
  type ReportMessage,
  type SignalingErrorCode,
} from "../protocol/index.ts";
import type { RoomLimits, RoomSnapshot } from "./room.ts";
import type { RoomCrypto } from "./secrets.ts";
import type { RateLimit } from "./token-bucket.ts";

/** Names a connection; chosen by whoever accepts it, never reused. */
export type ConnectionId = number;

/** What the registry allows and how it behaves. */
export interface RegistryOptions extends RoomLimits {
  /** How many rooms there may be. */
  readonly maxRooms: number;
  /** How many may be in rooms and lobbies altogether. */
  readonly maxTotalParticipants: number;
  /** Joins and failed resumes per address. */
  readonly attempts: RateLimit;
  /** Whether join tokens are asked for, looked at when they come, or ignored. */
  readonly tokens: "required" | "optional" | "ignored";
  /** True when states are saved: then messages are acknowledged, and joins answered, only after a save. */
  readonly isDurable: boolean;
  /** How long a connection may take to join or resume. */
  readonly joinTimeoutMs: Millis;
  readonly heartbeatIntervalMs: Millis;
  readonly heartbeatTimeoutMs: Millis;
  readonly resumeGraceMs: Millis;
  /** How often a participant is given fresh ICE servers. `Infinity` for never again after `joined`. */
  readonly iceServersRefreshMs: Millis;
}

/** Defaults of the registry, with their reasons. */
export const DEFAULT_REGISTRY_OPTIONS: RegistryOptions = {
  // Larger than any mesh; a server with an SFU may raise it.
  maxParticipants: 50,
  maxKnocking: 50,
  // Half a minute of trickled candidates and restarts from everybody in a large mesh, not more.
  log: { maxMessages: 1_024, maxBytes: 2 * 1024 * 1024 },
  maxRooms: 10_000,
  maxTotalParticipants: 20_000,
  // An office behind one address comes in at once; guessing names or secrets by the thousand does not work.
  attempts: { perSecond: 2, burst: 200 },
  tokens: "ignored",
  isDurable: false,
  joinTimeoutMs: 10_000,
  heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
  heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
  resumeGraceMs: RESUME_GRACE_MS,
  // What is handed out without an end needs no refresh.
  iceServersRefreshMs: Number.POSITIVE_INFINITY,
};

/** What the registry is given instead of a platform. */
export interface RegistryEnvironment {
  readonly crypto: RoomCrypto;
  readonly random: RandomSource;
  readonly log: Logger;
}

/** What a connection should be sent. */
export type RegistryTransmit =
  | { readonly type: "text"; readonly connection: ConnectionId; readonly text: string }
  /** A ping of the transport; any answer is {@link RoomRegistry.handleHeard}. */
  | { readonly type: "ping"; readonly connection: ConnectionId }
  /** Close after what was sent before. The registry has forgotten the connection. */
  | {
      readonly type: "close";
      readonly connection: ConnectionId;
      readonly closeCode: number;
      readonly reason: string;
    };

/** What the registry asks or tells its owner. */
export type RegistryEvent =
  /** Verify the token for `room`; answer with `handleToken`. */
  | { readonly type: "verifyToken"; readonly id: AskId; readonly token: string; readonly room: string }
  /** Say which ICE servers this participant may use; answer with `handleIceServers`. */
  | {
      readonly type: "iceServers";
      readonly id: AskId;
      readonly connection: ConnectionId;
      readonly room: string;
      readonly participant: ParticipantId;
    }
  /** A participant has left its room for good: what was handed out to it is to end. */
  | { readonly type: "left"; readonly room: string; readonly participant: ParticipantId }
  /** How a connection between two participants went. */
  | {
      readonly type: "report";
      readonly room: string;
      readonly participant: ParticipantId;
      readonly report: ReportMessage;
    };

/** What verifying a token gave. */
export type TokenAnswer =
  | {
      readonly isValid: true;
      readonly name?: string;
      readonly role?: ParticipantRole;
      readonly subject?: string;
    }
  | { readonly isValid: false; readonly reason: string };

/** All rooms as they survive the server. */
export interface RegistrySnapshot {
  readonly version: 1;
  readonly rooms: readonly RoomSnapshot[];
}

/** Figures for operators. */
export interface RegistryStats {
  readonly connections: number;
  readonly rooms: number;
  readonly participants: number;
  /** Participants whose connection is broken at the moment. */
  readonly reconnecting: number;
  readonly knocking: number;
  /** Messages handled and sent since the start. */
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly joins: number;
  readonly resumes: number;
  /** Numbered messages that came again and were dropped. */
  readonly duplicates: number;
  /** Errors sent, by code. */
  readonly refusals: ReadonlyMap<SignalingErrorCode, number>;
}

/** ICE servers for one participant. */
export type IceServers = readonly IceServer[];
