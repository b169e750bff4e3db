import { readUint32, readUint64, writeUint32, writeUint64 } from "../../bytes/index.ts";
import type { StunAttribute } from "./attribute.ts";

/** An unsigned 32-bit integer. */
function uint32Attribute(type: number, name: string): StunAttribute<number> {
  return {
    type,
    name,
    size: () => 4,
    encode: (value, target, offset) => writeUint32(target, offset, value),
    decode: (bytes, offset, length) => (length === 4 ? readUint32(bytes, offset) : undefined),
  };
}

/** An unsigned 64-bit integer. */
function uint64Attribute(type: number, name: string): StunAttribute<bigint> {
  return {
    type,
    name,
    size: () => 8,
    encode: (value, target, offset) => writeUint64(target, offset, value),
    decode: (bytes, offset, length) => (length === 8 ? readUint64(bytes, offset) : undefined),
  };
}

/** Priority a peer-reflexive candidate found by this check would have (RFC 8445 §7.1.1). */
export const PRIORITY: StunAttribute<number> = uint32Attribute(0x0024, "PRIORITY");
/** Tie-breaker of a sender in the controlled role (RFC 8445 §7.1.3). */
export const ICE_CONTROLLED: StunAttribute<bigint> = uint64Attribute(0x8029, "ICE-CONTROLLED");
/** Tie-breaker of a sender in the controlling role (RFC 8445 §7.1.3). */
export const ICE_CONTROLLING: StunAttribute<bigint> = uint64Attribute(0x802a, "ICE-CONTROLLING");
/** Renomination: the nomination with the highest value wins (draft-thatcher-ice-renomination §4). */
export const NOMINATION: StunAttribute<number> = uint32Attribute(0xc001, "NOMINATION");
/** Seconds an allocation has, or asks, to live (RFC 8656 §18.2). */
export const LIFETIME: StunAttribute<number> = uint32Attribute(0x000d, "LIFETIME");
/** Names a TCP connection to a peer (RFC 6062 §6.2.1). */
export const CONNECTION_ID: StunAttribute<number> = uint32Attribute(0x002a, "CONNECTION-ID");
