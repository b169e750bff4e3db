import type { Millis } from "../sansio/index.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** How one direction of a link treats packets. */
export interface LinkConditions {
  /** Time on the way, in milliseconds. */
  readonly delayMs: number;
  /** Each packet takes up to this much longer, uniformly. Order is kept: a late packet holds up those behind it. */
  readonly jitterMs: number;
  /** Share of packets lost at random, 0 to 1. */
  readonly lossRate: number;
  /** Loss in bursts, beside {@link lossRate}; undefined for none. */
  readonly burstLoss: BurstLoss | undefined;
  /** Share of packets held back by {@link reorderDelayMs}, so that those behind overtake them. */
  readonly reorderRate: number;
  readonly reorderDelayMs: number;
  /** Share of packets that arrive twice. */
  readonly duplicateRate: number;
  /** Bits a second, IP headers included; `Infinity` for no limit. */
  readonly rateBps: number;
  /** With a rate: bytes that may wait to be sent. A packet that does not fit is dropped (drop-tail). */
  readonly queueBytes: number;
  /** The largest IP packet, in bytes, headers included. A larger one is dropped without a word. */
  readonly mtuBytes: number;
}

/**
 * The model of Gilbert and Elliott: a link is in a good or a bad state, and changes before each packet with the
 * given probabilities. The mean burst is `1 / exitRate` packets; the share of time in bursts is
 * `enterRate / (enterRate + exitRate)`.
 */
export interface BurstLoss {
  readonly enterRate: number;
  readonly exitRate: number;
  /** Share of packets lost in the bad state; 1 when left out. */
  readonly lossRate?: number;
}

/** A good wire: a millisecond, nothing lost, Ethernet's MTU. 64 KiB of queue is what cheap routers have. */
export const DEFAULT_LINK_CONDITIONS: LinkConditions = {
  delayMs: 1,
  jitterMs: 0,
  lossRate: 0,
  burstLoss: undefined,
  reorderRate: 0,
  reorderDelayMs: 10,
  duplicateRate: 0,
  rateBps: Number.POSITIVE_INFINITY,
  queueBytes: 65_536,
  mtuBytes: 1500,
};

/** Conditions of both directions, and of one where they differ. */
export interface LinkOptions extends Partial<LinkConditions> {
  /** From the host or router towards the network. */
  readonly up?: Partial<LinkConditions>;
  /** From the network towards the host or router. */
  readonly down?: Partial<LinkConditions>;
}

/** Why a link dropped a packet. */
export type LinkDropReason = "lost" | "lost in a burst" | "queue full" | "larger than the MTU";

/** What a link has done so far. */
export interface LinkCounters {
  offered: number;
  delivered: number;
  duplicated: number;
  lost: number;
  queueFull: number;
  tooLarge: number;
  /** Bytes delivered, IP headers included. */
  deliveredBytes: number;
}

/** Where a link's packets go. */
export interface LinkEnds<T> {
  deliver(item: T): void;
  drop(item: T, reason: LinkDropReason): void;
  /** A second item for a packet that arrives twice. */
  duplicate(item: T): T;
}

/** One direction of a link, or of a path between two places. Conditions may change while packets are on the way. */
export class LinkDirection<T> {
  readonly counters: LinkCounters = {
    offered: 0,
    delivered: 0,
    duplicated: 0,
    lost: 0,
    queueFull: 0,
    tooLarge: 0,
    deliveredBytes: 0,
  };
  readonly #clock: VirtualClock;
  readonly #ends: LinkEnds<T>;
  #conditions: LinkConditions;
  /** One source for each effect, so that switching one on does not shift the others. */
  readonly #lossRandom: SeededRandom;
  readonly #burstRandom: SeededRandom;
  readonly #jitterRandom: SeededRandom;
  readonly #reorderRandom: SeededRandom;
  readonly #duplicateRandom: SeededRandom;
  #isInBurst = false;
  /** When the transmitter will have sent everything that waits. */
  #busyUntil: Millis = 0;
  /** Arrival of the latest packet that kept its place. */
  #lastArrival: Millis = 0;
  #taps: ((item: T) => void)[] = [];

  constructor(
    clock: VirtualClock,
    random: SeededRandom,
    ends: LinkEnds<T>,
    conditions: Partial<LinkConditions> = {},
  ) {
    this.#clock = clock;
    this.#ends = ends;
    this.#conditions = checkedConditions({ ...DEFAULT_LINK_CONDITIONS, ...conditions });
    this.#lossRandom = random.fork("loss");
    this.#burstRandom = random.fork("burst");
    this.#jitterRandom = random.fork("jitter");
    this.#reorderRandom = random.fork("reorder");
    this.#duplicateRandom = random.fork("duplicate");
  }

  get conditions(): LinkConditions {
    return this.#conditions;
  }

  /** Bytes that wait to be sent. */
  get queuedBytes(): number {
    const waitingMs = this.#busyUntil - this.#clock.now();
    return waitingMs <= 0 ? 0 : (waitingMs * this.#conditions.rateBps) / 8000;
  }

  /**
   * Changes some conditions from now on. What is already on the way is not called back; what waits in the queue
   * keeps its bytes when the rate changes.
   *
   * @throws {RangeError} for a probability outside 0 to 1 or a negative amount.
   */
  change(conditions: Partial<LinkConditions>): void {
    const queuedBytes = this.queuedBytes;
    this.#conditions = checkedConditions({ ...this.#conditions, ...conditions });
    const now = this.#clock.now();
    this.#busyUntil = queuedBytes === 0 ? now : now + (queuedBytes * 8000) / this.#conditions.rateBps;
  }

  /** Shows every packet that enters this direction, before anything happens to it. */
  tap(onItem: (item: T) => void): void {
    this.#taps.push(onItem);
  }

  /** Takes a packet of `sizeBytes` (IP headers included). */
  send(item: T, sizeBytes: number): void {
    const conditions = this.#conditions;
    const now = this.#clock.now();
    this.counters.offered++;
    for (const tap of this.#taps) tap(item);
    if (sizeBytes > conditions.mtuBytes) {
      this.counters.tooLarge++;
      this.#ends.drop(item, "larger than the MTU");
      return;
    }
    let departure = now;
    if (conditions.rateBps !== Number.POSITIVE_INFINITY) {
      const queuedBytes = this.queuedBytes;
      if (queuedBytes > 0 && queuedBytes + sizeBytes > conditions.queueBytes) {
        this.counters.queueFull++;
        this.#ends.drop(item, "queue full");
        return;
      }
      departure = Math.max(now, this.#busyUntil) + (sizeBytes * 8000) / conditions.rateBps;
      this.#busyUntil = departure;
    }
    const loss = this.#lossOf(conditions);
    if (loss !== undefined) {
      this.counters.lost++;
      this.#ends.drop(item, loss);
      return;
    }
    this.#arrive(item, sizeBytes, this.#arrivalOf(departure, conditions));
    if (this.#duplicateRandom.chance(conditions.duplicateRate)) {
      this.counters.duplicated++;
      this.#arrive(this.#ends.duplicate(item), sizeBytes, this.#arrivalOf(departure, conditions));
    }
  }

  #lossOf(conditions: LinkConditions): LinkDropReason | undefined {
    const burst = conditions.burstLoss;
    if (burst !== undefined) {
      const changeRate = this.#isInBurst ? burst.exitRate : burst.enterRate;
      if (this.#burstRandom.chance(changeRate)) this.#isInBurst = !this.#isInBurst;
      if (this.#isInBurst && this.#burstRandom.chance(burst.lossRate ?? 1)) return "lost in a burst";
    }
    return this.#lossRandom.chance(conditions.lossRate) ? "lost" : undefined;
  }

  #arrivalOf(departure: Millis, conditions: LinkConditions): Millis {
    const jitter = conditions.jitterMs === 0 ? 0 : this.#jitterRandom.unit() * conditions.jitterMs;
    const arrival = departure + conditions.delayMs + jitter;
    if (this.#reorderRandom.chance(conditions.reorderRate)) return arrival + conditions.reorderDelayMs;
    if (arrival > this.#lastArrival) this.#lastArrival = arrival;
    return this.#lastArrival;
  }

  #arrive(item: T, sizeBytes: number, arrival: Millis): void {
    this.#clock.schedule(arrival, () => {
      this.counters.delivered++;
      this.counters.deliveredBytes += sizeBytes;
      this.#ends.deliver(item);
    });
  }
}

/** Both directions of the wire between a host or router and the network it is on. */
export class Link<T> {
  readonly up: LinkDirection<T>;
  readonly down: LinkDirection<T>;

  constructor(up: LinkDirection<T>, down: LinkDirection<T>) {
    this.up = up;
    this.down = down;
  }

  /** Changes both directions; `up` and `down` inside `options` change only theirs. */
  change(options: LinkOptions): void {
    const { up, down, ...both } = options;
    this.up.change({ ...both, ...up });
    this.down.change({ ...both, ...down });
  }
}

function checkedConditions(conditions: LinkConditions): LinkConditions {
  const { lossRate, reorderRate, duplicateRate, burstLoss } = conditions;
  const burst = [burstLoss?.enterRate ?? 0, burstLoss?.exitRate ?? 0, burstLoss?.lossRate ?? 0];
  for (const rate of [lossRate, reorderRate, duplicateRate, ...burst]) {
    if (!(rate >= 0 && rate <= 1)) throw new RangeError(`a share of packets is from 0 to 1, got ${rate}`);
  }
  const { delayMs, jitterMs, reorderDelayMs, rateBps, queueBytes, mtuBytes } = conditions;
  for (const amount of [delayMs, jitterMs, reorderDelayMs, queueBytes, mtuBytes]) {
    if (!(amount >= 0)) throw new RangeError(`times and sizes of a link are not negative, got ${amount}`);
  }
  if (!(rateBps > 0))
    throw new RangeError(`a link's rate is above 0 bit/s, got ${rateBps}; lose all with lossRate 1`);
  return conditions;
}
