import { Queue } from "../sansio/index.ts";
import type { PacketBuilder } from "./packet-builder.ts";

/** Control chunks between two drains. What the peer asks beyond that it asks again. */
const MAX_CONTROL_CHUNKS = 64;

/** A chunk that goes in a packet of its own. */
export interface LoneChunk {
  readonly chunk: Uint8Array;
  /** The verification tag of its packet. */
  readonly tag: number;
}

/** Control chunks to send: those that go with others, and those whose packet has another tag or no company. */
export class ControlQueue {
  readonly #chunks = new Queue<Uint8Array>(MAX_CONTROL_CHUNKS);
  readonly #lone = new Queue<LoneChunk>(MAX_CONTROL_CHUNKS);

  /** For any packet to the peer. */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
  }

  /** For a packet of its own. */
  pushAlone(chunk: Uint8Array, tag: number): void {
    this.#lone.push({ chunk, tag });
  }

  peekAlone(): LoneChunk | undefined {
    return this.#lone.peek();
  }

  shiftAlone(): void {
    this.#lone.shift();
  }

  /** Moves as many chunks into the packet as fit. */
  fill(packet: PacketBuilder): void {
    for (let chunk = this.#chunks.peek(); chunk !== undefined; chunk = this.#chunks.peek()) {
      if (!packet.append(chunk)) return;
      this.#chunks.shift();
    }
  }

  /** Drops what would go with other chunks: there will be none. */
  dropCompanions(): void {
    this.#chunks.clear();
  }

  clear(): void {
    this.#chunks.clear();
    this.#lone.clear();
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0 && this.#lone.length === 0;
  }
}
