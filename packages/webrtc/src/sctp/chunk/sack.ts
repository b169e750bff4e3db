import { readUint16, readUint32 } from "../../bytes/index.ts";

/**
 * SACK (RFC 9260 §3.3.4).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 3    |  Chunk Flags  |         Chunk Length          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      Cumulative TSN Ack                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Advertised Receiver Window Credit (a_rwnd)           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Number of Gap Ack Blocks = N  |  Number of Duplicate TSNs = M |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |    Gap Ack Block #1 Start     |     Gap Ack Block #1 End      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Duplicate TSN 1                         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * Offsets of gap blocks are relative to the cumulative TSN, both ends included.
 */
export const SACK_HEADER_BYTES = 16;

/** Bytes of one gap block, and of one duplicate TSN. */
export const SACK_ENTRY_BYTES = 4;

/** Reads a SACK in place: one object for all of them. The bytes are lent until the next {@link read}. */
export class SackView {
  #bytes: Uint8Array = new Uint8Array(0);
  #gaps = 0;
  #duplicates = 0;
  cumulativeTsnAck = 0;
  aRwnd = 0;
  gapCount = 0;
  duplicateCount = 0;

  /** Reads the value `bytes[start, end)`; false when it is shorter than its counts say. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < SACK_HEADER_BYTES - 4) return false;
    const gapCount = readUint16(bytes, start + 8);
    const duplicateCount = readUint16(bytes, start + 10);
    this.#gaps = start + 12;
    this.#duplicates = this.#gaps + gapCount * SACK_ENTRY_BYTES;
    if (this.#duplicates + duplicateCount * SACK_ENTRY_BYTES > end) return false;
    this.#bytes = bytes;
    this.cumulativeTsnAck = readUint32(bytes, start);
    this.aRwnd = readUint32(bytes, start + 4);
    this.gapCount = gapCount;
    this.duplicateCount = duplicateCount;
    return true;
  }

  /** Offset from the cumulative TSN of the first TSN in block `index`. */
  gapStart(index: number): number {
    return readUint16(this.#bytes, this.#gaps + index * SACK_ENTRY_BYTES);
  }

  /** Offset from the cumulative TSN of the last TSN in block `index`. */
  gapEnd(index: number): number {
    return readUint16(this.#bytes, this.#gaps + index * SACK_ENTRY_BYTES + 2);
  }

  /** A TSN that came more than once. */
  duplicate(index: number): number {
    return readUint32(this.#bytes, this.#duplicates + index * SACK_ENTRY_BYTES);
  }
}
