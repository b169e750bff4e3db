import type { Logger } from "./logger.ts";
import type { RandomSource } from "./random.ts";

/** Milliseconds on the caller's monotonic clock. Only differences mean anything. */
export type Millis = number;

/** Milliseconds since 1970-01-01T00:00:00Z: certificates, tokens, NTP. Never mixed with {@link Millis}. */
export type WallClockMillis = number;

/**
 * A protocol with no sockets, timers, clock or randomness of its own.
 *
 * The invariant has a name, **drain after every turn**: feed what one receive batch or one command
 * brought, then poll transmits and events until they are `undefined`, then read {@link pollTimeout}.
 * Only a driver or a parent core does this. A core stays correct whether it is drained after one
 * input or after many.
 *
 * A core never calls out (no callbacks, promises or emitters), and never throws because of what the
 * network sent: bad input is counted and dropped, or ends the core with an event that says why.
 */
export interface Core<Input, Transmit, Event> {
  /** Feeds one input. Its bytes are lent for the duration of the call: what is kept is copied. */
  handleInput(input: Input, now: Millis): void;
  /** Runs every timer due at or before `now`. Early and repeated calls are harmless. */
  handleTimeout(now: Millis): void;
  /** The next thing to send, or undefined. Off the packet path its bytes are the caller's. */
  pollTransmit(): Transmit | undefined;
  /** The next event for the layer above, or undefined. */
  pollEvent(): Event | undefined;
  /** When {@link handleTimeout} must next run; `Infinity` when nothing is scheduled. */
  pollTimeout(): Millis;
}

/**
 * What only the outside can do (bind a socket, resolve a name, verify a token), asked for by an
 * event that carries an id and answered by the core's `handleAnswer(id, answer, now)`. Ids are never
 * reused within a core, so that an answer which comes too late is recognised and ignored.
 */
export type AskId = number;

/** What a core is given instead of a platform. `Crypto` is the part of the provider that it needs. */
export interface Environment<Crypto = unknown> {
  /** Synchronous primitives. */
  readonly crypto: Crypto;
  /** Seeded in tests. */
  readonly random: RandomSource;
  /** Silent by default. */
  readonly log: Logger;
}
