import { readUint32, writeUint16, writeUint32 } from "../bytes/index.ts";
import { crc32c, finishCrc32c, startCrc32c, updateCrc32c } from "../kernel/index.ts";

/**
 * The common header of every SCTP packet (RFC 9260 §3.1).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |      Source Port Number       |    Destination Port Number    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Verification Tag                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                           Checksum                            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export const COMMON_HEADER_BYTES = 12;

const VERIFICATION_TAG_OFFSET = 4;
const CHECKSUM_OFFSET = 8;

/** The checksum is computed over a packet whose checksum field is zero (RFC 9260 §6.8). */
const ZEROES = new Uint8Array(4);

/** Writes the header at `offset`, with a checksum of zero. */
export function writeCommonHeader(
  bytes: Uint8Array,
  offset: number,
  sourcePort: number,
  destinationPort: number,
  verificationTag: number,
): void {
  writeUint16(bytes, offset, sourcePort);
  writeUint16(bytes, offset + 2, destinationPort);
  writeUint32(bytes, offset + VERIFICATION_TAG_OFFSET, verificationTag);
  writeUint32(bytes, offset + CHECKSUM_OFFSET, 0);
}

/** Writes the checksum of the packet `bytes[start, end)`, whose checksum field is zero. */
export function writeChecksum(bytes: Uint8Array, start: number, end: number): void {
  const checksum = crc32c(bytes, start, end);
  // RFC 9260 Appendix A: the least significant byte is sent first.
  bytes[start + CHECKSUM_OFFSET] = checksum;
  bytes[start + CHECKSUM_OFFSET + 1] = checksum >>> 8;
  bytes[start + CHECKSUM_OFFSET + 2] = checksum >>> 16;
  bytes[start + CHECKSUM_OFFSET + 3] = checksum >>> 24;
}

/** The verification tag of a packet of at least 12 bytes. */
export function readVerificationTag(bytes: Uint8Array): number {
  return readUint32(bytes, VERIFICATION_TAG_OFFSET);
}

/** Whether the checksum field is zero, which a peer may send that was told so (RFC 9653). */
export function hasZeroChecksum(bytes: Uint8Array): boolean {
  return readUint32(bytes, CHECKSUM_OFFSET) === 0;
}

/** Whether the checksum is that of the packet, which has at least 12 bytes. */
export function hasValidChecksum(bytes: Uint8Array): boolean {
  let state = updateCrc32c(startCrc32c(), bytes, 0, CHECKSUM_OFFSET);
  state = updateCrc32c(state, ZEROES, 0, ZEROES.length);
  const expected = finishCrc32c(updateCrc32c(state, bytes, COMMON_HEADER_BYTES, bytes.length));
  const found =
    bytes[CHECKSUM_OFFSET]! |
    (bytes[CHECKSUM_OFFSET + 1]! << 8) |
    (bytes[CHECKSUM_OFFSET + 2]! << 16) |
    (bytes[CHECKSUM_OFFSET + 3]! << 24);
  return found >>> 0 === expected;
}
