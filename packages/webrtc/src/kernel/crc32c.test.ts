import { expect, test } from "vitest";
import { crc32c, finishCrc32c, startCrc32c, updateCrc32c } from "./index.ts";

const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);

// RFC 3720 Appendix B.4, which states them as bytes of the wire.
test.each([
  ["32 bytes of zeroes", new Uint8Array(32), 0x8a91_36aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8_ab43],
  ["32 bytes counting up", ascending, 0x46dd_794e],
  ["32 bytes counting down", ascending.slice().reverse(), 0x113f_db5c],
  ["the digits 1 to 9", new TextEncoder().encode("123456789"), 0xe306_9283],
  ["nothing", new Uint8Array(0), 0],
])("the checksum of %s is the published one", (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test("every length and every start agree with one bit at a time", () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => (i * 151 + 7) & 0xff);
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= bytes.length; end++) {
      expect(crc32c(bytes, start, end)).toBe(bitwise(bytes.subarray(start, end)));
    }
  }
});

test("a checksum over parts is that of the whole", () => {
  let state = startCrc32c();
  for (const [start, end] of [
    [0, 5],
    [5, 5],
    [5, 29],
    [29, 32],
  ] as const) {
    state = updateCrc32c(state, ascending, start, end);
  }
  expect(finishCrc32c(state)).toBe(0x46dd_794e);
});

function bitwise(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
