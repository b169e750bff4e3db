import type { StunAttribute } from "./attribute.ts";

/** Bytes that mean nothing here; `exactBytes` where the standard fixes their number. Decoding lends a view. */
function opaqueAttribute(type: number, name: string, exactBytes?: number): StunAttribute<Uint8Array> {
  return {
    type,
    name,
    size: (value) => value.length,
    encode: (value, target, offset) => target.set(value, offset),
    decode(bytes, offset, length) {
      if (exactBytes !== undefined && length !== exactBytes) return undefined;
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** SHA-256 of `username:realm`, instead of USERNAME (RFC 8489 §14.4). */
export const USERHASH: StunAttribute<Uint8Array> = opaqueAttribute(0x001e, "USERHASH", 32);
/** Application data, relayed (RFC 8656 §18.4). */
export const DATA: StunAttribute<Uint8Array> = opaqueAttribute(0x0013, "DATA");
/** Claims a port that EVEN-PORT reserved (RFC 8656 §18.10). */
export const RESERVATION_TOKEN: StunAttribute<Uint8Array> = opaqueAttribute(0x0022, "RESERVATION-TOKEN", 8);
/** Filler that makes a packet as large as wanted (RFC 5780 §7.6). */
export const PADDING: StunAttribute<Uint8Array> = opaqueAttribute(0x0026, "PADDING");
