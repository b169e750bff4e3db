import type { SocketId } from "../bytes/index.ts";
import type { Millis } from "../sansio/index.ts";
import type { LocalCandidate, RemoteCandidate } from "./candidate.ts";
import type { IceGeneration } from "./generation.ts";
import { type PairPriority, pairPriority, pairPriorityValue } from "./priority.ts";

/** RFC 8445 §6.1.2.6; the words are those of `RTCStatsIceCandidatePairState`. */
export type IcePairState = "frozen" | "waiting" | "in-progress" | "succeeded" | "failed";

/** What everybody may see of a pair. */
export interface IceCandidatePair {
  /** Not used again by this agent. */
  readonly id: number;
  /** Ours; a reflexive one once an answer has said that the pair leaves from it (RFC 8445 §7.2.5.3.1). */
  readonly local: LocalCandidate;
  readonly remote: RemoteCandidate;
  /** By what it is sent; undefined for a TCP pair without a connection. */
  readonly route: SocketId | undefined;
  readonly state: IcePairState;
  readonly isNominated: boolean;
}

/** What `RTCIceCandidatePairStats` asks of the transport. Times are the agent's. */
export interface IcePairStats {
  readonly id: number;
  readonly local: LocalCandidate;
  readonly remote: RemoteCandidate;
  readonly state: IcePairState;
  readonly nominated: boolean;
  readonly priority: bigint;
  readonly requestsSent: number;
  readonly requestsReceived: number;
  readonly responsesSent: number;
  readonly responsesReceived: number;
  readonly consentRequestsSent: number;
  readonly totalRoundTripTimeMs: number;
  readonly currentRoundTripTimeMs: number | undefined;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly lastPacketSentAt: Millis | undefined;
  readonly lastPacketReceivedAt: Millis | undefined;
}

const NEVER: Millis = Number.NEGATIVE_INFINITY;

/** A local and a remote candidate, and all that is known about sending from one to the other. */
export class CandidatePair implements IceCandidatePair {
  readonly id: number;
  readonly generation: IceGeneration;
  local: LocalCandidate;
  remote: RemoteCandidate;
  route: SocketId | undefined;
  state: IcePairState = "frozen";
  priority: PairPriority = { high: 0, low: 0 };
  /** Both foundations: pairs that have it in common are likely to share their fate (RFC 8445 §6.1.2.6). */
  readonly foundation: string;

  /** A request with the right integrity came, or an answer: what else comes from there may be looked at. */
  isAuthenticated = false;
  isNominated = false;
  /** The other side nominated it before it was valid (RFC 8445 §7.3.1.5). */
  isNominationDue = false;
  /** How often it was nominated by the other side since another pair was. */
  nominationsInARow = 0;
  /** Value of the NOMINATION attribute of its last nomination. */
  nomination = 0;
  /** When the agent stopped using it for another one. */
  leftAt: Millis = NEVER;

  /** Checks that may still be answered. */
  checksInFlight = 0;
  startedAt: Millis = NEVER;
  lastCheckAt: Millis = NEVER;
  nextLivenessAt: Millis = Number.POSITIVE_INFINITY;
  /** When it became valid. */
  validAt: Millis = Number.POSITIVE_INFINITY;
  selectedAt: Millis = NEVER;
  lastAnswerAt: Millis = NEVER;
  lastRequestAt: Millis = NEVER;
  /** When the first check left that no answer has come after; undefined while all is well. */
  unansweredSince: Millis | undefined;
  /** Of a TCP pair: the ask for its connection is out. */
  isConnecting = false;

  requestsSent = 0;
  requestsReceived = 0;
  responsesSent = 0;
  responsesReceived = 0;
  consentRequestsSent = 0;
  totalRoundTripMs = 0;
  roundTripMs: number | undefined;
  packetsSent = 0;
  packetsReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;
  lastPacketSentAt: Millis | undefined;
  lastPacketReceivedAt: Millis | undefined;

  constructor(id: number, generation: IceGeneration, local: LocalCandidate, remote: RemoteCandidate) {
    this.id = id;
    this.generation = generation;
    this.local = local;
    this.remote = remote;
    this.route = local.tcpType === undefined ? local.route : undefined;
    this.foundation = `${local.foundation}:${remote.foundation}`;
  }

  /** RFC 8445 §6.1.2.3; again after a change of role or of the local candidate. */
  computePriority(isControlling: boolean): void {
    const { local, remote } = this;
    this.priority = isControlling
      ? pairPriority(local.priority, remote.priority)
      : pairPriority(remote.priority, local.priority);
  }

  get isValid(): boolean {
    return this.state === "succeeded";
  }

  /** Whether packets take a detour over a TURN server of ours or of theirs, as far as we know. */
  get isRelayed(): boolean {
    return this.local.type === "relay" || this.remote.type === "relay";
  }

  /** Whether its outcome is still open. */
  get isPending(): boolean {
    return this.state === "frozen" || this.state === "waiting" || this.state === "in-progress";
  }

  /** For how long checks have gone without an answer; 0 while all is well. */
  silentFor(now: Millis): Millis {
    return this.unansweredSince === undefined ? 0 : now - this.unansweredSince;
  }

  noteAnswer(roundTripMs: Millis | undefined, now: Millis): void {
    this.responsesReceived++;
    this.lastAnswerAt = now;
    this.unansweredSince = undefined;
    this.isAuthenticated = true;
    if (roundTripMs === undefined) return;
    this.roundTripMs = roundTripMs;
    this.totalRoundTripMs += roundTripMs;
  }

  stats(): IcePairStats {
    return {
      id: this.id,
      local: this.local,
      remote: this.remote,
      state: this.state,
      nominated: this.isNominated,
      priority: pairPriorityValue(this.priority),
      requestsSent: this.requestsSent,
      requestsReceived: this.requestsReceived,
      responsesSent: this.responsesSent,
      responsesReceived: this.responsesReceived,
      consentRequestsSent: this.consentRequestsSent,
      totalRoundTripTimeMs: this.totalRoundTripMs,
      currentRoundTripTimeMs: this.roundTripMs,
      packetsSent: this.packetsSent,
      packetsReceived: this.packetsReceived,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      lastPacketSentAt: this.lastPacketSentAt,
      lastPacketReceivedAt: this.lastPacketReceivedAt,
    };
  }
}
