import type { Millis } from "./core.ts";

/** Width of one slot: deadlines in the same slot may run up to this much late, never early. */
const TICK_MS = 4;
/** Slots in the wheel: about two seconds ahead; what lies further waits in the overflow and is sorted in later. */
const SLOTS = 512;

/** What registers a deadline. One entry belongs to one wheel and is re-armed for life. */
export interface WheelEntry {
  /** Called by {@link TimerWheel.advance} once the deadline has passed. May re-arm itself; must not throw. */
  readonly onDeadline: (now: Millis) => void;
}

interface Armed {
  deadline: Millis;
  /** Index of the slot that holds it, or {@link OVERFLOW}. */
  slot: number;
}

const OVERFLOW = -1;

/**
 * One coarse wheel for all connections of a process or worker. Each connection has a single deadline (the
 * minimum over its cores) that moves with nearly every packet; arming and disarming cost a map operation
 * and no allocation in the steady state. The driver arms one platform timer for {@link next}.
 *
 * Deadlines run in slot order; within a slot, in the order in which they were armed.
 */
export class TimerWheel {
  readonly #slots: Set<WheelEntry>[] = Array.from({ length: SLOTS }, () => new Set<WheelEntry>());
  readonly #overflow = new Set<WheelEntry>();
  readonly #armed = new Map<WheelEntry, Armed>();
  /** The tick up to which everything has run. */
  #tick: number;
  /** The tick when the overflow was last sorted in: what it holds lies more than a revolution behind it. */
  #sortedTick: number;

  constructor(now: Millis) {
    this.#tick = Math.floor(now / TICK_MS);
    this.#sortedTick = this.#tick;
  }

  /** How many entries are armed. */
  get size(): number {
    return this.#armed.size;
  }

  /** (Re)arms `entry`; `Infinity` disarms it. */
  arm(entry: WheelEntry, deadline: Millis): void {
    const armed = this.#armed.get(entry);
    if (deadline === Number.POSITIVE_INFINITY) {
      if (armed !== undefined) this.#remove(entry, armed);
      return;
    }
    const slot = this.#slotFor(deadline);
    if (armed === undefined) {
      this.#armed.set(entry, { deadline, slot });
      this.#setOf(slot).add(entry);
      return;
    }
    armed.deadline = deadline;
    if (armed.slot === slot) return;
    this.#setOf(armed.slot).delete(entry);
    armed.slot = slot;
    this.#setOf(slot).add(entry);
  }

  disarm(entry: WheelEntry): void {
    this.arm(entry, Number.POSITIVE_INFINITY);
  }

  /** Runs everything due at or before `now`. Time that goes backwards is ignored. */
  advance(now: Millis): void {
    const target = Math.floor(now / TICK_MS);
    if (target <= this.#tick) return;
    // A jump over the whole wheel (a suspended laptop) visits each slot once, not once per lost tick.
    const first = Math.max(this.#tick + 1, target - SLOTS + 1);
    // Moved first, so that a handler which re-arms itself for the present lands behind the last slot of this turn.
    this.#tick = target;
    for (let tick = first; tick <= target; tick++) this.#runSlot(tick % SLOTS, now);
    // Twice a revolution is enough, and cheap however many wait far ahead.
    if (target - this.#sortedTick >= SLOTS / 2) this.#sortInOverflow(now);
  }

  /** When {@link advance} should next be called: the end of the earliest occupied slot, or `Infinity`. */
  next(): Millis {
    if (this.#armed.size === 0) return Number.POSITIVE_INFINITY;
    // The overflow has to be sorted in before the first of it can be due.
    const end = this.#overflow.size === 0 ? this.#tick + SLOTS : this.#sortedTick + SLOTS;
    for (let tick = this.#tick + 1; tick < end; tick++) {
      if (this.#slots[tick % SLOTS]!.size > 0) return tick * TICK_MS;
    }
    return end * TICK_MS;
  }

  #slotFor(deadline: Millis): number {
    // Rounded up, so that no deadline runs early; at least one tick ahead, so that an entry re-armed for
    // the present runs in the next turn and cannot keep advance() busy for ever.
    const tick = Math.max(Math.ceil(deadline / TICK_MS), this.#tick + 1);
    return tick - this.#tick > SLOTS ? OVERFLOW : tick % SLOTS;
  }

  #setOf(slot: number): Set<WheelEntry> {
    return slot === OVERFLOW ? this.#overflow : this.#slots[slot]!;
  }

  #remove(entry: WheelEntry, armed: Armed): void {
    this.#setOf(armed.slot).delete(entry);
    this.#armed.delete(entry);
  }

  #runSlot(slot: number, now: Millis): void {
    const entries = this.#slots[slot]!;
    if (entries.size === 0) return;
    // A handler may disarm others, or arm them into this very slot a revolution ahead: run those present now.
    for (const entry of [...entries]) {
      const armed = this.#armed.get(entry);
      if (armed === undefined || armed.deadline > now) continue;
      this.#remove(entry, armed);
      entry.onDeadline(now);
    }
  }

  #sortInOverflow(now: Millis): void {
    this.#sortedTick = this.#tick;
    for (const entry of [...this.#overflow]) {
      const armed = this.#armed.get(entry);
      // Disarmed by a handler that ran before it.
      if (armed === undefined) continue;
      if (armed.deadline > now) {
        this.arm(entry, armed.deadline);
        continue;
      }
      this.#remove(entry, armed);
      entry.onDeadline(now);
    }
  }
}
