import fc from "fast-check";
import { expect, test } from "vitest";
import { add16, add32, distance16, distance32, isAfter16, isAfter32 } from "./index.ts";

test("16-bit counters compare across the wrap", () => {
  expect(isAfter16(0, 0xffff)).toBe(true);
  expect(isAfter16(0xffff, 0)).toBe(false);
  expect(isAfter16(5, 5)).toBe(false);
  expect(distance16(2, 0xfffe)).toBe(4);
  expect(distance16(0xfffe, 2)).toBe(-4);
  expect(add16(0xffff, 1)).toBe(0);
  expect(add16(0, -1)).toBe(0xffff);
});

test("32-bit counters compare across the wrap", () => {
  expect(isAfter32(0, 0xffff_ffff)).toBe(true);
  expect(isAfter32(0xffff_ffff, 0)).toBe(false);
  expect(isAfter32(0x8000_0000, 0x7fff_ffff)).toBe(true);
  expect(distance32(2, 0xffff_fffe)).toBe(4);
  expect(distance32(0xffff_fffe, 2)).toBe(-4);
  expect(add32(0xffff_ffff, 1)).toBe(0);
  expect(add32(0, -1)).toBe(0xffff_ffff);
});

test("half way round, neither comes after the other both times", () => {
  // RFC 1982 §3.2 leaves this distance undefined; what matters is that it is not negative zero or out of range.
  expect(distance16(0x8000, 0)).toBe(-0x8000);
  expect(distance32(0x8000_0000, 0)).toBe(-0x8000_0000);
});

test("what was added is the distance", () => {
  const step16 = fc.integer({ min: -0x8000, max: 0x7fff });
  const step32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
  fc.assert(
    fc.property(fc.nat(0xffff), step16, (value, step) => distance16(add16(value, step), value) === step),
  );
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), step32, (value, step) => distance32(add32(value, step), value) === step),
  );
});
