import type { Core, Millis } from "../sansio/index.ts";
import { Ladder, type LadderEntry, markDelivered, markDropped, type PayloadDescriber } from "./ladder.ts";
import { Link, LinkDirection, type LinkOptions } from "./link.ts";
import { SeededRandom } from "./seeded-random.ts";
import { VirtualClock, VirtualTimeoutError } from "./virtual-clock.ts";

/** Which of the two. */
export type PairSide = "a" | "b";

/** How two cores are put together. */
export interface PairOptions<Input, Transmit> {
  readonly seed: string | number;
  /** The link between them. */
  readonly link?: LinkOptions;
  /**
   * The bytes of a transmit. They are copied at once, so a transmit that lives in an arena slot is given back here.
   */
  bytesOf(transmit: Transmit): Uint8Array;
  /** What the other core is fed. The bytes are lent to it: they are overwritten after the call. */
  toInput(bytes: Uint8Array): Input;
  /** Bytes each packet has on the wire beside its own; 28 (IPv4 and UDP headers) when left out. */
  readonly overheadBytes?: number;
  readonly ladderLimit?: number;
  readonly describer?: PayloadDescriber;
}

/** IPv4 and UDP headers. */
const DEFAULT_OVERHEAD_BYTES = 28;
/** So many outputs of one turn mean that a core never runs dry. */
const MAXIMUM_OUTPUTS_PER_TURN = 100_000;
/** So many runs of timers at one instant mean that a core re-arms a timer for the past. */
const MAXIMUM_TIMER_RUNS_PER_INSTANT = 1000;
const SPENT_BYTE = 0xdb;

interface Travelling {
  readonly bytes: Uint8Array;
  readonly to: PairSide;
  readonly entry: LadderEntry;
}

interface End<Input, Transmit, Event> {
  readonly core: Core<Input, Transmit, Event>;
  readonly events: Event[];
}

/**
 * Two cores back to back, over a seeded link, in virtual time, without hosts, sockets or promises: for scenarios of
 * one protocol. Synchronous throughout.
 *
 * Commands are given to the cores directly; what they bring about leaves in the next {@link drive} or its kin.
 */
export class Pair<Input, Transmit, Event> {
  readonly clock: VirtualClock = new VirtualClock();
  readonly link: Link<Travelling>;
  readonly ladder: Ladder;
  readonly #ends: Record<PairSide, End<Input, Transmit, Event>>;
  readonly #options: PairOptions<Input, Transmit>;
  #inFlight = 0;
  #timerRunsAt: Millis = 0;
  #timerRuns = 0;

  constructor(
    a: Core<Input, Transmit, Event>,
    b: Core<Input, Transmit, Event>,
    options: PairOptions<Input, Transmit>,
  ) {
    this.#ends = { a: { core: a, events: [] }, b: { core: b, events: [] } };
    this.#options = options;
    this.ladder = new Ladder(options.ladderLimit);
    if (options.describer !== undefined) this.ladder.describer = options.describer;
    const { up, down, ...both } = options.link ?? {};
    const random = new SeededRandom(options.seed);
    // Up is from a to b.
    this.link = new Link(
      this.#createDirection(random.fork("a to b"), { ...both, ...up }),
      this.#createDirection(random.fork("b to a"), { ...both, ...down }),
    );
  }

  now(): Millis {
    return this.clock.now();
  }

  /** The events a side has put out so far, oldest first. To be emptied by the test if it likes. */
  events(side: PairSide): Event[] {
    return this.#ends[side].events;
  }

  /** Packets on the way, both directions. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Lets `durationMs` pass: packets arrive, timers run. */
  advance(durationMs: number): void {
    const until = this.now() + durationMs;
    this.#drain();
    while (this.#nextAt() <= until) this.#step();
    this.clock.advance(until);
  }

  /**
   * Runs until both cores have come to rest: nothing on the way, and no timer armed within `quietMs`. A core that sends
   * keep-alives rests between two of them.
   *
   * @param limitMs - The most virtual time it may take.
   * @throws {VirtualTimeoutError} when it takes longer.
   */
  drive(limitMs = 60_000, quietMs = 1000): void {
    this.driveUntil(() => this.#inFlight === 0 && this.#nextAt() > this.now() + quietMs, limitMs);
  }

  /**
   * Runs until `predicate` holds.
   *
   * @param limitMs - The most virtual time it may take.
   * @throws {VirtualTimeoutError} when it takes longer, with the last packets.
   */
  driveUntil(predicate: () => boolean, limitMs = 60_000): void {
    const deadline = this.now() + limitMs;
    this.#drain();
    while (!predicate()) {
      if (this.#nextAt() > deadline) {
        this.clock.advance(deadline);
        throw new VirtualTimeoutError(
          `what was waited for did not happen within ${limitMs} ms of virtual time:\n${this.ladder.render(40)}`,
        );
      }
      this.#step();
    }
  }

  /** Feeds bytes to a side as if they had come from the other: replays, forgeries. They are not on the ladder. */
  inject(side: PairSide, bytes: Uint8Array): void {
    this.#feed(side, bytes);
    this.#drain();
  }

  /** The next arrival or deadline. */
  #nextAt(): Millis {
    const { a, b } = this.#ends;
    return Math.min(this.clock.nextAt(), a.core.pollTimeout(), b.core.pollTimeout());
  }

  /** Lets the next thing happen: one arrival, or the timers that are due. */
  #step(): void {
    const timerAt = Math.min(this.#ends.a.core.pollTimeout(), this.#ends.b.core.pollTimeout());
    if (this.clock.nextAt() <= timerAt) this.clock.step();
    else this.#runTimers(timerAt);
    this.#drain();
  }

  #runTimers(at: Millis): void {
    this.clock.advance(at);
    const now = this.now();
    if (now > this.#timerRunsAt) this.#timerRuns = 0;
    this.#timerRunsAt = now;
    if (++this.#timerRuns > MAXIMUM_TIMER_RUNS_PER_INSTANT) {
      throw new Error(
        `a core asks again and again for its timers to be run at ${at} ms, and it is ${now} ms`,
      );
    }
    for (const { core } of [this.#ends.a, this.#ends.b]) {
      if (core.pollTimeout() <= now) core.handleTimeout(now);
    }
  }

  #drain(): void {
    this.#drainSide("a", this.link.up);
    this.#drainSide("b", this.link.down);
  }

  #drainSide(side: PairSide, direction: LinkDirection<Travelling>): void {
    const { core, events } = this.#ends[side];
    for (let count = 0; count < MAXIMUM_OUTPUTS_PER_TURN; count++) {
      const transmit = core.pollTransmit();
      if (transmit !== undefined) {
        this.#send(side, transmit, direction);
        continue;
      }
      const event = core.pollEvent();
      if (event === undefined) return;
      events.push(event);
    }
    throw new Error(`core ${side} put out ${MAXIMUM_OUTPUTS_PER_TURN} transmits and events in one turn`);
  }

  #send(from: PairSide, transmit: Transmit, direction: LinkDirection<Travelling>): void {
    const bytes = new Uint8Array(this.#options.bytesOf(transmit));
    const to = from === "a" ? "b" : "a";
    const entry = this.ladder.record({
      sentAt: this.now(),
      from,
      to,
      protocol: "udp",
      source: undefined,
      destination: undefined,
      segment: undefined,
      bytes,
    });
    this.#inFlight++;
    const overheadBytes = this.#options.overheadBytes ?? DEFAULT_OVERHEAD_BYTES;
    direction.send({ bytes, to, entry }, bytes.length + overheadBytes);
  }

  #feed(side: PairSide, bytes: Uint8Array): void {
    const lent = new Uint8Array(bytes);
    this.#ends[side].core.handleInput(this.#options.toInput(lent), this.now());
    lent.fill(SPENT_BYTE);
  }

  #createDirection(random: SeededRandom, conditions: LinkOptions): LinkDirection<Travelling> {
    return new LinkDirection<Travelling>(
      this.clock,
      random,
      {
        deliver: (item) => {
          this.#inFlight--;
          markDelivered(item.entry, this.now(), item.to, undefined);
          this.#feed(item.to, item.bytes);
        },
        drop: (item, reason) => {
          this.#inFlight--;
          markDropped(item.entry, this.now(), "link", reason);
        },
        duplicate: (item) => {
          this.#inFlight++;
          return item;
        },
      },
      conditions,
    );
  }
}
