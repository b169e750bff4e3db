import { ChunkType, createChunk, wrapChunk } from "./chunk.ts";

/**
 * COOKIE ECHO (RFC 9260 §3.3.11): the state cookie of the INIT ACK, as it came. COOKIE ACK (§3.3.12) is a header alone.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 10   |  Chunk Flags  |            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * /                            Cookie                             /
 */
export function encodeCookieEcho(cookie: Uint8Array): Uint8Array {
  return wrapChunk(ChunkType.cookieEcho, 0, cookie);
}

/** A whole COOKIE ACK chunk. */
export function encodeCookieAck(): Uint8Array {
  return createChunk(ChunkType.cookieAck, 0, 0);
}
