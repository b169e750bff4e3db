import { concatCauses, decodeErrorCauses, type ErrorCause } from "../error-cause/error-cause.ts";
import { ChunkType, wrapChunk } from "./chunk.ts";

/**
 * ERROR (RFC 9260 §3.3.10).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 9    |  Chunk Flags  |            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                   one or more Error Causes                    \
 */
export function decodeError(value: Uint8Array): readonly ErrorCause[] | undefined {
  return value.length === 0 ? undefined : decodeErrorCauses(value);
}

/** A whole chunk; causes come encoded. */
export function encodeError(causes: readonly Uint8Array[]): Uint8Array {
  return wrapChunk(ChunkType.error, 0, concatCauses(causes));
}
