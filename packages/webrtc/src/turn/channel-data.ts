import { readUint16, writeUint16 } from "../bytes/index.ts";

/**
 * Application data on a bound channel (RFC 8656 §12.4): the whole overhead of a relayed packet.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Channel Number        |            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Application Data                        |
 *
 * Length counts the data alone. Over a stream the whole is padded to a multiple of 4 bytes (§12.5); over UDP it may be.
 */
export const CHANNEL_DATA_HEADER_BYTES = 4;

/** The channel numbers a client may bind (RFC 8656 §12). */
export const FIRST_CHANNEL_NUMBER = 0x4000;
export const LAST_CHANNEL_NUMBER = 0x4fff;

/**
 * The last channel number of RFC 5766 §11: clients older than RFC 8656 choose from 0x4000 to here, and a server may let
 * them. First bytes from 80 to 127 belong to no other protocol on such a port (RFC 7983 §7).
 */
export const LAST_OLD_CHANNEL_NUMBER = 0x7fff;

/** Most data of one message: its length field has 16 bits. */
export const MAX_CHANNEL_DATA_BYTES = 0xffff;

/** Whether `number` is one that a client binds (RFC 8656 §12.2). */
export function isChannelNumber(number: number): boolean {
  return Number.isInteger(number) && number >= FIRST_CHANNEL_NUMBER && number <= LAST_CHANNEL_NUMBER;
}

/**
 * Whether a datagram, or a frame of a stream, is ChannelData: a first byte from 64 to 79 (RFC 8656 §12), or up to 127 as in
 * RFC 5766 §11, and no more data announced than there is. Padding and what else follows the data is no part of it (§12.5).
 */
export function isChannelData(bytes: Uint8Array): boolean {
  return (
    bytes.length >= CHANNEL_DATA_HEADER_BYTES &&
    bytes[0]! >>> 6 === 1 &&
    CHANNEL_DATA_HEADER_BYTES + readUint16(bytes, 2) <= bytes.length
  );
}

/** The channel of a message for which {@link isChannelData} holds. */
export function channelNumberOf(bytes: Uint8Array): number {
  return readUint16(bytes, 0);
}

/** Where the data of a message ends, for which {@link isChannelData} holds; it starts after the header. */
export function channelDataEnd(bytes: Uint8Array): number {
  return CHANNEL_DATA_HEADER_BYTES + readUint16(bytes, 2);
}

/**
 * Writes the header at `offset`, in front of `length` bytes of data that the caller puts behind it.
 *
 * @param channel - A bound channel's number.
 * @param length - At most {@link MAX_CHANNEL_DATA_BYTES}.
 */
export function writeChannelDataHeader(
  target: Uint8Array,
  offset: number,
  channel: number,
  length: number,
): void {
  writeUint16(target, offset, channel);
  writeUint16(target, offset + 2, length);
}

/** Length of a message with `length` bytes of data as it is sent over a stream, padding included (RFC 8656 §12.5). */
export function paddedChannelDataBytes(length: number): number {
  return (CHANNEL_DATA_HEADER_BYTES + length + 3) & ~3;
}
