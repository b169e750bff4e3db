import { CauseCode, encodeCause } from "./error-cause.ts";

/**
 * The causes that carry bytes or text as they are, or nothing (RFC 9260 §3.3.10.4, .6, .7, .8, .10, .12, .13).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Cause Code           |     Cause Length = Variable   |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * /                           Information                         /
 */
const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

/** Bytes of a reason that are sent: the whole has to fit a packet. */
const MAX_REASON_BYTES = 512;
/** Bytes of an unrecognized chunk or parameter that are sent back. */
const MAX_RETURNED_BYTES = 256;

/** Out of Resource (§3.3.10.4). */
export function encodeOutOfResource(): Uint8Array {
  return encodeCause(CauseCode.outOfResource, NOTHING);
}

/** Unrecognized Chunk Type (§3.3.10.6): the chunk, or its beginning. */
export function encodeUnrecognizedChunkType(chunk: Uint8Array): Uint8Array {
  return encodeCause(CauseCode.unrecognizedChunkType, chunk.subarray(0, MAX_RETURNED_BYTES));
}

/** Invalid Mandatory Parameter (§3.3.10.7). */
export function encodeInvalidMandatoryParameter(): Uint8Array {
  return encodeCause(CauseCode.invalidMandatoryParameter, NOTHING);
}

/** Unrecognized Parameters (§3.3.10.8): one whole parameter. */
export function encodeUnrecognizedParameters(parameter: Uint8Array): Uint8Array {
  return encodeCause(CauseCode.unrecognizedParameters, parameter.subarray(0, MAX_RETURNED_BYTES));
}

/** Cookie Received While Shutting Down (§3.3.10.10). */
export function encodeCookieReceivedWhileShuttingDown(): Uint8Array {
  return encodeCause(CauseCode.cookieReceivedWhileShuttingDown, NOTHING);
}

/** User-Initiated Abort (§3.3.10.12). */
export function encodeUserInitiatedAbort(reason: string): Uint8Array {
  return encodeCause(CauseCode.userInitiatedAbort, encoder.encode(reason).subarray(0, MAX_REASON_BYTES));
}

/** Protocol Violation (§3.3.10.13). */
export function encodeProtocolViolation(reason: string): Uint8Array {
  return encodeCause(CauseCode.protocolViolation, encoder.encode(reason).subarray(0, MAX_REASON_BYTES));
}
