import { readUint16, writeUint16 } from "../../bytes/index.ts";

/**
 * What every chunk begins with (RFC 9260 §3.2).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Chunk Type  |  Chunk Flags  |         Chunk Length          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                          Chunk Value                          \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * The length counts the header and the value, not the padding to 32 bits.
 */
export const CHUNK_HEADER_BYTES = 4;

/** Chunk types (RFC 9260 §3.2, RFC 8260 §2, RFC 6525 §3.1, RFC 4820 §3, RFC 3758 §3.2). */
export const ChunkType = {
  data: 0x00,
  init: 0x01,
  initAck: 0x02,
  sack: 0x03,
  heartbeat: 0x04,
  heartbeatAck: 0x05,
  abort: 0x06,
  shutdown: 0x07,
  shutdownAck: 0x08,
  error: 0x09,
  cookieEcho: 0x0a,
  cookieAck: 0x0b,
  shutdownComplete: 0x0e,
  iData: 0x40,
  reConfig: 0x82,
  pad: 0x84,
  forwardTsn: 0xc0,
  iForwardTsn: 0xc2,
} as const;

/** RFC 9260 §3.2: with the highest bit of an unknown type set, the chunk is skipped; else the packet is left there. */
export function shouldSkipUnknown(type: number): boolean {
  return (type & 0x80) !== 0;
}

/** RFC 9260 §3.2: with the second highest bit of an unknown type set, the chunk is reported in an ERROR. */
export function shouldReportUnknown(type: number): boolean {
  return (type & 0x40) !== 0;
}

/** `length` rounded up to 32 bits, as chunks and parameters are padded. */
export function paddedLength(length: number): number {
  return (length + 3) & ~3;
}

/** A new chunk with room for `valueBytes` behind its header; its padding is zero. */
export function createChunk(type: number, flags: number, valueBytes: number): Uint8Array {
  const chunk = new Uint8Array(paddedLength(CHUNK_HEADER_BYTES + valueBytes));
  writeChunkHeader(chunk, 0, type, flags, CHUNK_HEADER_BYTES + valueBytes);
  return chunk;
}

/** A new chunk around `value`. */
export function wrapChunk(type: number, flags: number, value: Uint8Array): Uint8Array {
  const chunk = createChunk(type, flags, value.length);
  chunk.set(value, CHUNK_HEADER_BYTES);
  return chunk;
}

/** Writes a chunk header. `length` counts the header. */
export function writeChunkHeader(
  bytes: Uint8Array,
  offset: number,
  type: number,
  flags: number,
  length: number,
): void {
  bytes[offset] = type;
  bytes[offset + 1] = flags;
  writeUint16(bytes, offset + 2, length);
}

/** Walks the chunks of a packet without an object for each. */
export class ChunkCursor {
  #bytes: Uint8Array = new Uint8Array(0);
  #next = 0;
  /** Type of the current chunk. */
  type = 0;
  /** Flags of the current chunk. */
  flags = 0;
  /** Where the current chunk starts, with its header. */
  offset = 0;
  /** Where the value of the current chunk starts. */
  start = 0;
  /** Where the value of the current chunk ends, without padding. */
  end = 0;

  /** Starts at `offset` of `bytes`, which are lent until the walk is over. */
  open(bytes: Uint8Array, offset: number): void {
    this.#bytes = bytes;
    this.#next = offset;
  }

  /** Moves on: `"chunk"`, `"end"` of the packet, or `"bad-chunk-length"`. The last chunk may lack its padding. */
  next(): "chunk" | "end" | "bad-chunk-length" {
    const bytes = this.#bytes;
    const offset = this.#next;
    if (offset >= bytes.length) return "end";
    if (offset + CHUNK_HEADER_BYTES > bytes.length) return "bad-chunk-length";
    const length = readUint16(bytes, offset + 2);
    if (length < CHUNK_HEADER_BYTES || offset + length > bytes.length) return "bad-chunk-length";
    this.type = bytes[offset]!;
    this.flags = bytes[offset + 1]!;
    this.offset = offset;
    this.start = offset + CHUNK_HEADER_BYTES;
    this.end = offset + length;
    this.#next = offset + paddedLength(length);
    return "chunk";
  }
}
