import { expect, test } from "vitest";
import { SeededRandom } from "../testing/index.ts";
import { framePacket, MAX_FRAMED_PACKET_BYTES, PacketDeframer } from "./stream-framing.ts";

test("packets come out as they went in, however the stream is cut (RFC 4571 §2)", () => {
  const random = new SeededRandom("framing");
  for (let run = 0; run < 200; run++) {
    const packets = Array.from({ length: 10 }, () => random.fill(new Uint8Array(random.integer(1, 60))));
    const stream = Uint8Array.from(packets.flatMap((packet) => [...framePacket(packet)]));
    const deframer = new PacketDeframer();
    const found: Uint8Array[] = [];
    for (let offset = 0; offset < stream.length; ) {
      const piece = stream.slice(offset, offset + random.integer(1, 100));
      offset += piece.length;
      deframer.push(piece);
      for (let packet = deframer.next(); packet !== undefined; packet = deframer.next())
        found.push(packet.slice());
      piece.fill(0xdb);
    }
    expect(found).toEqual(packets);
  }
});

test("a packet at the limit passes, one above it breaks the stream", () => {
  const deframer = new PacketDeframer();
  deframer.push(framePacket(new Uint8Array(MAX_FRAMED_PACKET_BYTES)));
  expect(deframer.next()?.length).toBe(MAX_FRAMED_PACKET_BYTES);
  deframer.push(framePacket(new Uint8Array(MAX_FRAMED_PACKET_BYTES + 1)));
  expect(deframer.next()).toBeUndefined();
  expect(deframer.isBroken).toBe(true);
  deframer.push(framePacket(new Uint8Array(1)));
  expect(deframer.next()).toBeUndefined();
});

test("empty packets are left out", () => {
  const deframer = new PacketDeframer();
  deframer.push(Uint8Array.of(0, 0, 0, 0, 0, 1, 7));
  expect(deframer.next()).toEqual(Uint8Array.of(7));
});

test("what does not fit the length field is the caller's mistake", () => {
  expect(() => framePacket(new Uint8Array(65_536))).toThrow(RangeError);
});
