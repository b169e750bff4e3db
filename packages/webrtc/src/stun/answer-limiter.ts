import type { IpAddress } from "../bytes/index.ts";
import { type Millis, type RandomSource, randomUint32 } from "../sansio/index.ts";

export interface AnswerLimiterOptions {
  /** Answers a second to one address in the long run. */
  readonly perSecond: number;
  /** Answers at once after a pause: a whole office behind one NAT starting its calls. */
  readonly burst: number;
}

/**
 * A client sends a handful of requests per call, so hundreds a second from one address are either a crowd behind one
 * NAT, which these figures let through, or somebody who makes us answer a victim in whose name they ask.
 */
export const DEFAULT_ANSWER_LIMITER_OPTIONS: AnswerLimiterOptions = { perSecond: 100, burst: 400 };

/** Buckets in all: 1 MiB, whatever addresses a flood claims to come from. */
const BUCKETS = 65_536;

/**
 * Limits what is answered to one IP address (an IPv6 /64 counts as one) without keeping a list of addresses: each hashes to one of a fixed
 * number of token buckets. Two that share a bucket share its rate; the hash is keyed, so nobody can choose with whom.
 */
export class AnswerLimiter {
  readonly #ratePerMs: number;
  readonly #burst: number;
  readonly #seed: number;
  /** Tokens used since {@link #since}, decaying with time: 0 is a full bucket, as fresh memory has it. */
  readonly #used = new Float64Array(BUCKETS);
  readonly #since = new Float64Array(BUCKETS);
  #refused = 0;

  constructor(options: AnswerLimiterOptions, random: RandomSource) {
    this.#ratePerMs = options.perSecond / 1000;
    this.#burst = options.burst;
    this.#seed = randomUint32(random);
  }

  /** Takes one answer to `ip` off its allowance; false when there is none left. */
  allow(ip: IpAddress, now: Millis): boolean {
    const bucket = this.#hash(ip) & (BUCKETS - 1);
    const used = Math.max(0, this.#used[bucket]! - (now - this.#since[bucket]!) * this.#ratePerMs);
    this.#since[bucket] = now;
    if (used + 1 > this.#burst) {
      this.#used[bucket] = used;
      this.#refused++;
      return false;
    }
    this.#used[bucket] = used + 1;
    return true;
  }

  /** How often {@link allow} said no. */
  get refusedCount(): number {
    return this.#refused;
  }

  #hash(ip: IpAddress): number {
    const length = ip.family === 4 ? 4 : 8;
    let hash = this.#seed;
    for (let i = 0; i < length; i++) {
      hash = Math.imul(hash ^ ip.bytes[i]!, 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }
}
