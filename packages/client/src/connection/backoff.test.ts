import { expect, test } from "vitest";
import { backoffDelayMs } from "./backoff.ts";

test("the ceiling grows by half up to the maximum, and jitter covers all of it", () => {
  const options = { baseMs: 400, maximumMs: 8_000 };
  expect([1, 2, 3, 4, 5, 9, 50].map((attempt) => backoffDelayMs(attempt, 0.999_999, options))).toEqual([
    400, 600, 900, 1_350, 2_025, 8_000, 8_000,
  ]);
  expect(backoffDelayMs(5, 0, options)).toBe(0);
  expect(backoffDelayMs(5, 0.5, options)).toBe(1_013);
});
