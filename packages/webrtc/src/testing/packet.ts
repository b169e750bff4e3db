import type { TransportAddress } from "../bytes/index.ts";
import type { LadderEntry } from "./ladder.ts";

export type TransportProtocol = "udp" | "tcp";

/** A packet on the simulated network. Its addresses change on the way through NATs; its bytes never do. */
export interface Packet {
  readonly protocol: TransportProtocol;
  source: TransportAddress;
  destination: TransportAddress;
  /** The payload. Shared by everyone who sees the packet: not to be written to. */
  readonly bytes: Uint8Array;
  /** The TCP header, for `tcp`. */
  readonly segment: TcpSegment | undefined;
  /** What the ladder says about it. */
  readonly entry: LadderEntry;
  /** Routers it may still pass: a routing loop ends like on any network. */
  hopsLeft: number;
}

/** The TCP header fields the simulation uses. Sequence numbers start at 0 and do not wrap. */
export interface TcpSegment {
  readonly flags: "SYN" | "SYN-ACK" | "ACK" | "FIN" | "RST";
  readonly sequence: number;
  readonly ack: number;
  /** The bytes belong to the opaque TLS handshake, not to the application. */
  readonly isHandshake: boolean;
  /** With SYN-ACK: the certificate of a listener that speaks TLS. */
  readonly certificate: string | undefined;
}

/** RFC 1812 §5.3.1 leaves the start value to hosts; 64 is what they use. */
export const INITIAL_HOPS = 64;

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const UDP_HEADER_BYTES = 8;
const TCP_HEADER_BYTES = 20;

/** Size of the whole IP packet, which is what links count. */
export function ipPacketBytes(packet: Packet): number {
  const ipHeader = packet.destination.family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  return ipHeader + (packet.protocol === "udp" ? UDP_HEADER_BYTES : TCP_HEADER_BYTES) + packet.bytes.length;
}

/** The same packet once more: a link duplicated it, and a NAT will rewrite the two apart. */
export function copyPacket(packet: Packet): Packet {
  return { ...packet };
}
