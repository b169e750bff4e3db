import fc from "fast-check";
import { expect, test } from "vitest";
import {
  equalBytes,
  readUint16,
  readUint32,
  readUint64,
  toHex,
  writeUint16,
  writeUint32,
  writeUint64,
} from "./index.ts";

test("integers are in network order and touch only their own bytes", () => {
  const bytes = new Uint8Array(18);
  writeUint16(bytes, 1, 0xfedc);
  writeUint32(bytes, 4, 0xfedc_ba98);
  writeUint64(bytes, 9, 0xfedc_ba98_7654_3210n);
  expect(toHex(bytes)).toBe("00fedc00fedcba9800fedcba987654321000");
});

test("every value reads back", () => {
  const bytes = new Uint8Array(8);
  fc.assert(
    fc.property(fc.nat(0xffff), fc.nat(0xffff_ffff), fc.bigInt(0n, (1n << 64n) - 1n), (a, b, c) => {
      writeUint16(bytes, 0, a);
      expect(readUint16(bytes, 0)).toBe(a);
      writeUint32(bytes, 0, b);
      expect(readUint32(bytes, 0)).toBe(b);
      writeUint64(bytes, 0, c);
      expect(readUint64(bytes, 0)).toBe(c);
    }),
  );
});

test("bytes are equal when length and content are", () => {
  expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
  expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
  expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2, 0]))).toBe(false);
});
