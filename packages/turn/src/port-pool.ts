import { type RandomSource, randomUnit } from "@naru/webrtc/sansio";

/** Ports for relayed addresses. */
export interface PortRange {
  /** RFC 8656 §7.2: not below 1024, and rather from 49152 on. */
  readonly first: number;
  readonly last: number;
}

/** The range for dynamic ports (RFC 8656 §7.2). */
export const DEFAULT_PORT_RANGE: PortRange = { first: 49_152, last: 65_535 };

/** Which port is wanted: `pair` is an even one whose successor is free as well. */
export type PortParity = "any" | "even" | "pair";

/**
 * The ports of one address and protocol, given out at random (RFC 6056), so that nobody can tell the next one.
 */
export class PortPool {
  readonly #first: number;
  readonly #random: RandomSource;
  readonly #taken: Uint8Array;
  #free: number;

  /** @throws {RangeError} when the range is empty or reaches below 1024 or beyond 65535. */
  constructor(range: PortRange, random: RandomSource) {
    const { first, last } = range;
    if (
      !Number.isInteger(first) ||
      !Number.isInteger(last) ||
      first < 1024 ||
      last > 65_535 ||
      first > last
    ) {
      throw new RangeError(
        `relay ports lie from 1024 to 65535, the first before the last; got ${first} to ${last}`,
      );
    }
    this.#first = first;
    this.#random = random;
    this.#taken = new Uint8Array(last - first + 1);
    this.#free = this.#taken.length;
  }

  get freeCount(): number {
    return this.#free;
  }

  /** Takes a port, for `pair` also the one above; undefined when none is left. */
  take(parity: PortParity): number | undefined {
    const count = this.#taken.length;
    const start = Math.floor(randomUnit(this.#random) * count);
    for (let i = 0; i < count; i++) {
      const index = (start + i) % count;
      const port = this.#first + index;
      if (this.#taken[index] === 1 || (parity !== "any" && port % 2 === 1)) continue;
      if (parity === "pair" && (index + 1 === count || this.#taken[index + 1] === 1)) continue;
      this.#mark(port);
      if (parity === "pair") this.#mark(port + 1);
      return port;
    }
    return undefined;
  }

  /** Gives one port back. */
  release(port: number): void {
    const index = port - this.#first;
    if (this.#taken[index] !== 1) return;
    this.#taken[index] = 0;
    this.#free++;
  }

  #mark(port: number): void {
    this.#taken[port - this.#first] = 1;
    this.#free--;
  }
}
