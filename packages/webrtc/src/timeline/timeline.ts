import type { Millis, WallClockMillis } from "../sansio/index.ts";

/** Version of the JSON shape. It rises when a field changes its meaning; new fields do not raise it. */
export const TIMELINE_VERSION = 1;

/**
 * The four phases of a connection, in order: descriptions are exchanged, a path is found, the path is secured,
 * media flows.
 */
export type TimelinePhase = "exchange" | "path" | "security" | "media";

/** The phases in their order. */
export const TIMELINE_PHASES: readonly TimelinePhase[] = ["exchange", "path", "security", "media"];

/** `waiting` for an earlier phase, `active` now, `done`, or `failed`: see the verdict. */
export type PhaseState = "waiting" | "active" | "done" | "failed";

/** What every phase has. Times are milliseconds since {@link TimelineSnapshot.startedAt}. */
export interface PhaseRecord {
  readonly state: PhaseState;
  readonly startedAtMs?: Millis | undefined;
  readonly endedAtMs?: Millis | undefined;
}

/** Phase 1: offer and answer (RFC 9429). */
export interface ExchangeRecord extends PhaseRecord {
  /** Who made the first offer; undefined until it was made. */
  readonly role?: "offerer" | "answerer" | undefined;
  readonly offersSent: number;
  readonly offersReceived: number;
  readonly answersSent: number;
  readonly answersReceived: number;
}

/** Candidate types of RFC 8445 §5.1.1. */
export type CandidateType = "host" | "srflx" | "prflx" | "relay";

/** How many candidates of each type were seen, and how many of all were TCP. */
export interface CandidateCounts {
  readonly host: number;
  readonly srflx: number;
  readonly prflx: number;
  readonly relay: number;
  readonly tcp: number;
}

/** One end of the selected pair. `address` is absent where the browser hides it. */
export interface CandidateFacts {
  readonly type: CandidateType;
  readonly protocol: "udp" | "tcp";
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  /** For relayed candidates: how the relay is reached. */
  readonly relayProtocol?: "udp" | "tcp" | "tls" | undefined;
}

/** The pair of candidates that carries the connection. */
export interface SelectedPair {
  readonly local: CandidateFacts;
  readonly remote: CandidateFacts;
  /** True when either end is a relay: the packets pass through a TURN server. */
  readonly relayed: boolean;
  readonly roundTripMs?: Millis | undefined;
}

/** A STUN or TURN server that did not work (`icecandidateerror`, webrtc-pc §4.8.2). */
export interface IceServerError {
  readonly url: string;
  /** STUN error code, or 701 when the server could not be reached. */
  readonly code: number;
  readonly text: string;
}

/** Phase 2: ICE (RFC 8445). */
export interface PathRecord extends PhaseRecord {
  readonly localCandidates: CandidateCounts;
  readonly remoteCandidates: CandidateCounts;
  readonly gatheringComplete: boolean;
  readonly selectedPair?: SelectedPair | undefined;
  /** At most 8. */
  readonly serverErrors: readonly IceServerError[];
}

/** Phase 3: DTLS (RFC 8827 §6.5). */
export interface SecurityRecord extends PhaseRecord {
  /** "1.2" or "1.3"; undefined where the browser does not say. */
  readonly dtlsVersion?: string | undefined;
  readonly cipher?: string | undefined;
  readonly srtpCipher?: string | undefined;
  /** As in SDP: hash function, space, colon-separated upper-case hexadecimal (RFC 8122 §5). */
  readonly localFingerprint?: string | undefined;
  readonly remoteFingerprint?: string | undefined;
}

/** Phase 4: RTP and data. */
export interface MediaRecord extends PhaseRecord {
  /** The other side says that it sends microphone, camera or screen. */
  readonly expected: boolean;
  readonly dataOpenAtMs?: Millis | undefined;
  readonly firstPacketAtMs?: Millis | undefined;
  /** First video frame or audio sample that was decoded. */
  readonly firstDecodedAtMs?: Millis | undefined;
  readonly audioCodec?: string | undefined;
  readonly videoCodec?: string | undefined;
}

/** One attempt to repair the connection. */
export interface RestartRecord {
  readonly atMs: Millis;
  /** `ice`: new credentials and candidates (RFC 8445 §9). `rebuild`: a new peer connection. */
  readonly kind: "ice" | "rebuild";
  /** For people: "path lost", "network changed", "the other side started over". */
  readonly reason: string;
  /** When the path worked again. */
  readonly recoveredAtMs?: Millis | undefined;
}

/** Stable codes of everything that keeps a connection from working. */
export type VerdictCode =
  | "EXCHANGE_NO_OFFER"
  | "EXCHANGE_NO_ANSWER"
  | "EXCHANGE_SIGNALING_LOST"
  | "EXCHANGE_DESCRIPTION_REFUSED"
  | "PATH_NO_CANDIDATES"
  | "PATH_NO_REMOTE_CANDIDATES"
  | "PATH_UDP_BLOCKED"
  | "PATH_RELAY_UNREACHABLE"
  | "PATH_RELAY_REFUSED"
  | "PATH_NO_RELAY"
  | "PATH_NO_PAIR"
  | "PATH_LOST"
  | "SECURITY_FINGERPRINT_MISMATCH"
  | "SECURITY_HANDSHAKE_TIMEOUT"
  | "SECURITY_HANDSHAKE_FAILED"
  | "MEDIA_NO_DATA_CHANNEL"
  | "MEDIA_NONE_RECEIVED"
  | "MEDIA_NOT_DECODED"
  | "PEER_GAVE_UP";

/** Why a connection does not work, and what to do. */
export interface Verdict {
  readonly code: VerdictCode;
  readonly phase: TimelinePhase;
  /** Why: one English sentence. Applications translate by {@link code}. */
  readonly message: string;
  /** What to do: one English sentence. */
  readonly action: string;
}

/**
 * How the connection is doing as a whole. `recovering` means that it worked before and is being repaired;
 * `failed` that every attempt is used up (a change of network starts again).
 */
export type ConnectionOutcome = "connecting" | "connected" | "recovering" | "failed" | "closed";

/** A connection from its beginning until now. Plain data: `JSON.stringify` gives the documented shape. */
export interface TimelineSnapshot {
  readonly version: typeof TIMELINE_VERSION;
  /** Wall-clock time of the beginning; every other time is relative to it. */
  readonly startedAt: WallClockMillis;
  readonly outcome: ConnectionOutcome;
  readonly exchange: ExchangeRecord;
  readonly path: PathRecord;
  readonly security: SecurityRecord;
  readonly media: MediaRecord;
  /** At most 32; older ones are dropped. */
  readonly restarts: readonly RestartRecord[];
  /** Present while something is wrong. */
  readonly verdict?: Verdict | undefined;
}
