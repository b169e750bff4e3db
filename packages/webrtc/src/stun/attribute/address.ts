import { copyBytes, IpAddress, readUint16, TransportAddress, writeUint16 } from "../../bytes/index.ts";
import { STUN_MAGIC_COOKIE } from "../header.ts";
import type { StunAttribute } from "./attribute.ts";

/**
 * A transport address, plain (RFC 8489 §14.1) or masked so that NATs which rewrite addresses in payloads leave it
 * alone (§14.2): the port with the upper half of the magic cookie, the address with the cookie and transaction id.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |0 0 0 0 0 0 0 0|    Family     |         (X-)Port              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                (X-)Address (32 bits or 128 bits)              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
const ADDRESS_OFFSET = 4;

/** Family numbers (RFC 8489 §14.1). */
const FAMILY_IPV4 = 0x01;
const FAMILY_IPV6 = 0x02;

const PORT_MASK = STUN_MAGIC_COOKIE >>> 16;

/** Cookie and transaction id lie side by side in the header: one 16-byte mask. */
const MASK_OFFSET = 4;

function addressAttribute(type: number, name: string, masked: boolean): StunAttribute<TransportAddress> {
  return {
    type,
    name,
    size: (value) => ADDRESS_OFFSET + value.ip.bytes.length,
    encode(value, target, offset, messageStart) {
      const { bytes, family } = value.ip;
      target[offset] = 0;
      target[offset + 1] = family === 4 ? FAMILY_IPV4 : FAMILY_IPV6;
      writeUint16(target, offset + 2, masked ? value.port ^ PORT_MASK : value.port);
      for (let i = 0; i < bytes.length; i++) {
        const mask = masked ? target[messageStart + MASK_OFFSET + i]! : 0;
        target[offset + ADDRESS_OFFSET + i] = bytes[i]! ^ mask;
      }
    },
    decode(bytes, offset, length, messageStart) {
      if (length < ADDRESS_OFFSET) return undefined;
      const family = bytes[offset + 1];
      const size = family === FAMILY_IPV4 ? 4 : family === FAMILY_IPV6 ? 16 : 0;
      if (size === 0 || length !== ADDRESS_OFFSET + size) return undefined;
      const address = copyBytes(bytes, offset + ADDRESS_OFFSET, offset + length);
      if (masked) for (let i = 0; i < size; i++) address[i]! ^= bytes[messageStart + MASK_OFFSET + i]!;
      const port = readUint16(bytes, offset + 2);
      return new TransportAddress(IpAddress.fromBytes(address), masked ? port ^ PORT_MASK : port);
    },
  };
}

/** Reflexive address without a mask, for RFC 3489 clients (RFC 8489 §14.1). */
export const MAPPED_ADDRESS: StunAttribute<TransportAddress> = addressAttribute(
  0x0001,
  "MAPPED-ADDRESS",
  false,
);
/** Where the request came from, as the server saw it (RFC 8489 §14.2). */
export const XOR_MAPPED_ADDRESS: StunAttribute<TransportAddress> = addressAttribute(
  0x0020,
  "XOR-MAPPED-ADDRESS",
  true,
);
/** The peer that data came from or goes to (RFC 8656 §18.3). */
export const XOR_PEER_ADDRESS: StunAttribute<TransportAddress> = addressAttribute(
  0x0012,
  "XOR-PEER-ADDRESS",
  true,
);
/** The address allocated on the relay (RFC 8656 §18.5). */
export const XOR_RELAYED_ADDRESS: StunAttribute<TransportAddress> = addressAttribute(
  0x0016,
  "XOR-RELAYED-ADDRESS",
  true,
);
/** Another server to try (RFC 8489 §14.15). */
export const ALTERNATE_SERVER: StunAttribute<TransportAddress> = addressAttribute(
  0x8023,
  "ALTERNATE-SERVER",
  false,
);
/** Where the server sent the answer from (RFC 5780 §7.3). */
export const RESPONSE_ORIGIN: StunAttribute<TransportAddress> = addressAttribute(
  0x802b,
  "RESPONSE-ORIGIN",
  false,
);
/** The server's second address and port (RFC 5780 §7.4). */
export const OTHER_ADDRESS: StunAttribute<TransportAddress> = addressAttribute(
  0x802c,
  "OTHER-ADDRESS",
  false,
);
