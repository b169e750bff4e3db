import { readUint32, writeUint32 } from "../../bytes/index.ts";
import { TAG_REFLECTED } from "./abort.ts";
import { CHUNK_HEADER_BYTES, ChunkType, createChunk } from "./chunk.ts";

/**
 * SHUTDOWN (RFC 9260 §3.3.8). SHUTDOWN ACK (§3.3.9) and SHUTDOWN COMPLETE (§3.3.13) are headers alone; the latter has
 * the T bit of ABORT.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 7    |  Chunk Flags  |          Length = 8           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      Cumulative TSN Ack                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */

/** The cumulative TSN ack; undefined when the value is not 4 bytes. */
export function decodeShutdown(value: Uint8Array): number | undefined {
  return value.length === 4 ? readUint32(value, 0) : undefined;
}

/** A whole SHUTDOWN chunk. */
export function encodeShutdown(cumulativeTsnAck: number): Uint8Array {
  const chunk = createChunk(ChunkType.shutdown, 0, 4);
  writeUint32(chunk, CHUNK_HEADER_BYTES, cumulativeTsnAck);
  return chunk;
}

/** A whole SHUTDOWN ACK chunk. */
export function encodeShutdownAck(): Uint8Array {
  return createChunk(ChunkType.shutdownAck, 0, 0);
}

/** A whole SHUTDOWN COMPLETE chunk. */
export function encodeShutdownComplete(isTagReflected = false): Uint8Array {
  return createChunk(ChunkType.shutdownComplete, isTagReflected ? TAG_REFLECTED : 0, 0);
}
