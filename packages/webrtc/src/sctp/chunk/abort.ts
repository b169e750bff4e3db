import { concatCauses, decodeErrorCauses, type ErrorCause } from "../error-cause/error-cause.ts";
import { ChunkType, wrapChunk } from "./chunk.ts";

/**
 * ABORT (RFC 9260 §3.3.7).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 6    |  Reserved   |T|            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                   zero or more Error Causes                   \
 */
export interface AbortChunk {
  /** The T bit: the sender has no association and returned the tag that the packet had (RFC 9260 §8.5.1). */
  readonly isTagReflected: boolean;
  readonly causes: readonly ErrorCause[];
}

/** The T bit of ABORT and SHUTDOWN COMPLETE. */
export const TAG_REFLECTED = 0x01;

/** Reads a chunk value. Causes that cannot be read are left out: an ABORT counts whatever it carries. */
export function decodeAbort(value: Uint8Array, flags: number): AbortChunk {
  return { isTagReflected: (flags & TAG_REFLECTED) !== 0, causes: decodeErrorCauses(value) ?? [] };
}

/** A whole chunk; causes come encoded. */
export function encodeAbort(causes: readonly Uint8Array[], isTagReflected = false): Uint8Array {
  return wrapChunk(ChunkType.abort, isTagReflected ? TAG_REFLECTED : 0, concatCauses(causes));
}
