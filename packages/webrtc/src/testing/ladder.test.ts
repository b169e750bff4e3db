import { expect, test } from "vitest";
import { fromHex, TransportAddress } from "../bytes/index.ts";
import { Ladder, type LadderEntry, markDelivered, markDropped } from "./ladder.ts";
import type { TcpSegment } from "./packet.ts";

const ALICE = TransportAddress.parse("192.0.2.1:5000")!;
const BOB = TransportAddress.parse("198.51.100.2:3478")!;
const ALICE_OUTSIDE = TransportAddress.parse("203.0.113.1:40000")!;

test("a line says when, from, to, size, what, and what became of it", () => {
  const ladder = new Ladder();
  const delivered = record(ladder, 12.5, "udp", fromHex("16feff0000000000000000001001"), ALICE, BOB);
  markDelivered(delivered, 30.25, "bob", ALICE_OUTSIDE);
  const dropped = record(ladder, 13, "udp", new Uint8Array(100).fill(120), ALICE, BOB);
  markDropped(dropped, 14, "bob/eth0 down", "queue full");
  record(ladder, 14, "udp", new Uint8Array(0), ALICE, BOB);
  expect(ladder.render().split("\n")).toEqual([
    "      12.500  alice 192.0.2.1:5000 → 198.51.100.2:3478    14  DTLS ClientHello  ✓ bob +17.750 seen from 203.0.113.1:40000",
    "      13.000  alice 192.0.2.1:5000 → 198.51.100.2:3478   100  data  ✗ bob/eth0 down: queue full",
    "      14.000  alice 192.0.2.1:5000 → 198.51.100.2:3478     0  empty  … on the way",
  ]);
});

test("a packet of which one copy arrived counts as delivered, and further copies are counted", () => {
  const ladder = new Ladder();
  const entry = record(ladder, 0, "udp", new Uint8Array(1), ALICE, BOB);
  markDelivered(entry, 1, "bob", ALICE);
  markDelivered(entry, 2, "bob", ALICE);
  markDropped(entry, 3, "bob", "late copy");
  expect(ladder.render()).toContain("✓ bob +1.000 (and 1 more)");
});

test("only the last packets are remembered, oldest first, and the number forgotten is told", () => {
  const ladder = new Ladder(3);
  for (let i = 0; i < 8; i++) record(ladder, i, "udp", Uint8Array.of(i), ALICE, BOB);
  expect(ladder.entries().map(({ number }) => number)).toEqual([6, 7, 8]);
  expect(ladder.render().split("\n")[0]).toBe("(5 earlier packets not shown)");
  expect(ladder.render(1).split("\n")).toHaveLength(2);
  expect(ladder.count).toBe(8);
});

test("notes stand among the packets by their time", () => {
  const ladder = new Ladder();
  record(ladder, 1, "udp", new Uint8Array(1), ALICE, BOB);
  ladder.note(2, "home rebinds");
  record(ladder, 3, "udp", new Uint8Array(1), ALICE, BOB);
  const lines = ladder.render().split("\n");
  expect(lines[1]).toBe("       2.000  -- home rebinds");
  expect(lines).toHaveLength(3);
});

test("a describer of one's own names payloads", () => {
  const ladder = new Ladder();
  ladder.describer = (bytes) => `<${bytes.length}>`;
  record(ladder, 0, "udp", new Uint8Array(7), ALICE, BOB);
  expect(ladder.render()).toContain("  <7>  ");
});

test("the text for text2pcap holds whole IP packets whose lengths and checksums are right", () => {
  const ladder = new Ladder();
  const segment = { flags: "ACK", sequence: 7, ack: 9, isHandshake: false, certificate: undefined } as const;
  const six = TransportAddress.parse("[2001:db8::1]:1000")!;
  record(ladder, 0.25, "udp", fromHex("68656c6c6f"), ALICE, BOB);
  record(ladder, 1500, "tcp", fromHex("00ff10"), ALICE, BOB, segment);
  record(ladder, 1500, "udp", fromHex("0102"), six, TransportAddress.parse("[2001:db8::2]:2000")!);
  const text = ladder.toText2pcap();
  const [udp, tcp, udp6] = readText2pcap(text);
  expect(text).toContain("2026-01-01T00:00:00.000250Z\n000000 45 00 00 21");
  expect(text).toContain("2026-01-01T00:00:01.500000Z\n");
  expect(udp).toHaveLength(20 + 8 + 5);
  expect(tcp).toHaveLength(20 + 20 + 3);
  expect(udp6).toHaveLength(40 + 8 + 2);
  for (const packet of [udp!, tcp!]) {
    expect(onesComplementSum(packet.subarray(0, 20))).toBe(0xffff);
    expect((packet[2]! << 8) | packet[3]!).toBe(packet.length);
    const pseudo = [...packet.subarray(12, 20), 0, packet[9]!, 0, packet.length - 20];
    expect(onesComplementSum(Uint8Array.from([...pseudo, ...packet.subarray(20)]))).toBe(0xffff);
  }
  const pseudo6 = [...udp6!.subarray(8, 40), 0, 0, 0, udp6!.length - 40, 0, 0, 0, 17];
  expect(onesComplementSum(Uint8Array.from([...pseudo6, ...udp6!.subarray(40)]))).toBe(0xffff);
});

function record(
  ladder: Ladder,
  sentAt: number,
  protocol: "udp" | "tcp",
  bytes: Uint8Array,
  source: TransportAddress,
  destination: TransportAddress,
  segment?: TcpSegment,
): LadderEntry {
  return ladder.record({
    sentAt,
    from: "alice",
    to: undefined,
    protocol,
    source,
    destination,
    segment,
    bytes,
  });
}

function readText2pcap(text: string): Uint8Array[] {
  const packets: number[][] = [];
  for (const line of text.split("\n")) {
    const [offset, ...bytes] = line.split(" ");
    if (!/^[0-9a-f]{6}$/.test(offset!)) continue;
    if (offset === "000000") packets.push([]);
    packets.at(-1)!.push(...bytes.map((byte) => Number.parseInt(byte, 16)));
  }
  return packets.map((bytes) => Uint8Array.from(bytes));
}

function onesComplementSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
