import type { PacketSlot } from "../kernel/index.ts";
import { COMMON_HEADER_BYTES, writeChecksum, writeCommonHeader } from "./packet.ts";

/** A packet being filled, in place in an arena slot. One object for all packets of an association. */
export class PacketBuilder {
  #slot: PacketSlot | undefined;
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the packet starts. */
  start = 0;
  /** Where the next chunk goes. */
  end = 0;
  /** Where the packet has to end. */
  limit = 0;
  /** Whether it has a chunk with user data. */
  hasData = false;

  /** Begins a packet of at most `maxBytes` in `slot`, behind its headroom. */
  begin(slot: PacketSlot, maxBytes: number, sourcePort: number, destinationPort: number, tag: number): void {
    this.#slot = slot;
    this.bytes = slot.bytes;
    this.start = slot.start;
    this.end = slot.start + COMMON_HEADER_BYTES;
    this.limit = slot.start + maxBytes;
    this.hasData = false;
    writeCommonHeader(slot.bytes, slot.start, sourcePort, destinationPort, tag);
  }

  /** Bytes that still fit. */
  get room(): number {
    return this.limit - this.end;
  }

  get isEmpty(): boolean {
    return this.end === this.start + COMMON_HEADER_BYTES;
  }

  /** Appends a whole chunk with its padding; false when it does not fit. A first chunk is taken whatever its size. */
  append(chunk: Uint8Array): boolean {
    if (chunk.length > this.room && !this.isEmpty) return false;
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
    return true;
  }

  /** Ends a packet into which nothing was put; its slot is given back. */
  cancel(): void {
    this.#slot?.arena.release(this.#slot);
    this.#slot = undefined;
  }

  /** Ends the packet and gives its slot. */
  finish(hasChecksum: boolean): PacketSlot | undefined {
    const slot = this.#slot;
    if (slot === undefined) return undefined;
    this.#slot = undefined;
    if (hasChecksum) writeChecksum(this.bytes, this.start, this.end);
    slot.end = this.end;
    return slot;
  }
}
