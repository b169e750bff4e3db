import { type IpAddress, type TransportAddress, toHex, writeUint16, writeUint32 } from "../bytes/index.ts";
import type { LadderEntry } from "./ladder.ts";
import type { TcpSegment } from "./packet.ts";
import { VIRTUAL_EPOCH } from "./virtual-clock.ts";

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

/** The packets as hex dumps of raw IP packets (link type 101), each after its time in ISO form. */
export function renderText2pcap(entries: readonly LadderEntry[]): string {
  const lines = ["# text2pcap -l 101 -t ISO <this file> <pcap file>"];
  for (const entry of entries) {
    const { source, destination } = entry;
    if (source === undefined || destination === undefined) continue;
    lines.push(renderTimestamp(entry.sentAt));
    const packet = encodeIpPacket(entry, source, destination);
    for (let offset = 0; offset < packet.length; offset += 16) {
      const bytes = toHex(packet.subarray(offset, offset + 16)).replace(/../g, " $&");
      lines.push(`${offset.toString(16).padStart(6, "0")}${bytes}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function renderTimestamp(sentAt: number): string {
  const whole = Math.floor(sentAt);
  const micros = Math.floor((sentAt - whole) * 1000);
  const iso = new Date(VIRTUAL_EPOCH + whole).toISOString();
  return iso.replace("Z", `${micros.toString().padStart(3, "0")}Z`);
}

function encodeIpPacket(
  entry: LadderEntry,
  source: TransportAddress,
  destination: TransportAddress,
): Uint8Array {
  const ports = Uint8Array.of(source.port >> 8, source.port, destination.port >> 8, destination.port);
  const transport =
    entry.segment === undefined
      ? encodeUdp(ports, entry.bytes)
      : encodeTcp(ports, entry.bytes, entry.segment);
  const protocol = entry.segment === undefined ? PROTOCOL_UDP : PROTOCOL_TCP;
  const checksum = transportChecksum(source.ip, destination.ip, protocol, transport);
  // RFC 768: a computed checksum of zero is sent as all ones.
  if (protocol === PROTOCOL_UDP) writeUint16(transport, 6, checksum === 0 ? 0xffff : checksum);
  else writeUint16(transport, 16, checksum);
  const header =
    destination.family === 4
      ? encodeIpv4Header(source.ip, destination.ip, protocol, transport.length)
      : encodeIpv6Header(source.ip, destination.ip, protocol, transport.length);
  return concat(header, transport);
}

/** RFC 791 §3.1, without options. */
function encodeIpv4Header(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  length: number,
): Uint8Array {
  const header = new Uint8Array(20);
  header[0] = 0x45;
  writeUint16(header, 2, 20 + length);
  header[8] = 64;
  header[9] = protocol;
  header.set(source.bytes, 12);
  header.set(destination.bytes, 16);
  writeUint16(header, 10, finishChecksum(sumWords(header, 0)));
  return header;
}

/** RFC 8200 §3. */
function encodeIpv6Header(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  length: number,
): Uint8Array {
  const header = new Uint8Array(40);
  header[0] = 0x60;
  writeUint16(header, 4, length);
  header[6] = protocol;
  header[7] = 64;
  header.set(source.bytes, 8);
  header.set(destination.bytes, 24);
  return header;
}

/** RFC 768. */
function encodeUdp(ports: Uint8Array, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(8);
  header.set(ports);
  writeUint16(header, 4, 8 + payload.length);
  return concat(header, payload);
}

/** RFC 9293 §3.1. */
const TCP_FLAG_BITS = { SYN: 0x02, "SYN-ACK": 0x12, ACK: 0x10, FIN: 0x11, RST: 0x14 } as const;

function encodeTcp(ports: Uint8Array, payload: Uint8Array, segment: TcpSegment): Uint8Array {
  const header = new Uint8Array(20);
  header.set(ports);
  writeUint32(header, 4, segment.sequence >>> 0);
  writeUint32(header, 8, segment.ack >>> 0);
  header[12] = 0x50;
  header[13] = TCP_FLAG_BITS[segment.flags];
  writeUint16(header, 14, 0xffff);
  return concat(header, payload);
}

/** RFC 768, RFC 9293 §3.1 and RFC 8200 §8.1: over a pseudo-header and the segment. */
function transportChecksum(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  transport: Uint8Array,
): number {
  const addresses = sumWords(source.bytes, sumWords(destination.bytes, 0));
  return finishChecksum(sumWords(transport, addresses + protocol + transport.length));
}

/** RFC 1071: the sum of 16-bit words. */
function sumWords(bytes: Uint8Array, start: number): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  return sum;
}

function finishChecksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
