import { readUint16, writeUint16 } from "../../bytes/index.ts";
import type { StunAttribute } from "./attribute.ts";

/** As many as a message has attributes. */
const MAX_TYPES = 64;

/**
 * The types that the server did not understand, in a 420 answer (RFC 8489 §14.13).
 *
 * |      Attribute 1 Type         |       Attribute 2 Type        | …
 */
export const UNKNOWN_ATTRIBUTES: StunAttribute<readonly number[]> = {
  type: 0x000a,
  name: "UNKNOWN-ATTRIBUTES",
  size: (value) => value.length * 2,
  encode(value, target, offset) {
    for (const [i, type] of value.entries()) writeUint16(target, offset + i * 2, type);
  },
  decode(bytes, offset, length) {
    if (length % 2 !== 0 || length > MAX_TYPES * 2) return undefined;
    return Array.from({ length: length / 2 }, (_, i) => readUint16(bytes, offset + i * 2));
  },
};
