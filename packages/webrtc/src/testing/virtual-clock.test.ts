import { expect, test } from "vitest";
import { VIRTUAL_EPOCH, VirtualClock, VirtualTimeoutError } from "./virtual-clock.ts";

test("events happen in the order of their times, and simultaneous ones in the order of scheduling", () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  for (const [at, name] of [
    [5, "c"],
    [1, "a"],
    [5, "d"],
    [3, "b"],
    [5, "e"],
  ] as const) {
    clock.schedule(at, () => seen.push(`${name}@${clock.now()}`));
  }
  clock.advance(10);
  expect(seen).toEqual(["a@1", "b@3", "c@5", "d@5", "e@5"]);
  expect(clock.now()).toBe(10);
});

test("a thousand events in scrambled order come out sorted", () => {
  const clock = new VirtualClock();
  const seen: number[] = [];
  for (let i = 0; i < 1000; i++) clock.schedule((i * 7919) % 1009, () => seen.push(clock.now()));
  clock.advance(2000);
  expect(seen).toHaveLength(1000);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

test("what is scheduled for the past happens now, and time never goes back", () => {
  const clock = new VirtualClock();
  clock.advance(100);
  let at = -1;
  clock.schedule(3, () => {
    at = clock.now();
  });
  clock.step();
  expect(at).toBe(100);
  clock.advance(50);
  expect(clock.now()).toBe(100);
});

test("the end of an instant comes after everything of the instant and before the next", () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  clock.schedule(1, () => {
    clock.atEndOfInstant(() => {
      seen.push("end");
      clock.schedule(1, () => seen.push("still 1"));
    });
    clock.schedule(1, () => seen.push("also 1"));
  });
  clock.schedule(2, () => seen.push("2"));
  clock.advance(2);
  expect(seen).toEqual(["also 1", "end", "still 1", "2"]);
});

test("a timer moved later runs once, at the later moment", () => {
  const clock = new VirtualClock();
  const runs: number[] = [];
  const timer = clock.createTimer(() => runs.push(clock.now()));
  timer.arm(10);
  timer.arm(30);
  clock.advance(20);
  expect(runs).toEqual([]);
  clock.advance(100);
  expect(runs).toEqual([30]);
});

test("a timer moved earlier runs once, at the earlier moment", () => {
  const clock = new VirtualClock();
  const runs: number[] = [];
  const timer = clock.createTimer(() => runs.push(clock.now()));
  timer.arm(30);
  timer.arm(10);
  clock.advance(100);
  expect(runs).toEqual([10]);
});

test("a timer that is disarmed or closed does not run, and a disarmed one can be armed again", () => {
  const clock = new VirtualClock();
  const runs: number[] = [];
  const timer = clock.createTimer(() => runs.push(clock.now()));
  timer.arm(10);
  timer.arm(Number.POSITIVE_INFINITY);
  clock.advance(20);
  timer.arm(30);
  clock.advance(40);
  timer.arm(50);
  timer.close();
  timer.arm(60);
  clock.advance(100);
  expect(runs).toEqual([30]);
});

test("the wall clock starts at the same date everywhere and moves with virtual time", () => {
  const clock = new VirtualClock();
  expect(clock.wallClock()).toBe(VIRTUAL_EPOCH);
  clock.advance(1500);
  expect(new Date(clock.wallClock()).toISOString()).toBe("2026-01-01T00:00:01.500Z");
});

test("promises settle between events of an asynchronous run", async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const chain = async (name: string): Promise<void> => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
    seen.push(`${name}@${clock.now()}`);
  };
  for (const at of [1, 2]) {
    clock.schedule(at, () => {
      clock.noteCallout();
      void chain(`chain ${at}`);
    });
  }
  await clock.run(10);
  expect(seen).toEqual(["chain 1@1", "chain 2@2"]);
});

test("complete runs until a promise that needs virtual time settles, and gives its value", async () => {
  const clock = new VirtualClock();
  const promise = new Promise<string>((resolve) => {
    clock.schedule(250, () => {
      clock.noteCallout();
      resolve("done");
    });
  });
  expect(await clock.complete(promise, 1000)).toBe("done");
  expect(clock.now()).toBe(250);
});

test("complete passes a rejection on", async () => {
  const clock = new VirtualClock();
  await expect(clock.complete(Promise.reject(new TypeError("no")), 1000)).rejects.toThrow(TypeError);
});

test("waiting for what never happens ends at the limit with an error", async () => {
  const clock = new VirtualClock();
  const tick = (): void => void clock.schedule(clock.now() + 10, tick);
  tick();
  await expect(clock.runUntil(() => false, 500)).rejects.toThrow(VirtualTimeoutError);
  expect(clock.now()).toBe(500);
  expect(() => clock.advanceUntil(() => false, 500)).toThrow(VirtualTimeoutError);
  expect(clock.now()).toBe(1000);
});

test("two parts that answer each other without delay are found out", () => {
  const clock = new VirtualClock();
  const again = (): void => void clock.schedule(clock.now(), again);
  again();
  expect(() => clock.advance(1)).toThrow(/virtual time is stuck/);
});

test("an error thrown by an event reaches whoever runs the clock", async () => {
  const clock = new VirtualClock();
  clock.schedule(1, () => {
    throw new RangeError("a bug");
  });
  await expect(clock.run(10)).rejects.toThrow("a bug");
});
