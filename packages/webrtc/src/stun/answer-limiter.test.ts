import { expect, test } from "vitest";
import { IpAddress } from "../bytes/index.ts";
import { SeededRandom } from "../testing/seeded-random.ts";
import { AnswerLimiter } from "./index.ts";

function createLimiter(): AnswerLimiter {
  return new AnswerLimiter({ perSecond: 10, burst: 5 }, new SeededRandom("limiter"));
}

function ip(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  return address;
}

/** How many of `tries` answers are allowed at `now`. */
function countAllowed(limiter: AnswerLimiter, address: IpAddress, tries: number, now: number): number {
  let allowed = 0;
  for (let i = 0; i < tries; i++) if (limiter.allow(address, now)) allowed++;
  return allowed;
}

test("a burst is answered, what exceeds it is refused and counted", () => {
  const limiter = createLimiter();
  expect(countAllowed(limiter, ip("192.0.2.1"), 20, 0)).toBe(5);
  expect(limiter.refusedCount).toBe(15);
});

test("the allowance comes back at its rate, up to the burst", () => {
  const limiter = createLimiter();
  const address = ip("192.0.2.1");
  countAllowed(limiter, address, 20, 1000);
  expect(countAllowed(limiter, address, 20, 1099)).toBe(0);
  expect(countAllowed(limiter, address, 20, 1100)).toBe(1);
  expect(countAllowed(limiter, address, 20, 1400)).toBe(3);
  expect(countAllowed(limiter, address, 20, 3_600_000)).toBe(5);
});

test("refusals do not delay the recovery", () => {
  const limiter = createLimiter();
  const address = ip("192.0.2.1");
  for (let now = 0; now < 1000; now++) limiter.allow(address, now);
  // 5 at once and 10 a second for a second; the last partial token is still short.
  expect(1000 - limiter.refusedCount).toBeGreaterThanOrEqual(14);
  expect(1000 - limiter.refusedCount).toBeLessThanOrEqual(15);
});

test("another address has its own allowance", () => {
  const limiter = createLimiter();
  countAllowed(limiter, ip("192.0.2.1"), 20, 0);
  expect(countAllowed(limiter, ip("192.0.2.2"), 20, 0)).toBe(5);
});

test("an IPv6 /64 is one address", () => {
  const limiter = createLimiter();
  expect(countAllowed(limiter, ip("2001:db8::1"), 20, 0)).toBe(5);
  expect(countAllowed(limiter, ip("2001:db8::ffff:1"), 20, 0)).toBe(0);
  expect(countAllowed(limiter, ip("2001:db8:0:1::1"), 20, 0)).toBe(5);
});

test("addresses spread over the buckets: neighbours do not share one", () => {
  const limiter = createLimiter();
  let allowed = 0;
  for (let host = 0; host < 1000; host++) {
    const address = IpAddress.fromBytes(new Uint8Array([10, 0, host >> 8, host & 255]));
    allowed += countAllowed(limiter, address, 5, 0);
  }
  // 1000 addresses in 65,536 buckets: about 8 pairs collide.
  expect(allowed).toBeGreaterThan(4800);
});
