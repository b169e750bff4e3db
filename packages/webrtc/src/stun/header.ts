import { readUint16, readUint32 } from "../bytes/index.ts";

/**
 * The header of every STUN message (RFC 8489 §5).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |0 0|     STUN Message Type     |         Message Length        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         Magic Cookie                          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                     Transaction ID (96 bits)                  |
 * |                                                               |
 * |                                                               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * Message Length counts what follows the header and is a multiple of 4.
 */
export const STUN_HEADER_BYTES = 20;

/** Fixed value that tells STUN from everything else (RFC 8489 §5). */
export const STUN_MAGIC_COOKIE = 0x2112_a442;

/** Where the transaction id lies in a message. */
export const TRANSACTION_ID_OFFSET = 8;

/** Length of a transaction id: 96 bits. */
export const TRANSACTION_ID_BYTES = 12;

/** Length of an attribute's own header: 16-bit type, 16-bit length. */
export const ATTRIBUTE_HEADER_BYTES = 4;

/** Attribute values are padded to 32-bit boundaries; the padding is not part of their length (RFC 8489 §14). */
export function paddedLength(length: number): number {
  return (length + 3) & ~3;
}

/**
 * Whether bytes begin as a STUN message: first two bits zero, and the magic cookie in its place (RFC 8489 §6.3).
 *
 * @param bytes - At least 8 of them.
 */
export function hasStunHeader(bytes: Uint8Array): boolean {
  return bytes[0]! < 4 && readUint32(bytes, 4) === STUN_MAGIC_COOKIE;
}

/**
 * Whether a datagram is STUN and not DTLS, RTP or a TURN channel (RFC 7983 §7): a cheap look before decoding.
 */
export function looksLikeStun(bytes: Uint8Array): boolean {
  return (
    bytes.length >= STUN_HEADER_BYTES &&
    hasStunHeader(bytes) &&
    readUint16(bytes, 2) + STUN_HEADER_BYTES === bytes.length
  );
}
