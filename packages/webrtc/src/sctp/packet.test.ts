import { expect, test } from "vitest";
import { fromHex } from "../bytes/index.ts";
import {
  hasValidChecksum,
  hasZeroChecksum,
  readVerificationTag,
  writeChecksum,
  writeCommonHeader,
} from "./packet.ts";

test("a checksum is written where it is read, and zero is told from it", () => {
  const bytes = new Uint8Array(16);
  writeCommonHeader(bytes, 0, 7, 5000, 0x0102_0304);
  bytes.set(fromHex("0b000004"), 12);
  expect(hasZeroChecksum(bytes)).toBe(true);
  expect(hasValidChecksum(bytes)).toBe(false);
  writeChecksum(bytes, 0, bytes.length);
  expect(hasValidChecksum(bytes)).toBe(true);
  expect(hasZeroChecksum(bytes)).toBe(false);
  expect(readVerificationTag(bytes)).toBe(0x0102_0304);
});

test("a changed bit anywhere is noticed", () => {
  const bytes = new Uint8Array(64).fill(3);
  writeCommonHeader(bytes, 0, 5000, 5000, 9);
  writeChecksum(bytes, 0, bytes.length);
  for (let i = 0; i < bytes.length * 8; i++) {
    const changed = bytes.slice();
    changed[i >> 3]! ^= 1 << (i & 7);
    expect(hasValidChecksum(changed)).toBe(false);
  }
});
