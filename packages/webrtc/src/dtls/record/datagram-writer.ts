import type { PacketArena, PacketSlot } from "../../kernel/index.ts";
import type { Queue } from "../../sansio/index.ts";
import type { RecordSealer } from "./record.ts";

/** Puts records side by side into datagrams of at most the MTU, in slots of an arena. */
export class DatagramWriter {
  /** Datagrams that could not be made for want of a slot. */
  droppedCount = 0;
  readonly #arena: PacketArena;
  readonly #headroomBytes: number;
  readonly #transmits: Queue<PacketSlot>;
  #mtu: number;
  #slot: PacketSlot | undefined;

  constructor(arena: PacketArena, headroomBytes: number, mtu: number, transmits: Queue<PacketSlot>) {
    this.#arena = arena;
    this.#headroomBytes = headroomBytes;
    this.#mtu = mtu;
    this.#transmits = transmits;
  }

  /** The largest datagram from now on; one that is begun is finished as it is. */
  set mtu(bytes: number) {
    this.#mtu = bytes;
  }

  /** Content bytes that a record of `sealer` can still take in the datagram at hand; may be negative. */
  room(sealer: RecordSealer): number {
    const overhead = sealer.headerBytes + sealer.trailerBytes;
    if (this.#slot === undefined) return this.#mtu - overhead;
    const used = this.#slot.end - this.#slot.start;
    return Math.min(this.#mtu - used, this.#slot.bytes.length - this.#slot.end) - overhead;
  }

  /**
   * Adds a record with the content that `write` puts into `length` bytes, and returns whether there was memory for it.
   * A record that has no room in the datagram at hand starts a new one.
   */
  append(
    sealer: RecordSealer,
    type: number,
    length: number,
    write: (bytes: Uint8Array, offset: number) => void,
  ): boolean {
    if (length > this.room(sealer)) this.flush();
    this.#slot ??= this.#arena.acquire(this.#headroomBytes);
    const slot = this.#slot;
    if (
      slot === undefined ||
      slot.end + sealer.headerBytes + length + sealer.trailerBytes > slot.bytes.length
    ) {
      this.droppedCount++;
      return false;
    }
    const start = slot.end + sealer.headerBytes;
    write(slot.bytes, start);
    slot.end = sealer.seal(type, slot.bytes, start, start + length);
    return true;
  }

  /** Sends the datagram at hand. */
  flush(): void {
    const slot = this.#slot;
    if (slot === undefined) return;
    this.#slot = undefined;
    if (slot.end > slot.start && this.#transmits.push(slot)) return;
    this.#arena.release(slot);
    this.droppedCount++;
  }
}
