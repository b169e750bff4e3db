import { describe, expect, test } from "vitest";
import { DEFAULT_TRANSACTION_OPTIONS, type TransactionOptions, TransactionTimer } from "./index.ts";

/** Runs a timer as a driver does; says what happened when, counted from the first send. */
function run(options: TransactionOptions, start: number): string[] {
  const timer = new TransactionTimer(options, start);
  const log: string[] = [];
  for (;;) {
    const now = timer.deadline;
    expect(timer.expire(now - 0.001)).toBeUndefined();
    const step = timer.expire(now);
    log.push(`${step} ${now - start}`);
    if (step === "fail") return log;
  }
}

describe("over UDP", () => {
  test("a request is sent and given up exactly when RFC 8489 §6.2.1 says", () => {
    expect(run(DEFAULT_TRANSACTION_OPTIONS, 1000)).toEqual([
      "send 500",
      "send 1500",
      "send 3500",
      "send 7500",
      "send 15500",
      "send 31500",
      "fail 39500",
    ]);
  });

  test("another RTO, Rc and Rm change it accordingly", () => {
    const options = { ...DEFAULT_TRANSACTION_OPTIONS, rtoMs: 100, maxSends: 3, lastWaitFactor: 4 };
    expect(run(options, 0)).toEqual(["send 100", "send 300", "fail 700"]);
  });

  test("a request sent once only waits Rm times the RTO", () => {
    expect(run({ ...DEFAULT_TRANSACTION_OPTIONS, maxSends: 1 }, 0)).toEqual(["fail 8000"]);
  });

  test("after a long pause the remaining sends keep their distance", () => {
    const timer = new TransactionTimer(DEFAULT_TRANSACTION_OPTIONS, 0);
    expect(timer.expire(60_000)).toBe("send");
    expect(timer.expire(60_000)).toBeUndefined();
    expect(timer.deadline).toBe(61_000);
  });
});

test("over TCP and TLS a request is sent once and waits for Ti", () => {
  expect(run({ ...DEFAULT_TRANSACTION_OPTIONS, reliable: true }, 0)).toEqual(["fail 39500"]);
});

test("the timer says how often and since when", () => {
  const timer = new TransactionTimer(DEFAULT_TRANSACTION_OPTIONS, 7);
  expect([timer.sends, timer.startedAt]).toEqual([1, 7]);
  timer.expire(507);
  expect([timer.sends, timer.startedAt]).toEqual([2, 7]);
});
