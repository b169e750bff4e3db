import { type Millis, TimerWheel, type WheelEntry } from "@naru/webrtc/sansio";

/**
 * The deadlines of the whole server in one wheel. It remembers the earliest, which is asked for after every packet and
 * changes with few of them.
 */
export class Deadlines {
  readonly #wheel: TimerWheel;
  #next: Millis | undefined;

  constructor(now: Millis) {
    this.#wheel = new TimerWheel(now);
  }

  arm(entry: WheelEntry, at: Millis): void {
    this.#wheel.arm(entry, at);
    this.#next = undefined;
  }

  disarm(entry: WheelEntry): void {
    this.#wheel.disarm(entry);
    this.#next = undefined;
  }

  advance(now: Millis): void {
    this.#wheel.advance(now);
    this.#next = undefined;
  }

  next(): Millis {
    this.#next ??= this.#wheel.next();
    return this.#next;
  }
}
