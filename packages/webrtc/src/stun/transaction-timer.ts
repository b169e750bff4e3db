import type { Millis } from "../sansio/index.ts";

/** How a request is repeated until it is answered (RFC 8489 §6.2). */
export interface TransactionOptions {
  /** TCP and TLS deliver or fail: one send, then wait for {@link reliableTimeoutMs}. */
  readonly reliable: boolean;
  /** First retransmission timeout (RTO). */
  readonly rtoMs: number;
  /** How often the request is sent at most (Rc). */
  readonly maxSends: number;
  /** After the last send the wait is this many times the first RTO (Rm). */
  readonly lastWaitFactor: number;
  /** The wait over a reliable transport (Ti). */
  readonly reliableTimeoutMs: number;
}

/** The standard's values (RFC 8489 §6.2.1, §6.2.2): 39.5 seconds until a silent server is given up. */
export const DEFAULT_TRANSACTION_OPTIONS: TransactionOptions = {
  reliable: false,
  rtoMs: 500,
  maxSends: 7,
  lastWaitFactor: 16,
  reliableTimeoutMs: 39_500,
};

/**
 * When one request is sent, sent again and given up. Time is all it knows: the owner has the bytes.
 */
export class TransactionTimer {
  readonly #options: TransactionOptions;
  readonly #startedAt: Millis;
  #deadline: Millis;
  #sends = 1;
  #intervalMs: number;

  /** The first send happens now, by the owner. */
  constructor(options: TransactionOptions, now: Millis) {
    this.#options = options;
    this.#startedAt = now;
    this.#intervalMs = options.rtoMs;
    this.#deadline = now + this.#wait();
  }

  /** When {@link expire} has something to say. */
  get deadline(): Millis {
    return this.#deadline;
  }

  /** Whether the request went over TCP or TLS: it is not repeated. */
  get isReliable(): boolean {
    return this.#options.reliable;
  }

  /** How often the request has been sent. */
  get sends(): number {
    return this.#sends;
  }

  /** When the request was first sent. */
  get startedAt(): Millis {
    return this.#startedAt;
  }

  /** What to do at `now`: send the same bytes again, give up, or (undefined) nothing yet. */
  expire(now: Millis): "send" | "fail" | undefined {
    if (now < this.#deadline) return undefined;
    if (this.#options.reliable || this.#sends >= this.#options.maxSends) return "fail";
    this.#sends++;
    this.#intervalMs *= 2;
    // From now, not from the deadline: after a suspended process the remaining sends keep their distance.
    this.#deadline = now + this.#wait();
    return "send";
  }

  #wait(): Millis {
    const { reliable, reliableTimeoutMs, maxSends, lastWaitFactor, rtoMs } = this.#options;
    if (reliable) return reliableTimeoutMs;
    return this.#sends >= maxSends ? lastWaitFactor * rtoMs : this.#intervalMs;
  }
}
