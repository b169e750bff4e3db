import { utf8Length, writeUint32 } from "../../bytes/index.ts";
import type { StunAttribute } from "./attribute.ts";

/** Why a request was refused. */
export interface StunErrorValue {
  /** 300 to 699. */
  readonly code: number;
  /** Reason phrase, fewer than 128 characters; for people, not for programs. */
  readonly reason: string;
}

/**
 * Error code and reason phrase (RFC 8489 §14.8). ADDRESS-ERROR-CODE (RFC 8656 §18.12) has the same structure with an
 * address family in its first byte.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           Reserved, should be 0         |Class|     Number    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |      Reason Phrase (variable)                                ..
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
const REASON_OFFSET = 4;

/** Fewer than 128 characters, which can be 763 bytes when decoding (RFC 8489 §14.8). */
const MAX_REASON_BYTES = 763;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads the structure at `offset`; undefined when it is none. */
export function decodeErrorValue(
  bytes: Uint8Array,
  offset: number,
  length: number,
): StunErrorValue | undefined {
  if (length < REASON_OFFSET || length > REASON_OFFSET + MAX_REASON_BYTES) return undefined;
  const errorClass = bytes[offset + 2]! & 0x07;
  const number = bytes[offset + 3]!;
  if (errorClass < 3 || errorClass > 6 || number > 99) return undefined;
  // A reason is for people: ill-formed UTF-8 in it is shown with replacement characters, not refused.
  const reason = decoder.decode(bytes.subarray(offset + REASON_OFFSET, offset + length));
  return { code: errorClass * 100 + number, reason };
}

/** Writes the structure, with its reserved bits 0. */
export function encodeErrorValue(value: StunErrorValue, target: Uint8Array, offset: number): void {
  writeUint32(target, offset, (Math.floor(value.code / 100) << 8) | (value.code % 100));
  encoder.encodeInto(value.reason, target.subarray(offset + REASON_OFFSET));
}

/** Length of the encoded structure. */
export function errorValueSize(value: StunErrorValue): number {
  const reasonBytes = utf8Length(value.reason);
  if (
    Number.isInteger(value.code) &&
    value.code >= 300 &&
    value.code < 700 &&
    reasonBytes <= MAX_REASON_BYTES
  ) {
    return REASON_OFFSET + reasonBytes;
  }
  throw new RangeError(
    `a STUN error has a code from 300 to 699 and a reason of at most 763 bytes, got ${value.code} and ${reasonBytes} bytes`,
  );
}

export const ERROR_CODE: StunAttribute<StunErrorValue> = {
  type: 0x0009,
  name: "ERROR-CODE",
  size: errorValueSize,
  encode: encodeErrorValue,
  decode: decodeErrorValue,
};
