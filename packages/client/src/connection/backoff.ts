import type { Millis } from "@naru/webrtc/sansio";

/** How fast attempts thin out. */
export interface BackoffOptions {
  /** Ceiling of the first pause. */
  readonly baseMs: Millis;
  /** Ceiling of every pause. */
  readonly maximumMs: Millis;
}

/**
 * A restarted server is found again within seconds, and a thousand clients do not all come in the same one: not more than
 * one to three seconds apart while it is away for some seconds, which is what a restart takes.
 */
export const DEFAULT_BACKOFF_OPTIONS: BackoffOptions = { baseMs: 400, maximumMs: 8_000 };

/** How much longer each pause may be than the one before. */
const GROWTH = 1.25;

/**
 * The pause before an attempt: exponential, with full jitter (uniform between nothing and the ceiling), so that
 * clients which lost the same server spread out.
 *
 * @param attempt - 1 for the first.
 * @param random - Uniform in [0, 1).
 */
export function backoffDelayMs(
  attempt: number,
  random: number,
  options: BackoffOptions = DEFAULT_BACKOFF_OPTIONS,
): Millis {
  const ceiling = Math.min(options.maximumMs, options.baseMs * GROWTH ** (attempt - 1));
  return Math.round(ceiling * random);
}
