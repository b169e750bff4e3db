import { expect, test } from "vitest";
import { crc32 } from "./index.ts";

test("the check value of the CRC catalogue comes out", () => {
  const bytes = new TextEncoder().encode("123456789");
  expect(crc32(bytes)).toBe(0xcbf4_3926);
  expect(crc32(new Uint8Array(0))).toBe(0);
});

test("only the bytes asked for are covered", () => {
  const bytes = new TextEncoder().encode("..123456789..");
  expect(crc32(bytes, 2, 11)).toBe(0xcbf4_3926);
});
