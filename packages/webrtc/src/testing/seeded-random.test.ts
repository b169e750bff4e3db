import { expect, test } from "vitest";
import { SeededRandom } from "./seeded-random.ts";

test("from the state 1, 2, 3, 4 come the reference values of xoshiro128**", () => {
  const random = SeededRandom.fromState(1, 2, 3, 4);
  const drawn = Array.from({ length: 10 }, () => random.uint32());
  expect(drawn.slice(0, 4)).toEqual([11_520, 0, 5_927_040, 70_819_200]);
  expect(drawn).toEqual(referenceValues(10));
});

test("the same seed gives the same numbers, another seed gives others", () => {
  const draw = (seed: string): number[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 8 }, () => random.uint32());
  };
  expect(draw("a")).toEqual(draw("a"));
  expect(draw("a")).not.toEqual(draw("b"));
});

test("a fork depends on its label and not on what was drawn before", () => {
  const fresh = new SeededRandom(7);
  const used = new SeededRandom(7);
  for (let i = 0; i < 100; i++) used.uint32();
  const wanted = fresh.fork("loss").uint32();
  expect(used.fork("loss").uint32()).toBe(wanted);
  expect(used.fork("jitter").uint32()).not.toBe(wanted);
});

test("numbers are uniform enough: sixteen bins of a hundred thousand draws pass a chi-square test", () => {
  const random = new SeededRandom("uniform");
  const bins = new Array<number>(16).fill(0);
  for (let i = 0; i < 100_000; i++) bins[Math.floor(random.unit() * 16)]!++;
  const expected = 100_000 / 16;
  const chiSquare = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 15 degrees of freedom: 37.7 is passed by 99.9 % of uniform sources.
  expect(chiSquare).toBeLessThan(37.7);
});

test("fill gives every byte of the target a value, whatever its length", () => {
  const random = new SeededRandom(1);
  const bytes = random.fill(new Uint8Array(1001));
  expect(new Set(bytes).size).toBeGreaterThan(200);
  expect(bytes.at(-1)).toBe(new SeededRandom(1).fill(new Uint8Array(1001)).at(-1));
});

test("integer stays within its bounds and reaches both", () => {
  const random = new SeededRandom("bounds");
  const seen = new Set(Array.from({ length: 500 }, () => random.integer(-1, 2)));
  expect([...seen].sort((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
});

/** The algorithm as published, in arbitrary precision: slow and obvious. */
function referenceValues(count: number): number[] {
  const mask = 0xffff_ffffn;
  const rotate = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask;
  const s = [1n, 2n, 3n, 4n];
  return Array.from({ length: count }, () => {
    const result = (rotate((s[1]! * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1]! << 9n) & mask;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11n);
    return Number(result);
  });
}
