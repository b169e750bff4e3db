import { equalBytes } from "../bytes/index.ts";
import { type Millis, type RandomSource, randomBytes, randomUnit } from "../sansio/index.ts";

/** RFC 9260 §8.3: a nonce of 64 bits, so that an answer is an answer. */
const NONCE_BYTES = 8;
/** RFC 9260 §8.3: the interval varies by half, so that connections do not beat together. */
const JITTER = 0.5;

interface Outstanding {
  readonly info: Uint8Array;
  readonly sentAt: Millis;
  readonly deadline: Millis;
  /** Size of the packet when it probes the path; 0 for a plain heartbeat. */
  readonly probeBytes: number;
}

/** What became of a heartbeat. */
export interface HeartbeatResult {
  readonly hasPassed: boolean;
  /** Round-trip time when it came back. */
  readonly rttMs: Millis;
  readonly probeBytes: number;
}

/** Heartbeats (RFC 9260 §8.3): one at a time, when nothing else says that the peer is there, or to probe the path. */
export class Heartbeat {
  readonly #random: RandomSource;
  readonly #intervalMs: number;
  #outstanding: Outstanding | undefined;
  /** The interval with its variation, drawn anew for every heartbeat: not for every packet, after which it starts again. */
  #nextIntervalMs: Millis;
  #nextAt: Millis = Number.POSITIVE_INFINITY;

  constructor(random: RandomSource, intervalMs: number) {
    this.#random = random;
    this.#intervalMs = intervalMs;
    this.#nextIntervalMs = this.#drawInterval();
  }

  /** Something was heard of the peer, or the association was set up: the next is due an interval from now. */
  restart(now: Millis): void {
    this.#nextAt = now + this.#nextIntervalMs;
  }

  stop(): void {
    this.#nextAt = Number.POSITIVE_INFINITY;
    this.#outstanding = undefined;
  }

  get isOutstanding(): boolean {
    return this.#outstanding !== undefined;
  }

  /** Whether a plain heartbeat is due. */
  isDue(now: Millis): boolean {
    return this.#outstanding === undefined && now >= this.#nextAt;
  }

  /** The information of a heartbeat that is being sent. Not while one is outstanding. */
  send(now: Millis, timeoutMs: Millis, probeBytes: number): Uint8Array {
    const info = randomBytes(this.#random, NONCE_BYTES);
    this.#nextIntervalMs = this.#drawInterval();
    this.#outstanding = { info, sentAt: now, deadline: now + timeoutMs, probeBytes };
    return info;
  }

  /** Takes the information of a HEARTBEAT ACK; undefined when it is not an answer to the last heartbeat. */
  handleAck(info: Uint8Array, now: Millis): HeartbeatResult | undefined {
    const outstanding = this.#outstanding;
    if (outstanding === undefined || !equalBytes(info, outstanding.info)) return undefined;
    this.#outstanding = undefined;
    this.restart(now);
    return { hasPassed: true, rttMs: now - outstanding.sentAt, probeBytes: outstanding.probeBytes };
  }

  /** The heartbeat whose time is up, or undefined. */
  handleTimeout(now: Millis): HeartbeatResult | undefined {
    const outstanding = this.#outstanding;
    if (outstanding === undefined || now < outstanding.deadline) return undefined;
    this.#outstanding = undefined;
    return { hasPassed: false, rttMs: -1, probeBytes: outstanding.probeBytes };
  }

  pollTimeout(): Millis {
    return this.#outstanding?.deadline ?? this.#nextAt;
  }

  #drawInterval(): Millis {
    return this.#intervalMs * (1 + JITTER * (randomUnit(this.#random) * 2 - 1));
  }
}
