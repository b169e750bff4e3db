import { readUint16, writeUint16, writeUint32 } from "../../bytes/index.ts";
import type { StunAttribute } from "./attribute.ts";

/**
 * A 16-bit number followed by 16 reserved bits.
 *
 * |           Number              |     Reserved, sent as 0       |
 */
function uint16Attribute(type: number, name: string): StunAttribute<number> {
  return {
    type,
    name,
    size: () => 4,
    encode(value, target, offset) {
      writeUint32(target, offset, 0);
      writeUint16(target, offset, value);
    },
    decode: (bytes, offset, length) => (length === 4 ? readUint16(bytes, offset) : undefined),
  };
}

/** Channel of a peer, 0x4000 to 0x4fff (RFC 8656 §18.1). */
export const CHANNEL_NUMBER: StunAttribute<number> = uint16Attribute(0x000c, "CHANNEL-NUMBER");
/** Port that the answer shall be sent to (RFC 5780 §7.5). */
export const RESPONSE_PORT: StunAttribute<number> = uint16Attribute(0x0027, "RESPONSE-PORT");
