import type { Millis } from "./core.ts";

/**
 * The named timers of one core: a handful, set and stopped often. The core's `pollTimeout` is
 * {@link next}; its `handleTimeout` asks {@link expire} for each name that came due.
 */
export class TimerTable<Name extends string> {
  readonly #names: readonly Name[];
  readonly #deadlines: Float64Array;

  /** @param names - Every timer the core has, in the order in which simultaneous ones run. */
  constructor(names: readonly Name[]) {
    this.#names = names;
    this.#deadlines = new Float64Array(names.length).fill(Number.POSITIVE_INFINITY);
  }

  /** (Re)arms `name` for the moment `at`. */
  set(name: Name, at: Millis): void {
    this.#deadlines[this.#names.indexOf(name)] = at;
  }

  stop(name: Name): void {
    this.set(name, Number.POSITIVE_INFINITY);
  }

  stopAll(): void {
    this.#deadlines.fill(Number.POSITIVE_INFINITY);
  }

  /** When `name` is due, `Infinity` when it is stopped. */
  deadline(name: Name): Millis {
    return this.#deadlines[this.#names.indexOf(name)] ?? Number.POSITIVE_INFINITY;
  }

  /** The earliest deadline of all, `Infinity` when none is armed. */
  next(): Millis {
    let earliest = Number.POSITIVE_INFINITY;
    for (const deadline of this.#deadlines) if (deadline < earliest) earliest = deadline;
    return earliest;
  }

  /**
   * Stops and returns the earliest timer due at or before `now`, or undefined. Call until undefined;
   * a handler that re-arms its own timer at or before `now` is run again, so it must move forward.
   */
  expire(now: Millis): Name | undefined {
    let due = -1;
    for (let i = 0; i < this.#deadlines.length; i++) {
      const deadline = this.#deadlines[i]!;
      if (deadline <= now && (due === -1 || deadline < this.#deadlines[due]!)) due = i;
    }
    if (due === -1) return undefined;
    this.#deadlines[due] = Number.POSITIVE_INFINITY;
    return this.#names[due];
  }
}
