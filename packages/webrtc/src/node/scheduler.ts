import type { PlatformTimer } from "../platform/index.ts";
import { type Millis, TimerWheel } from "../sansio/index.ts";

/** `setTimeout` fires at once for anything longer. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * All timers of a platform in one wheel, woken by one Node timer. Thousands of connections move their deadline with
 * nearly every packet; Node's own timers would cost each of them a list operation and an object.
 */
export class Scheduler {
  readonly #now: () => Millis;
  readonly #wheel: TimerWheel;
  #handle: NodeJS.Timeout | undefined;
  /** When the Node timer fires; `Infinity` while there is none. */
  #firesAt = Number.POSITIVE_INFINITY;
  #running = false;

  constructor(now: () => Millis) {
    this.#now = now;
    this.#wheel = new TimerWheel(now());
  }

  createTimer(onTimer: () => void): PlatformTimer {
    const entry = { onDeadline: onTimer };
    let closed = false;
    return {
      arm: (at) => {
        if (closed) return;
        this.#wheel.arm(entry, at);
        this.#sleep();
      },
      close: () => {
        closed = true;
        this.#wheel.disarm(entry);
        this.#sleep();
      },
    };
  }

  #sleep(): void {
    if (this.#running) return;
    if (this.#wheel.size === 0) {
      // Nothing to wait for, nothing that keeps the process alive.
      this.#stop();
      return;
    }
    const next = this.#wheel.next();
    // Firing early is harmless and moving a Node timer is not free: later deadlines leave it as it is.
    if (next >= this.#firesAt) return;
    this.#stop();
    this.#firesAt = next;
    const delay = Math.min(Math.max(0, Math.ceil(next - this.#now())), LONGEST_DELAY_MS);
    this.#handle = setTimeout(() => this.#wake(), delay);
  }

  #wake(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    this.#handle = undefined;
    this.#running = true;
    try {
      this.#wheel.advance(this.#now());
    } finally {
      this.#running = false;
      this.#sleep();
    }
  }

  #stop(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }
}
