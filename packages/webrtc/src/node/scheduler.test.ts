import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { PlatformTimer } from "../platform/index.ts";
import { Scheduler } from "./scheduler.ts";

const now = (): number => performance.now();
const scheduler = new Scheduler(now);
const timers: PlatformTimer[] = [];

afterEach(() => {
  for (const timer of timers.splice(0)) timer.close();
});

interface Recorder {
  readonly timer: PlatformTimer;
  readonly firedAt: number[];
}

function createRecorder(onTimer: (timer: PlatformTimer) => void = () => undefined): Recorder {
  const firedAt: number[] = [];
  const timer = scheduler.createTimer(() => {
    firedAt.push(now());
    onTimer(timer);
  });
  timers.push(timer);
  return { timer, firedAt };
}

async function waitUntil(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 2000, interval: 5 });
}

test("it fires once, not before its moment", async () => {
  const { timer, firedAt } = createRecorder();
  const deadline = now() + 20;
  timer.arm(deadline);
  await waitUntil(() => firedAt.length > 0);
  expect(firedAt[0]).toBeGreaterThanOrEqual(deadline);
  await sleep(30);
  expect(firedAt).toHaveLength(1);
});

test("a moment in the past fires soon, but not within the call", async () => {
  const { timer, firedAt } = createRecorder();
  timer.arm(now() - 1000);
  expect(firedAt).toEqual([]);
  await waitUntil(() => firedAt.length === 1);
});

test.each([
  ["never", Number.POSITIVE_INFINITY],
  ["in 35 years, longer than setTimeout can wait", 2 ** 40],
  ["just beyond what setTimeout can wait", 2 ** 31],
])("armed for %s, it does not fire at once", async (_name, delay) => {
  const { timer, firedAt } = createRecorder();
  timer.arm(now() + delay);
  await sleep(30);
  expect(firedAt).toEqual([]);
});

describe("moved", () => {
  test("earlier, it fires at the new moment", async () => {
    const { timer, firedAt } = createRecorder();
    timer.arm(now() + 60_000);
    const deadline = now() + 10;
    timer.arm(deadline);
    await waitUntil(() => firedAt.length > 0);
    expect(firedAt[0]).toBeGreaterThanOrEqual(deadline);
  });

  test("later, it fires at the new moment only", async () => {
    const { timer, firedAt } = createRecorder();
    timer.arm(now() + 5);
    const deadline = now() + 40;
    timer.arm(deadline);
    await waitUntil(() => firedAt.length > 0);
    expect(firedAt[0]).toBeGreaterThanOrEqual(deadline);
    await sleep(20);
    expect(firedAt).toHaveLength(1);
  });

  test("away and back again, it fires once", async () => {
    const { timer, firedAt } = createRecorder();
    timer.arm(now() + 10);
    timer.arm(Number.POSITIVE_INFINITY);
    timer.arm(now() + 15);
    await waitUntil(() => firedAt.length > 0);
    await sleep(30);
    expect(firedAt).toHaveLength(1);
  });
});

test("its handler may arm it again", async () => {
  const { timer, firedAt } = createRecorder((self) => {
    if (firedAt.length < 3) self.arm(now() + 2);
  });
  timer.arm(now());
  await waitUntil(() => firedAt.length === 3);
  await sleep(20);
  expect(firedAt).toHaveLength(3);
});

test("closed, it never fires, also when it is armed again", async () => {
  const { timer, firedAt } = createRecorder();
  timer.arm(now() + 5);
  timer.close();
  timer.arm(now() + 5);
  timer.close();
  await sleep(30);
  expect(firedAt).toEqual([]);
});

test("its handler may close it", async () => {
  const { timer, firedAt } = createRecorder((self) => {
    self.close();
    self.arm(now());
  });
  timer.arm(now());
  await waitUntil(() => firedAt.length > 0);
  await sleep(20);
  expect(firedAt).toHaveLength(1);
});

test("timers fire in the order of their moments, each once", async () => {
  const order: number[] = [];
  const start = now();
  for (const delay of [60, 20, 40]) {
    const timer = scheduler.createTimer(() => order.push(delay));
    timers.push(timer);
    timer.arm(start + delay);
  }
  await waitUntil(() => order.length === 3);
  expect(order).toEqual([20, 40, 60]);
});

test("no Node timer waits while none of ours is armed", () => {
  const waiting = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = waiting();
  const timer = scheduler.createTimer(() => undefined);
  timer.arm(now() + 60_000);
  expect(waiting()).toBe(before + 1);
  timer.arm(Number.POSITIVE_INFINITY);
  expect(waiting()).toBe(before);
  timer.arm(now() + 60_000);
  timer.close();
  expect(waiting()).toBe(before);
});
