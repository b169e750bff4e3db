import { expect, test } from "vitest";
import { type RandomSource, randomBytes, randomUint32, randomUnit } from "./index.ts";

function constantSource(byte: number): RandomSource {
  return {
    fill(target) {
      target.fill(byte);
      return target;
    },
  };
}

test("bytes are as many as asked for, and fresh", () => {
  const source = constantSource(7);
  expect(randomBytes(source, 3)).toEqual(new Uint8Array([7, 7, 7]));
  expect(randomBytes(source, 3)).not.toBe(randomBytes(source, 3));
  expect(randomBytes(source, 0)).toHaveLength(0);
});

test("integers are unsigned and cover 32 bits", () => {
  expect(randomUint32(constantSource(0))).toBe(0);
  expect(randomUint32(constantSource(0xff))).toBe(0xffff_ffff);
});

test("the unit interval does not reach 1", () => {
  expect(randomUnit(constantSource(0))).toBe(0);
  expect(randomUnit(constantSource(0xff))).toBeLessThan(1);
  expect(randomUnit(constantSource(0x80))).toBeCloseTo(0.5, 2);
});
