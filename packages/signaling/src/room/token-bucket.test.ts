import { describe, expect, it } from "vitest";
import { AttemptLimiter, TokenBucket } from "./token-bucket.ts";

const LIMIT = { perSecond: 2, burst: 4 };

describe("token bucket", () => {
  it("gives the burst at once and then the rate", () => {
    const bucket = new TokenBucket(LIMIT, 0);
    expect([1, 2, 3, 4, 5].map(() => bucket.take(1, LIMIT, 0))).toEqual([true, true, true, true, false]);
    expect(bucket.take(1, LIMIT, 499)).toBe(false);
    expect(bucket.take(1, LIMIT, 500)).toBe(true);
    expect(bucket.take(1, LIMIT, 500)).toBe(false);
  });

  it("never holds more than the burst, and time that goes backwards gives nothing", () => {
    const bucket = new TokenBucket(LIMIT, 1_000);
    expect(bucket.take(4, LIMIT, 1_000_000)).toBe(true);
    expect(bucket.take(1, LIMIT, 500)).toBe(false);
  });
});

describe("attempt limiter", () => {
  it("counts each address by itself", () => {
    const limiter = new AttemptLimiter(LIMIT);
    expect([1, 2, 3, 4, 5].map(() => limiter.attempt("a", 0))).toEqual([true, true, true, true, false]);
    expect(limiter.attempt("b", 0)).toBe(true);
  });

  it("forgets addresses that have been quiet, and never one that is being refused", () => {
    const limiter = new AttemptLimiter(LIMIT);
    for (let i = 0; i < 5; i++) limiter.attempt("bad", 0);
    for (let i = 0; i < 1_000; i++) limiter.attempt(`address ${i}`, i);
    expect(limiter.size).toBeLessThan(1_000);
    for (let i = 0; i < 4; i++) limiter.attempt("again", 100_000);
    for (let i = 0; i < 50; i++) limiter.attempt(`other ${i}`, 100_000);
    expect(limiter.attempt("again", 100_000)).toBe(false);
  });

  it("stays bounded when every attempt comes from another address", () => {
    const limiter = new AttemptLimiter(LIMIT);
    for (let i = 0; i < 60_000; i++) limiter.attempt(`address ${i}`, 0);
    expect(limiter.size).toBeLessThanOrEqual(50_000);
  });
});
