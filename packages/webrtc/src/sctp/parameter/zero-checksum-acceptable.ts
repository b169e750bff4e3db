import { readUint32, writeUint32 } from "../../bytes/index.ts";
import { createParameter, PARAMETER_HEADER_BYTES, ParameterType } from "./parameter.ts";

/**
 * Zero Checksum Acceptable (RFC 9653 §4): the sender takes packets with a checksum of zero, since something else
 * protects them.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Type = 0x8001         |          Length = 8           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           Error Detection Method Identifier (EDMID)           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export const DTLS_ERROR_DETECTION = 1;

export function encodeZeroChecksumAcceptable(errorDetectionMethod: number): Uint8Array {
  const parameter = createParameter(ParameterType.zeroChecksumAcceptable, 4);
  writeUint32(parameter, PARAMETER_HEADER_BYTES, errorDetectionMethod);
  return parameter;
}

/** The error detection method; undefined when the value is not 4 bytes. */
export function decodeZeroChecksumAcceptable(value: Uint8Array): number | undefined {
  return value.length === 4 ? readUint32(value, 0) : undefined;
}
