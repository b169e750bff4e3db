import type { PlatformTimer } from "../platform/index.ts";
import type { Millis, WallClockMillis } from "../sansio/index.ts";

/** 2026-01-01T00:00:00Z: what the wall clock of a simulation shows at virtual time 0, on every machine. */
export const VIRTUAL_EPOCH: WallClockMillis = 1_767_225_600_000;

/**
 * How many turns of the microtask queue {@link VirtualClock.run} waits after an event that called out, so that
 * chains of promises (an `async` function that awaits another) come to rest before virtual time moves on. A chain
 * that is longer still runs in a fixed order; it only ends a little later in virtual time.
 */
const SETTLE_TURNS = 24;

/** So many events at one instant mean that two parts answer each other without any delay, for ever. */
const MAXIMUM_EVENTS_PER_INSTANT = 1_000_000;

/** Something that will happen. */
export interface ScheduledEvent {
  readonly at: Millis;
  /** Makes simultaneous events happen in the order in which they were scheduled. */
  readonly order: number;
  /** Undefined once it has happened or was cancelled. */
  run: (() => void) | undefined;
}

/** The limit of a run in virtual time passed before what it waited for. */
export class VirtualTimeoutError extends Error {
  override readonly name = "VirtualTimeoutError";
}

/**
 * Virtual time: a queue of events, run one after the other with nothing in between. Simultaneous events run in the
 * order in which they were scheduled, so that a run is the same every time.
 *
 * There are two ways to make time pass. `advance…` is synchronous, for cores and callbacks. `run…` also lets
 * promises settle between events, for whatever uses `async`. Neither ever waits in real time.
 */
export class VirtualClock {
  #now: Millis = 0;
  #order = 0;
  /** A binary heap, the earliest event first. */
  readonly #events: ScheduledEvent[] = [];
  #endOfInstant: (() => void)[] = [];
  #endOfInstantIndex = 0;
  #eventsThisInstant = 0;
  #eventCount = 0;
  #calledOut = false;

  now(): Millis {
    return this.#now;
  }

  wallClock(): WallClockMillis {
    return VIRTUAL_EPOCH + Math.floor(this.#now);
  }

  /** Schedules `run` for the moment `at`; a moment that has passed means now, after what is already waiting. */
  schedule(at: Millis, run: () => void): ScheduledEvent {
    const event: ScheduledEvent = { at: at > this.#now ? at : this.#now, order: this.#order++, run };
    this.#push(event);
    return event;
  }

  /** Runs `run` when everything scheduled for this instant has happened, before time moves on. */
  atEndOfInstant(run: () => void): void {
    this.#endOfInstant.push(run);
  }

  /** Says that code outside the simulation was called: it may have left promises that have to settle. */
  noteCallout(): void {
    this.#calledOut = true;
  }

  /** A timer as {@link PlatformTimer} describes it. */
  createTimer(onTimer: () => void): PlatformTimer {
    return new VirtualTimer(this, onTimer);
  }

  /** When the next event is due; `Infinity` when there is none. */
  nextAt(): Millis {
    if (this.#endOfInstantIndex < this.#endOfInstant.length) return this.#now;
    return this.#earliest()?.at ?? Number.POSITIVE_INFINITY;
  }

  /** How many events have happened since the beginning. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /**
   * Lets the next event happen, moving time to it.
   *
   * @returns false when there was none.
   * @throws {Error} when virtual time is stuck, and whatever the event throws.
   */
  step(): boolean {
    const event = this.#earliest();
    if (this.#endOfInstantIndex < this.#endOfInstant.length && (event?.at ?? Infinity) > this.#now) {
      this.#runEndOfInstant();
      return true;
    }
    if (event === undefined) return false;
    this.#pop();
    if (event.at > this.#now) {
      this.#now = event.at;
      this.#eventsThisInstant = 0;
    }
    if (++this.#eventsThisInstant > MAXIMUM_EVENTS_PER_INSTANT) {
      throw new Error(
        `virtual time is stuck at ${this.#now} ms after ${MAXIMUM_EVENTS_PER_INSTANT} events: give a link a delay`,
      );
    }
    this.#eventCount++;
    const run = event.run;
    event.run = undefined;
    run?.();
    return true;
  }

  /** Lets everything up to the moment `untilMs` happen, synchronously: promises do not settle meanwhile. */
  advance(untilMs: Millis): void {
    while (this.nextAt() <= untilMs) this.step();
    if (this.#now < untilMs) this.#now = untilMs;
  }

  /**
   * Lets events happen, synchronously, until `predicate` holds.
   *
   * @param limitMs - The most virtual time it may take, from now.
   * @throws {VirtualTimeoutError} when it takes longer.
   */
  advanceUntil(predicate: () => boolean, limitMs: number): void {
    const deadline = this.#now + limitMs;
    while (!predicate()) {
      if (this.nextAt() > deadline) throw this.#timeout(deadline, limitMs);
      this.step();
    }
  }

  /** Lets everything up to the moment `untilMs` happen, with promises settling after each event. */
  async run(untilMs: Millis): Promise<void> {
    await this.settle();
    while (this.nextAt() <= untilMs) {
      this.step();
      if (this.#calledOut) await this.settle();
    }
    if (this.#now < untilMs) this.#now = untilMs;
  }

  /**
   * Lets events happen, with promises settling after each, until `predicate` holds.
   *
   * @param limitMs - The most virtual time it may take, from now.
   * @throws {VirtualTimeoutError} (rejects) when it takes longer.
   */
  async runUntil(predicate: () => boolean, limitMs: number): Promise<void> {
    const deadline = this.#now + limitMs;
    await this.settle();
    while (!predicate()) {
      if (this.nextAt() > deadline) throw this.#timeout(deadline, limitMs);
      this.step();
      if (this.#calledOut) await this.settle();
    }
  }

  /**
   * Lets events happen until `promise` settles, and gives its value.
   *
   * @param limitMs - The most virtual time it may take, from now.
   * @throws {VirtualTimeoutError} (rejects) when it takes longer; otherwise what `promise` rejects with.
   */
  async complete<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await this.runUntil(() => settled, limitMs);
    return promise;
  }

  /** Lets promises that are ready run their continuations, without moving time. */
  async settle(): Promise<void> {
    this.#calledOut = false;
    for (let turn = 0; turn < SETTLE_TURNS; turn++) await undefined;
  }

  #timeout(deadline: Millis, limitMs: number): VirtualTimeoutError {
    if (this.#now < deadline) this.#now = deadline;
    return new VirtualTimeoutError(
      `what was waited for did not happen within ${limitMs} ms of virtual time (it is ${this.#now} ms now)`,
    );
  }

  #runEndOfInstant(): void {
    const run = this.#endOfInstant[this.#endOfInstantIndex++]!;
    if (this.#endOfInstantIndex === this.#endOfInstant.length) {
      this.#endOfInstant.length = 0;
      this.#endOfInstantIndex = 0;
    }
    this.#eventCount++;
    run();
  }

  /** The next event that was not cancelled. */
  #earliest(): ScheduledEvent | undefined {
    let event = this.#events[0];
    while (event !== undefined && event.run === undefined) {
      this.#pop();
      event = this.#events[0];
    }
    return event;
  }

  #push(event: ScheduledEvent): void {
    const events = this.#events;
    let index = events.length;
    events.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, events[parent]!)) break;
      events[index] = events[parent]!;
      index = parent;
    }
    events[index] = event;
  }

  #pop(): void {
    const events = this.#events;
    const last = events.pop();
    if (last === undefined || events.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++;
      if (!isBefore(events[child]!, last)) break;
      events[index] = events[child]!;
      index = child;
    }
    events[index] = last;
  }
}

/**
 * A timer that is re-armed for life. Moving it to a later moment, which nearly every packet does, leaves the queued
 * event where it is; when that event happens too early it is scheduled again.
 */
class VirtualTimer implements PlatformTimer {
  readonly #clock: VirtualClock;
  readonly #onTimer: () => void;
  #deadline: Millis = Number.POSITIVE_INFINITY;
  #event: ScheduledEvent | undefined;
  #isClosed = false;

  constructor(clock: VirtualClock, onTimer: () => void) {
    this.#clock = clock;
    this.#onTimer = onTimer;
  }

  arm(at: Millis): void {
    if (this.#isClosed) return;
    if (Number.isNaN(at)) throw new RangeError("a timer is armed for a moment in milliseconds, got NaN");
    this.#deadline = at;
    if (at === Number.POSITIVE_INFINITY) return;
    if (this.#event !== undefined) {
      if (this.#event.at <= at) return;
      this.#event.run = undefined;
    }
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#deadline = Number.POSITIVE_INFINITY;
    if (this.#event !== undefined) this.#event.run = undefined;
    this.#event = undefined;
  }

  #schedule(): void {
    this.#event = this.#clock.schedule(this.#deadline, () => this.#expire());
  }

  #expire(): void {
    this.#event = undefined;
    if (this.#deadline === Number.POSITIVE_INFINITY) return;
    if (this.#deadline > this.#clock.now()) {
      this.#schedule();
      return;
    }
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#clock.noteCallout();
    this.#onTimer();
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
