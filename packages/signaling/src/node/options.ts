import type { IncomingMessage } from "node:http";
import { type Logger, type Millis, SILENT_LOGGER } from "@naru/webrtc/sansio";
import { type IceServer, type ParticipantId, type ReportMessage, SIGNALING_PATH } from "../protocol/index.ts";
import { DEFAULT_REGISTRY_OPTIONS } from "../room/registry-types.ts";
import type { ResumeLogLimits } from "../room/resume-log.ts";
import type { RateLimit } from "../room/token-bucket.ts";
import type { SnapshotStore } from "./store.ts";

/** For whom ICE servers are wanted. */
export interface IceServersContext {
  readonly room: string;
  readonly participant: ParticipantId;
  /**
   * The host the client used to reach this server, as in a URL (IPv6 in brackets), without the port; undefined when
   * the client named none that could be a host.
   */
  readonly host: string | undefined;
}

/** How a connection between two participants went, as one of them says. */
export interface ConnectionReport {
  readonly room: string;
  readonly participant: ParticipantId;
  /** Checked for shape and size; still a client's words. */
  readonly report: ReportMessage;
}

/** How much of everything the server takes. */
export interface SignalingLimits {
  /** WebSocket connections altogether. 20,000: some 10 kB each, so a few hundred megabytes. */
  readonly maxConnections: number;
  /** Connections from one address (IPv6: from one /64). 1,000: a large office behind one address. */
  readonly maxConnectionsPerAddress: number;
  /** Rooms. 10,000. */
  readonly maxRooms: number;
  /** Participants and knockers altogether. 20,000. */
  readonly maxParticipants: number;
  /** Participants in one room. 50: larger than any mesh. */
  readonly maxParticipantsPerRoom: number;
  /** People in the lobby of one room. 50. */
  readonly maxKnocking: number;
  /** Joins and failed resumes from one address. 200 at once, then 2 a second: names and secrets are not guessed. */
  readonly attempts: RateLimit;
  /**
   * Messages from one connection. 1,000 at once, then 100 a second: somebody entering a mesh of 50 sends some twenty
   * candidates to each. A message that goes to the whole room counts as ten.
   */
  readonly messages: RateLimit;
  /** Bytes from one connection. 4 MiB at once, then 256 KiB a second. */
  readonly bytes: RateLimit;
  /** Bytes that wait for a client that does not read, before its connection is cut. 1 MiB: four largest messages. */
  readonly maxBufferedBytes: number;
  /** Reliable messages kept for one participant. 1,024 messages, 2 MiB. */
  readonly log: ResumeLogLimits;
  /** Time to join or resume after connecting. 10 s. */
  readonly joinTimeoutMs: Millis;
  /** Silence after which a client is pinged. Part of the protocol; shorter in tests. */
  readonly heartbeatIntervalMs: Millis;
  /** Silence after which a connection is taken for dead. Part of the protocol; shorter in tests. */
  readonly heartbeatTimeoutMs: Millis;
  /** How long a place is kept. Part of the protocol; shorter in tests. */
  readonly resumeGraceMs: Millis;
}

/** Defaults of {@link SignalingLimits}; the reasons are there. */
export const DEFAULT_SIGNALING_LIMITS: SignalingLimits = {
  maxConnections: 20_000,
  maxConnectionsPerAddress: 1_000,
  maxRooms: DEFAULT_REGISTRY_OPTIONS.maxRooms,
  maxParticipants: DEFAULT_REGISTRY_OPTIONS.maxTotalParticipants,
  maxParticipantsPerRoom: DEFAULT_REGISTRY_OPTIONS.maxParticipants,
  maxKnocking: DEFAULT_REGISTRY_OPTIONS.maxKnocking,
  attempts: DEFAULT_REGISTRY_OPTIONS.attempts,
  messages: { perSecond: 100, burst: 1_000 },
  bytes: { perSecond: 256 * 1024, burst: 4 * 1024 * 1024 },
  maxBufferedBytes: 1024 * 1024,
  log: DEFAULT_REGISTRY_OPTIONS.log,
  joinTimeoutMs: DEFAULT_REGISTRY_OPTIONS.joinTimeoutMs,
  heartbeatIntervalMs: DEFAULT_REGISTRY_OPTIONS.heartbeatIntervalMs,
  heartbeatTimeoutMs: DEFAULT_REGISTRY_OPTIONS.heartbeatTimeoutMs,
  resumeGraceMs: DEFAULT_REGISTRY_OPTIONS.resumeGraceMs,
};

/** Join tokens. */
export interface TokenOptions {
  /** HS256 secret, at least 32 bytes; text counts as UTF-8. */
  readonly secret: string | Uint8Array;
  /** Whether nobody gets in without a token. True by default: who configures a secret wants it used. */
  readonly isRequired?: boolean;
}

/** Options of `createSignalingServer`; all may be left out. */
export interface SignalingServerOptions {
  /** Path of the WebSocket endpoint. `/signal`; other upgrades are left alone. */
  readonly path?: string;
  /**
   * Which pages may connect. `"sameHost"` by default: those whose `Origin` names the host of the request, so that
   * no other web site can use a visitor's browser to enter rooms. `"any"` for a public service with tokens; or a
   * list of origins that may beside those, for example `["https://meet.example.com"]`. Programs that send no `Origin` always may.
   */
  readonly allowedOrigins?: "sameHost" | "any" | readonly string[];
  /** Join tokens. Without it tokens are ignored and everybody may join every room that is not locked. */
  readonly tokens?: TokenOptions;
  /** Where rooms survive a restart, for example `createFileStore(path)`. Without it they do not. */
  readonly store?: SnapshotStore;
  /** The STUN and TURN servers for one participant; asked at each join and resume. None by default. */
  readonly iceServers?: (context: IceServersContext) => readonly IceServer[] | Promise<readonly IceServer[]>;
  /**
   * How often a participant is given fresh ICE servers, in milliseconds, for credentials that expire: well before they
   * do. Never by default.
   */
  readonly iceServersRefreshMs?: Millis;
  /** Told when a participant has left its room for good, also by a broken connection: its credentials are to end. */
  readonly onParticipantLeft?: (participant: ParticipantId, room: string) => void;
  /** Told how connections between participants go: for logs and metrics. */
  readonly onReport?: (report: ConnectionReport) => void;
  /**
   * The address limits count by. The address of the socket by default; behind a reverse proxy of your own, read
   * the header that this proxy sets, never one that clients can send.
   */
  readonly clientAddress?: (request: IncomingMessage) => string;
  readonly limits?: Partial<SignalingLimits>;
  /** Silent by default. */
  readonly logger?: Logger;
}

/** What the options come to when everything is left out. */
export const DEFAULT_SIGNALING_SERVER_OPTIONS: Required<
  Pick<
    SignalingServerOptions,
    | "path"
    | "allowedOrigins"
    | "iceServers"
    | "iceServersRefreshMs"
    | "onParticipantLeft"
    | "onReport"
    | "clientAddress"
    | "logger"
  >
> = {
  path: SIGNALING_PATH,
  allowedOrigins: "sameHost",
  iceServers: () => [],
  iceServersRefreshMs: DEFAULT_REGISTRY_OPTIONS.iceServersRefreshMs,
  onParticipantLeft: () => undefined,
  onReport: () => undefined,
  clientAddress: (request) => request.socket.remoteAddress ?? "",
  logger: SILENT_LOGGER,
};
