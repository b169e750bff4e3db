import type { Millis } from "@naru/webrtc/sansio";

/** A rate in bytes with a burst: what is above is dropped. */
export class TokenBucket {
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  #tokens: number;
  #since: Millis;

  /** @param bitsPerSecond - `Infinity` for no limit. */
  constructor(bitsPerSecond: number, burstMs: Millis, now: Millis) {
    this.#bytesPerMs = bitsPerSecond / 8000;
    this.#burstBytes = this.#bytesPerMs * burstMs;
    this.#tokens = this.#burstBytes;
    this.#since = now;
  }

  /** Whether `bytes` may pass now; they are taken off when they may. */
  take(bytes: number, now: Millis): boolean {
    if (this.#burstBytes === Number.POSITIVE_INFINITY) return true;
    const tokens = Math.min(this.#burstBytes, this.#tokens + (now - this.#since) * this.#bytesPerMs);
    this.#since = now;
    this.#tokens = tokens >= bytes ? tokens - bytes : tokens;
    return tokens >= bytes;
  }
}
