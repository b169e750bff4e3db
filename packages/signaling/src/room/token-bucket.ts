import type { Millis } from "@naru/webrtc/sansio";

/** How much of something is allowed: `burst` at once, `perSecond` in the long run. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** A token bucket: two numbers, no timer. */
export class TokenBucket {
  #tokens: number;
  #at: Millis;

  /** Starts full. */
  constructor(limit: RateLimit, now: Millis) {
    this.#tokens = limit.burst;
    this.#at = now;
  }

  /** Takes `cost`; false, and nothing taken, when there is not enough. */
  take(cost: number, limit: RateLimit, now: Millis): boolean {
    this.#refill(limit, now);
    if (this.#tokens < cost) return false;
    this.#tokens -= cost;
    return true;
  }

  /** Whether it is as full as a new one, so that it need not be remembered. */
  isFull(limit: RateLimit, now: Millis): boolean {
    this.#refill(limit, now);
    return this.#tokens >= limit.burst;
  }

  #refill(limit: RateLimit, now: Millis): void {
    if (now <= this.#at) return;
    this.#tokens = Math.min(limit.burst, this.#tokens + ((now - this.#at) / 1_000) * limit.perSecond);
    this.#at = now;
  }
}

/** Most addresses remembered at once; beyond that the one that was first seen is forgotten. */
const MAX_ADDRESSES = 50_000;

/** Counts attempts per address, in bounded memory. */
export class AttemptLimiter {
  readonly #limit: RateLimit;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** Counts one attempt; false when `address` has made too many. */
  attempt(address: string, now: Millis): boolean {
    let bucket = this.#buckets.get(address);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#limit, now);
      this.#buckets.set(address, bucket);
      this.#forgetOne(now);
    }
    return bucket.take(1, this.#limit, now);
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  // Each new address pays for looking at the oldest, so the map shrinks without a sweep over all of it.
  #forgetOne(now: Millis): void {
    for (const [address, bucket] of this.#buckets) {
      const isOver = this.#buckets.size > MAX_ADDRESSES;
      if (!isOver && !bucket.isFull(this.#limit, now)) {
        // Still counting: look at it again after the others.
        this.#buckets.delete(address);
        this.#buckets.set(address, bucket);
        return;
      }
      if (this.#buckets.size === 1) return;
      this.#buckets.delete(address);
      return;
    }
  }
}
