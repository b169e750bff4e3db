import { CHUNK_HEADER_BYTES, ChunkType, createChunk } from "./chunk.ts";

/**
 * PAD (RFC 4820 §3): makes a packet larger, so that a HEARTBEAT with it finds out what the path carries.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 132  |   Flags = 0   |            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                         Padding Data                          \
 *
 * @param totalBytes - Size of the whole chunk; a multiple of 4, at least 4.
 */
export function encodePad(totalBytes: number): Uint8Array {
  return createChunk(ChunkType.pad, 0, totalBytes - CHUNK_HEADER_BYTES);
}
