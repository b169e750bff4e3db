import { readUint16, writeUint16 } from "../bytes/index.ts";

/**
 * A packet on a stream (RFC 4571 §2): its length in 16 bits, then the packet. ICE over TCP frames everything so (RFC 6544 §10.1).
 *
 *  0                   1
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-...
 * |            LENGTH             |  packet
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-...
 */
export const FRAME_HEADER_BYTES = 2;

/** The largest packet that we take: an arena slot's worth. Nothing of WebRTC comes near. */
export const MAX_FRAMED_PACKET_BYTES = 2048;

/** A new array with the packet behind its length. @throws {RangeError} for more than 65535 bytes. */
export function framePacket(packet: Uint8Array): Uint8Array {
  if (packet.length > 0xffff)
    throw new RangeError(`a framed packet has at most 65535 bytes, got ${packet.length}`);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + packet.length);
  writeUint16(frame, 0, packet.length);
  frame.set(packet, FRAME_HEADER_BYTES);
  return frame;
}

/** Cuts a stream into packets, with memory for one of them. */
export class PacketDeframer {
  readonly #buffer = new Uint8Array(FRAME_HEADER_BYTES + MAX_FRAMED_PACKET_BYTES);
  #length = 0;
  /** What was pushed and not looked at yet: lent. */
  #input: Uint8Array = this.#buffer.subarray(0, 0);
  #isBroken = false;

  /** A packet was larger than anything we take: the rest of the stream means nothing, close it. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Gives it bytes, lent until {@link next} has answered undefined; which has to be before the next push. */
  push(bytes: Uint8Array): void {
    this.#input = bytes;
  }

  /** The next whole packet, lent until the next call; undefined when there is none yet. Empty packets are left out. */
  next(): Uint8Array | undefined {
    while (!this.#isBroken) {
      if (this.#length < FRAME_HEADER_BYTES && !this.#take(FRAME_HEADER_BYTES)) return undefined;
      const size = readUint16(this.#buffer, 0);
      if (size > MAX_FRAMED_PACKET_BYTES) {
        this.#isBroken = true;
        return undefined;
      }
      if (!this.#take(FRAME_HEADER_BYTES + size)) return undefined;
      this.#length = 0;
      if (size > 0) return this.#buffer.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + size);
    }
    return undefined;
  }

  /** Fills the buffer up to `length` bytes; false when the input ends before. */
  #take(length: number): boolean {
    const count = Math.min(length - this.#length, this.#input.length);
    this.#buffer.set(this.#input.subarray(0, count), this.#length);
    this.#length += count;
    this.#input = this.#input.subarray(count);
    return this.#length === length;
  }
}
