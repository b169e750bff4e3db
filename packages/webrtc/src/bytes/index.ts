/**
 * Bytes of the wire: integers, serial numbers, checksums, addresses.
 *
 * @module
 */
export { copyBytes } from "./copy.ts";
export { crc32 } from "./crc32.ts";
export type { IncomingDatagram, OutgoingDatagram, SocketId } from "./datagram.ts";
export { fromHex, toHex } from "./hex.ts";
export {
  equalBytes,
  readUint16,
  readUint32,
  readUint64,
  writeUint16,
  writeUint32,
  writeUint64,
} from "./integers.ts";
export { IpAddress, type IpFamily } from "./ip-address.ts";
export { add16, add32, distance16, distance32, isAfter16, isAfter32 } from "./sequence.ts";
export { TransportAddress } from "./transport-address.ts";
export { utf8Length } from "./utf8.ts";
