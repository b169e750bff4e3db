import type { Duplex } from "node:stream";

export interface WaitingRoomOptions {
  /** How many connections may wait at once. When one more comes, the one that has waited longest goes. */
  readonly capacity: number;
  /** How long one connection may wait, from its first moment to its last, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Connections of which it is not yet known what they want: nothing was received, or the TLS handshake is not
 * finished. They cost memory and a file descriptor and have proved nothing, so their number and their time are
 * bounded. Dropping the longest-waiting one when it is full keeps a flood of silent connections from shutting
 * out clients that speak at once, as honest ones do.
 */
export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  /** In order of arrival, which is the order of the deadlines too. */
  readonly #timers = new Map<Duplex, NodeJS.Timeout>();
  #expired = 0;
  #evicted = 0;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
  }

  /** Lets a connection wait. It is destroyed when its time is up or its place is needed. */
  enter(connection: Duplex): void {
    if (this.#timers.size >= this.#options.capacity) this.#evictOldest();
    const timer = setTimeout(() => {
      this.#timers.delete(connection);
      this.#expired++;
      connection.destroy();
    }, this.#options.timeoutMs);
    timer.unref();
    this.#timers.set(connection, timer);
    connection.once("close", () => this.leave(connection));
  }

  /** The connection has said what it wants, or is gone. Repeated calls are harmless. */
  leave(connection: Duplex): void {
    const timer = this.#timers.get(connection);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#timers.delete(connection);
  }

  /** Destroys all that wait. */
  clear(): void {
    for (const connection of [...this.#timers.keys()]) {
      this.leave(connection);
      connection.destroy();
    }
  }

  /** How many are waiting. */
  get size(): number {
    return this.#timers.size;
  }

  /** How many were destroyed because their time was up. */
  get expiredCount(): number {
    return this.#expired;
  }

  /** How many were destroyed because their place was needed. */
  get evictedCount(): number {
    return this.#evicted;
  }

  #evictOldest(): void {
    for (const oldest of this.#timers.keys()) {
      this.#evicted++;
      this.leave(oldest);
      oldest.destroy();
      return;
    }
  }
}
