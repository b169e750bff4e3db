import type { SocketId, TransportAddress } from "../bytes/index.ts";

/** Largest datagram a slot holds: an Ethernet frame's worth, with room for what a layer prepends. */
export const DEFAULT_SLOT_BYTES = 2048;

/**
 * A packet being built, protected and sent in place. Whoever holds the slot owns its bytes until it is given back
 * with `slot.arena.release(slot)`; a socket does so in its send callback, not before.
 */
export interface PacketSlot {
  /** Where it belongs. */
  readonly arena: PacketArena;
  /** Which slot of the arena this is. */
  readonly index: number;
  /** The whole slot. The view stays valid for life: the arena never grows and so never moves. */
  readonly bytes: Uint8Array;
  /** Where the packet starts in {@link bytes}; headroom before it lets outer layers prepend. */
  start: number;
  /** Where the packet ends in {@link bytes}. */
  end: number;
  /** Where the packet goes, once that is known. */
  to: TransportAddress | undefined;
  /** By which socket it leaves. */
  socket: SocketId;
}

/**
 * Fixed memory for packets on the packet path: no allocation per packet, nothing for the collector, and one
 * buffer that in-place kernels can work on. It never grows. When every slot is in use {@link acquire} answers
 * undefined, and the packet is dropped and counted, as a full queue in a router would.
 */
export class PacketArena {
  /** The memory all slots live in. */
  readonly buffer: ArrayBufferLike;
  readonly #slots: readonly PacketSlot[];
  /** Last in, first out: the slot used last is still in the cache. */
  readonly #free: PacketSlot[];
  readonly #taken: Uint8Array;
  #exhausted = 0;

  /**
   * @param slots - How many packets may be in flight at once.
   * @param slotBytes - Size of each slot.
   * @param buffer - Memory to use (a `WebAssembly.Memory`'s, for kernels); at least `slots * slotBytes` long
   *   from `offset` on.
   */
  constructor(slots: number, slotBytes: number = DEFAULT_SLOT_BYTES, buffer?: ArrayBufferLike, offset = 0) {
    if (!Number.isInteger(slots) || slots < 1 || !Number.isInteger(slotBytes) || slotBytes < 64) {
      throw new RangeError(
        `an arena needs at least 1 slot of at least 64 bytes, got ${slots} of ${slotBytes}`,
      );
    }
    this.buffer = buffer ?? new ArrayBuffer(slots * slotBytes);
    this.#slots = Array.from({ length: slots }, (_, index) => ({
      arena: this,
      index,
      bytes: new Uint8Array(this.buffer, offset + index * slotBytes, slotBytes),
      start: 0,
      end: 0,
      to: undefined,
      socket: 0,
    }));
    this.#free = [...this.#slots].reverse();
    this.#taken = new Uint8Array(slots);
  }

  /** A free slot with `headroom` bytes kept before an empty packet, or undefined when all are in use. */
  acquire(headroom = 0): PacketSlot | undefined {
    const slot = this.#free.pop();
    if (slot === undefined) {
      this.#exhausted++;
      return undefined;
    }
    this.#taken[slot.index] = 1;
    slot.start = headroom;
    slot.end = headroom;
    slot.to = undefined;
    return slot;
  }

  /**
   * Gives a slot back. Its bytes may be overwritten at once.
   *
   * @throws {RangeError} when the slot is not in use: releasing twice would hand one packet to two owners.
   */
  release(slot: PacketSlot): void {
    if (this.#slots[slot.index] !== slot || this.#taken[slot.index] !== 1) {
      throw new RangeError(`packet slot ${slot.index} was released while not in use`);
    }
    this.#taken[slot.index] = 0;
    this.#free.push(slot);
  }

  /** Slots in use. */
  get inUse(): number {
    return this.#slots.length - this.#free.length;
  }

  /** How often {@link acquire} found no free slot: packets dropped for want of memory. */
  get exhaustedCount(): number {
    return this.#exhausted;
  }
}
