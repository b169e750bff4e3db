import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../bytes/index.ts";
import { DataChannelError, decodeDcep, encodeDcepAck, encodeDcepOpen, safeDecodeDcep } from "./index.ts";

const OPEN = {
  label: "chat",
  protocol: "p",
  isOrdered: false,
  maxRetransmits: 5,
  maxPacketLifeTimeMs: undefined,
  priority: 256,
};

test("an OPEN has the bytes of RFC 8832 §5.1", () => {
  expect(toHex(encodeDcepOpen(OPEN))).toBe("038101000000000500040001" + "63686174" + "70");
});

test("an ACK is one byte", () => {
  expect(toHex(encodeDcepAck())).toBe("02");
  expect(decodeDcep(Uint8Array.of(2))).toEqual({ type: "ack" });
});

test("every truncation is refused, and so is anything behind the end", () => {
  const bytes = encodeDcepOpen(OPEN);
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeDcep(bytes.subarray(0, length))).toThrow(DataChannelError);
  }
  expect(safeDecodeDcep(Uint8Array.of(...bytes, 0))).toBe("bad-length");
  expect(safeDecodeDcep(Uint8Array.of(2, 0))).toBe("bad-length");
});

test.each([
  ["00", "unknown-type"],
  ["03030100000000000000" + "0000", "bad-channel-type"],
  ["0300010000000000000100" + "00ff", "bad-utf8"],
])("%s is %s", (hex, failure) => {
  expect(safeDecodeDcep(fromHex(hex))).toBe(failure);
});

test("what is encoded is decoded", () => {
  const limit = fc.option(fc.integer({ min: 0, max: 0xffff }), { nil: undefined });
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.string(),
      fc.boolean(),
      limit,
      limit,
      fc.nat(0xffff),
      (label, protocol, isOrdered, retransmits, lifeTime, priority) => {
        const parameters = {
          label,
          protocol,
          isOrdered,
          maxRetransmits: retransmits,
          maxPacketLifeTimeMs: retransmits === undefined ? lifeTime : undefined,
          priority,
        };
        expect(decodeDcep(encodeDcepOpen(parameters))).toEqual({ type: "open", parameters });
      },
    ),
    { numRuns: 100 },
  );
});
