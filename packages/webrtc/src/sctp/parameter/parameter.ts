import { readUint16, writeUint16 } from "../../bytes/index.ts";
import { paddedLength } from "../chunk/chunk.ts";

/**
 * What every parameter begins with (RFC 9260 §3.2.1). Error causes have the same structure (§3.3.10).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |        Parameter Type         |       Parameter Length        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                       Parameter Value                         \
 *
 * The length counts the header and the value, not the padding to 32 bits.
 */
export const PARAMETER_HEADER_BYTES = 4;

/** Parameter types (RFC 9260 §3.3, RFC 6525 §4, RFC 9653 §4, RFC 5061 §4.2, RFC 3758 §3.1). */
export const ParameterType = {
  heartbeatInfo: 0x0001,
  ipv4Address: 0x0005,
  ipv6Address: 0x0006,
  stateCookie: 0x0007,
  unrecognizedParameter: 0x0008,
  cookiePreservative: 0x0009,
  hostNameAddress: 0x000b,
  supportedAddressTypes: 0x000c,
  outgoingSsnReset: 0x000d,
  incomingSsnReset: 0x000e,
  ssnTsnReset: 0x000f,
  reconfigResponse: 0x0010,
  addOutgoingStreams: 0x0011,
  addIncomingStreams: 0x0012,
  zeroChecksumAcceptable: 0x8001,
  supportedExtensions: 0x8008,
  forwardTsnSupported: 0xc000,
} as const;

/** RFC 9260 §3.2.1: with the highest bit of an unknown type set, it is skipped; else the rest is left alone. */
export function shouldSkipUnknownParameter(type: number): boolean {
  return (type & 0x8000) !== 0;
}

/** RFC 9260 §3.2.1: with the second highest bit of an unknown type set, it is reported to the sender. */
export function shouldReportUnknownParameter(type: number): boolean {
  return (type & 0x4000) !== 0;
}

/** A whole parameter, padded with zeroes. */
export function encodeParameter(type: number, value: Uint8Array): Uint8Array {
  const parameter = createParameter(type, value.length);
  parameter.set(value, PARAMETER_HEADER_BYTES);
  return parameter;
}

/** A new parameter with room for `valueBytes` behind its header. */
export function createParameter(type: number, valueBytes: number): Uint8Array {
  const parameter = new Uint8Array(paddedLength(PARAMETER_HEADER_BYTES + valueBytes));
  writeUint16(parameter, 0, type);
  writeUint16(parameter, 2, PARAMETER_HEADER_BYTES + valueBytes);
  return parameter;
}

/** Walks parameters or error causes. */
export class ParameterCursor {
  readonly #bytes: Uint8Array;
  #next = 0;
  type = 0;
  /** Value of the current parameter, without header and padding: a view. */
  value: Uint8Array = new Uint8Array(0);
  /** The current parameter with its header, without padding: a view. */
  whole: Uint8Array = new Uint8Array(0);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Moves on. The last parameter may lack its padding. */
  next(): "parameter" | "end" | "bad-length" {
    const bytes = this.#bytes;
    const offset = this.#next;
    if (offset >= bytes.length) return "end";
    if (offset + PARAMETER_HEADER_BYTES > bytes.length) return "bad-length";
    const length = readUint16(bytes, offset + 2);
    if (length < PARAMETER_HEADER_BYTES || offset + length > bytes.length) return "bad-length";
    this.type = readUint16(bytes, offset);
    this.value = bytes.subarray(offset + PARAMETER_HEADER_BYTES, offset + length);
    this.whole = bytes.subarray(offset, offset + length);
    this.#next = offset + paddedLength(length);
    return "parameter";
  }
}
