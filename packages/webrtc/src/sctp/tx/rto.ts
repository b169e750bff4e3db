/** Bounds of the retransmission timeout. */
export interface RtoOptions {
  readonly initialRtoMs: number;
  readonly minRtoMs: number;
  readonly maxRtoMs: number;
}

/** RFC 9260 §16: RTO.Alpha and RTO.Beta. */
const ALPHA = 1 / 8;
const BETA = 1 / 4;

/** For how long the lowest round trip is believed: longer than a call goes without an idle moment, shorter than a route lasts. */
const MIN_RTT_WINDOW_MS = 30_000;

/** Round-trip times and the retransmission timeout that follows from them (RFC 9260 §6.3.1). */
export class RoundTrip {
  readonly #options: RtoOptions;
  #smoothedMs: number | undefined;
  #variationMs = 0;
  #rtoMs: number;
  #minimumMs = Number.POSITIVE_INFINITY;
  #minimumAt = 0;
  #latestMs = 0;

  constructor(options: RtoOptions) {
    this.#options = options;
    this.#rtoMs = options.initialRtoMs;
  }

  /** Smoothed round-trip time; undefined before the first measurement. */
  get smoothedMs(): number | undefined {
    return this.#smoothedMs;
  }

  /** The lowest of the last half minute; `Infinity` before the first measurement. */
  get minimumMs(): number {
    return this.#minimumMs;
  }

  get latestMs(): number {
    return this.#latestMs;
  }

  get rtoMs(): number {
    return this.#rtoMs;
  }

  /** One measurement: the lowest, latest and smoothed times follow it. */
  sample(rttMs: number, now: number): void {
    this.#latestMs = rttMs;
    if (rttMs <= this.#minimumMs || now - this.#minimumAt > MIN_RTT_WINDOW_MS) {
      this.#minimumMs = rttMs;
      this.#minimumAt = now;
    }
    // RFC 9260 §6.3.1 C2, C3.
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = rttMs;
      this.#variationMs = rttMs / 2;
    } else {
      this.#variationMs += BETA * (Math.abs(this.#smoothedMs - rttMs) - this.#variationMs);
      this.#smoothedMs += ALPHA * (rttMs - this.#smoothedMs);
    }
    this.#setRto(this.#smoothedMs + 4 * this.#variationMs);
  }

  /** RFC 9260 §6.3.3 E2: the timer has run out. */
  backOff(): void {
    this.#setRto(this.#rtoMs * 2);
  }

  /** The path has changed: what was measured says nothing any more. */
  reset(): void {
    this.#smoothedMs = undefined;
    this.#minimumMs = Number.POSITIVE_INFINITY;
    this.#rtoMs = this.#options.initialRtoMs;
  }

  #setRto(rtoMs: number): void {
    this.#rtoMs = Math.min(this.#options.maxRtoMs, Math.max(this.#options.minRtoMs, rtoMs));
  }
}
