import { expect, test } from "vitest";
import { TimerTable } from "./index.ts";

function createTable(): TimerTable<"t1" | "t2" | "t3"> {
  return new TimerTable(["t1", "t2", "t3"]);
}

test("a table at rest has no deadline", () => {
  const timers = createTable();
  expect(timers.next()).toBe(Number.POSITIVE_INFINITY);
  expect(timers.expire(Number.MAX_VALUE)).toBeUndefined();
});

test("due timers expire once each, the earliest first, simultaneous ones in the order of their names", () => {
  const timers = createTable();
  timers.set("t3", 5);
  timers.set("t2", 10);
  timers.set("t1", 10);
  expect(timers.next()).toBe(5);
  expect(timers.expire(4.9)).toBeUndefined();
  expect([timers.expire(10), timers.expire(10), timers.expire(10), timers.expire(10)]).toEqual([
    "t3",
    "t1",
    "t2",
    undefined,
  ]);
  expect(timers.next()).toBe(Number.POSITIVE_INFINITY);
});

test("setting moves a timer, stopping disarms it", () => {
  const timers = createTable();
  timers.set("t1", 10);
  timers.set("t1", 20);
  timers.set("t2", 15);
  expect(timers.deadline("t1")).toBe(20);
  timers.stop("t2");
  expect(timers.next()).toBe(20);
  timers.stopAll();
  expect(timers.next()).toBe(Number.POSITIVE_INFINITY);
});
