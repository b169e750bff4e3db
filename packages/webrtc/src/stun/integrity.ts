import type { Hmac } from "../crypto/index.ts";

/**
 * The three attributes that end a message and cover what precedes them. They are written by the builder
 * and checked by the message, since their values depend on all the rest.
 */

/** HMAC-SHA1, 20 bytes (RFC 8489 §14.5). */
export const MESSAGE_INTEGRITY_TYPE = 0x0008;

/** HMAC-SHA256, 32 bytes (RFC 8489 §14.6). */
export const MESSAGE_INTEGRITY_SHA256_TYPE = 0x001c;

/** SHA-1's length: the key's MAC size tells which of the two attributes it makes. */
const SHA1_BYTES = 20;

/** The attribute that carries what `key` computes. */
export function integrityType(key: Hmac): number {
  return key.size === SHA1_BYTES ? MESSAGE_INTEGRITY_TYPE : MESSAGE_INTEGRITY_SHA256_TYPE;
}

/** CRC-32 of everything before it (RFC 8489 §14.7). */
export const FINGERPRINT_TYPE = 0x8028;

/** Length of the FINGERPRINT value. */
export const FINGERPRINT_BYTES = 4;

/** "STUN" in ASCII: keeps the checksum from meaning something to a protocol that also ends in a CRC-32. */
export const FINGERPRINT_XOR = 0x5354_554e;
