import { expect, test } from "vitest";
import { backoffDelayMs } from "./backoff.ts";

test("the ceiling grows by a quarter up to the maximum, and jitter covers all of it", () => {
  const options = { baseMs: 400, maximumMs: 8_000 };
  expect([1, 2, 3, 4, 5, 9, 15, 50].map((attempt) => backoffDelayMs(attempt, 0.999_999, options))).toEqual([
    400, 500, 625, 781, 977, 2_384, 8_000, 8_000,
  ]);
  expect(backoffDelayMs(5, 0, options)).toBe(0);
  expect(backoffDelayMs(5, 0.5, options)).toBe(488);
});
