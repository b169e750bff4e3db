import { copyBytes, readUint16, writeUint16 } from "../../bytes/index.ts";
import { paddedLength } from "../header.ts";
import type { StunAttribute } from "./attribute.ts";

/** Numbers of the algorithms that turn a password into a key (RFC 8489 §18.5). */
export const PasswordAlgorithm = { md5: 0x0001, sha256: 0x0002 } as const;

/** An algorithm and its parameters: MD5 and SHA-256 have none. */
export interface PasswordAlgorithmValue {
  readonly algorithm: number;
  readonly parameters: Uint8Array;
}

/**
 * One entry (RFC 8489 §14.12); PASSWORD-ALGORITHMS (§14.11) is a list of them in the server's order of preference.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Algorithm            |  Algorithm Parameters Length  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                    Algorithm Parameters (variable)
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
const ENTRY_HEADER_BYTES = 4;

function entrySize(value: PasswordAlgorithmValue): number {
  return ENTRY_HEADER_BYTES + paddedLength(value.parameters.length);
}

function encodeEntry(value: PasswordAlgorithmValue, target: Uint8Array, offset: number): void {
  writeUint16(target, offset, value.algorithm);
  writeUint16(target, offset + 2, value.parameters.length);
  target.fill(0, offset + ENTRY_HEADER_BYTES, offset + entrySize(value));
  target.set(value.parameters, offset + ENTRY_HEADER_BYTES);
}

/** The entry at `offset`, or undefined when it reaches beyond `end`. */
function decodeEntry(bytes: Uint8Array, offset: number, end: number): PasswordAlgorithmValue | undefined {
  if (offset + ENTRY_HEADER_BYTES > end) return undefined;
  const length = readUint16(bytes, offset + 2);
  const start = offset + ENTRY_HEADER_BYTES;
  if (start + length > end) return undefined;
  return { algorithm: readUint16(bytes, offset), parameters: copyBytes(bytes, start, start + length) };
}

/** The algorithm the client chose (RFC 8489 §14.12). */
export const PASSWORD_ALGORITHM: StunAttribute<PasswordAlgorithmValue> = {
  type: 0x001d,
  name: "PASSWORD-ALGORITHM",
  size: entrySize,
  encode: encodeEntry,
  decode(bytes, offset, length) {
    const entry = decodeEntry(bytes, offset, offset + length);
    if (entry === undefined) return undefined;
    // Some count the padding of the parameters in the attribute, some do not.
    const unpadded = ENTRY_HEADER_BYTES + entry.parameters.length;
    return length === unpadded || length === entrySize(entry) ? entry : undefined;
  },
};

/** Sixteen algorithms without parameters. A client sends the list back, so whoever sends a long one decides what leaves here. */
const MAX_LIST_BYTES = 64;

/** The algorithms the server offers, the preferred first (RFC 8489 §14.11). */
export const PASSWORD_ALGORITHMS: StunAttribute<readonly PasswordAlgorithmValue[]> = {
  type: 0x8002,
  name: "PASSWORD-ALGORITHMS",
  size: (value) => value.reduce((total, entry) => total + entrySize(entry), 0),
  encode(value, target, offset) {
    let position = offset;
    for (const entry of value) {
      encodeEntry(entry, target, position);
      position += entrySize(entry);
    }
  },
  decode(bytes, offset, length) {
    if (length > MAX_LIST_BYTES) return undefined;
    const entries: PasswordAlgorithmValue[] = [];
    const end = offset + length;
    let position = offset;
    while (position < end) {
      const entry = decodeEntry(bytes, position, end);
      if (entry === undefined) return undefined;
      entries.push(entry);
      position += entrySize(entry);
    }
    return entries;
  },
};
