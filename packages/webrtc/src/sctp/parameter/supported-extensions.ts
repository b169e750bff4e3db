import { encodeParameter, ParameterType } from "./parameter.ts";

/**
 * Supported Extensions (RFC 5061 §4.2.7): the chunk types beyond RFC 9260 that the sender understands.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |    Parameter Type = 0x8008    |      Parameter Length         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | CHUNK TYPE 1  |  CHUNK TYPE 2 |  CHUNK TYPE 3 |  CHUNK TYPE 4 |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export function encodeSupportedExtensions(chunkTypes: readonly number[]): Uint8Array {
  return encodeParameter(ParameterType.supportedExtensions, Uint8Array.from(chunkTypes));
}

/** The chunk types named. */
export function decodeSupportedExtensions(value: Uint8Array): readonly number[] {
  return [...new Set(value)];
}
