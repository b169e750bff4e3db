import { SeededRandom } from "@naru/webrtc/testing";
import { describe, expect, test } from "vitest";
import { PortPool } from "./port-pool.ts";

function pool(first: number, last: number): PortPool {
  return new PortPool({ first, last }, new SeededRandom("ports"));
}

test("every port is given out once, in an order nobody can tell", () => {
  const ports = pool(50_000, 50_099);
  const given = Array.from({ length: 100 }, () => ports.take("any")!);
  expect(new Set(given).size).toBe(100);
  expect([Math.min(...given), Math.max(...given)]).toEqual([50_000, 50_099]);
  expect(given).not.toEqual([...given].sort((a, b) => a - b));
  expect(ports.take("any")).toBeUndefined();
  ports.release(50_042);
  expect(ports.take("any")).toBe(50_042);
});

test("an even port is even, a pair begins with one and takes both", () => {
  const ports = pool(50_001, 50_008);
  const pairs = [ports.take("pair"), ports.take("pair"), ports.take("pair")];
  expect(pairs.map((port) => port! % 2)).toEqual([0, 0, 0]);
  expect(ports.take("pair")).toBeUndefined();
  // 50001 has no even one below it in the range, 50008 none above it.
  expect(ports.take("even")).toBe(50_008);
  expect(ports.take("even")).toBeUndefined();
  expect(ports.take("any")).toBe(50_001);
  expect(ports.freeCount).toBe(0);
});

test("what is not given out cannot be given back", () => {
  const ports = pool(50_000, 50_001);
  for (const port of [50_000, 49_999, 50_002, 1]) ports.release(port);
  expect(ports.freeCount).toBe(2);
});

describe("a range", () => {
  test.each([
    [1023, 50_000],
    [50_000, 49_999],
    [50_000, 65_536],
    [1024.5, 2000],
    [Number.NaN, 2000],
  ])("from %s to %s is none", (first, last) => {
    expect(() => pool(first, last)).toThrow(RangeError);
  });
});
