import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Millis, TimerWheel, type WheelEntry } from "./index.ts";

/** The documented coarseness: deadlines run up to this much late. */
const TICK_MS = 4;
const HOUR_MS = 3_600_000;

interface Recorder extends WheelEntry {
  readonly runs: Millis[];
}

function createRecorder(onDeadline?: (now: Millis) => void): Recorder {
  const runs: Millis[] = [];
  return {
    runs,
    onDeadline(now) {
      runs.push(now);
      onDeadline?.(now);
    },
  };
}

/** Advances as a driver does: to each moment that the wheel asks for. */
function runUntil(wheel: TimerWheel, end: Millis): void {
  for (let next = wheel.next(); next <= end; next = wheel.next()) wheel.advance(next);
  wheel.advance(end);
}

describe("one entry", () => {
  test.each([0.1, 4, 5, 2047, 2048, 2049, 5000, 24 * HOUR_MS])(
    "a deadline %d ms ahead runs once, not early, at most a tick late",
    (delay) => {
      const wheel = new TimerWheel(1001);
      const entry = createRecorder();
      wheel.arm(entry, 1001 + delay);
      runUntil(wheel, 1001 + delay - 0.01);
      expect(entry.runs).toEqual([]);
      runUntil(wheel, 1001 + delay + TICK_MS);
      expect(entry.runs).toHaveLength(1);
      expect(wheel.size).toBe(0);
      expect(wheel.next()).toBe(Number.POSITIVE_INFINITY);
    },
  );

  test("a deadline in the past runs in the next turn", () => {
    const wheel = new TimerWheel(1000);
    const entry = createRecorder();
    wheel.arm(entry, 0);
    expect(wheel.next()).toBeLessThanOrEqual(1000 + TICK_MS);
    wheel.advance(wheel.next());
    expect(entry.runs).toHaveLength(1);
  });

  test("re-arming moves it, earlier and later and across the wheel's reach", () => {
    const wheel = new TimerWheel(0);
    const entry = createRecorder();
    for (const deadline of [100, 50, HOUR_MS, 60, 200]) wheel.arm(entry, deadline);
    expect(wheel.size).toBe(1);
    wheel.advance(199);
    expect(entry.runs).toEqual([]);
    wheel.advance(200);
    expect(entry.runs).toEqual([200]);
  });

  test("disarmed, it does not run", () => {
    const wheel = new TimerWheel(0);
    const [near, far] = [createRecorder(), createRecorder()];
    wheel.arm(near, 10);
    wheel.arm(far, HOUR_MS);
    wheel.disarm(near);
    wheel.arm(far, Number.POSITIVE_INFINITY);
    wheel.disarm(near);
    expect(wheel.next()).toBe(Number.POSITIVE_INFINITY);
    wheel.advance(2 * HOUR_MS);
    expect([...near.runs, ...far.runs]).toEqual([]);
  });
});

describe("handlers", () => {
  test("one that re-arms itself for the present runs once a turn, however long the turn was", () => {
    const wheel = new TimerWheel(0);
    const entry = createRecorder((now) => wheel.arm(entry, now));
    wheel.arm(entry, 1);
    for (const [turn, now] of [8, 1000, HOUR_MS, 2 * HOUR_MS].entries()) {
      wheel.advance(now);
      expect(entry.runs).toHaveLength(turn + 1);
    }
  });

  test("one that re-arms itself regularly keeps its rhythm", () => {
    const wheel = new TimerWheel(0);
    const entry = createRecorder((now) => wheel.arm(entry, now + 3000));
    wheel.arm(entry, 3000);
    runUntil(wheel, HOUR_MS);
    expect(entry.runs).toHaveLength(1200);
  });

  test("one that disarms another in the same slot keeps it from running", () => {
    const wheel = new TimerWheel(0);
    const second = createRecorder();
    wheel.arm(
      createRecorder(() => wheel.disarm(second)),
      10,
    );
    wheel.arm(second, 10);
    wheel.advance(100);
    expect(second.runs).toEqual([]);
  });

  test("one that disarms another keeps it from running, when both lay far ahead", () => {
    const wheel = new TimerWheel(0);
    const second = createRecorder();
    wheel.arm(
      createRecorder(() => wheel.disarm(second)),
      HOUR_MS,
    );
    wheel.arm(second, HOUR_MS);
    wheel.advance(2 * HOUR_MS);
    expect(second.runs).toEqual([]);
    expect(wheel.size).toBe(0);
  });

  test("one that postpones another in the same slot postpones it", () => {
    const wheel = new TimerWheel(0);
    const second = createRecorder();
    wheel.arm(
      createRecorder(() => wheel.arm(second, 50)),
      10,
    );
    wheel.arm(second, 10);
    wheel.advance(12);
    expect(second.runs).toEqual([]);
    wheel.advance(52);
    expect(second.runs).toEqual([52]);
  });
});

test("after a jump of hours everything due runs once, and the rest waits", () => {
  const wheel = new TimerWheel(0);
  const due = Array.from({ length: 100 }, () => createRecorder());
  const later = createRecorder();
  for (const [i, entry] of due.entries()) wheel.arm(entry, i * 100_000);
  wheel.arm(later, 4 * HOUR_MS);
  wheel.advance(3 * HOUR_MS);
  expect(due.every((entry) => entry.runs.length === 1)).toBe(true);
  expect(later.runs).toEqual([]);
  runUntil(wheel, 4 * HOUR_MS);
  expect(later.runs).toEqual([4 * HOUR_MS]);
});

test("time that goes backwards changes nothing", () => {
  const wheel = new TimerWheel(1000);
  const entry = createRecorder();
  wheel.arm(entry, 1010);
  wheel.advance(500);
  wheel.advance(1000);
  expect(entry.runs).toEqual([]);
  wheel.advance(1012);
  expect(entry.runs).toEqual([1012]);
});

/** Arms, disarms and lets time pass, mostly in small steps and sometimes by hours. */
const steps = fc.array(
  fc.record({
    entry: fc.nat(9),
    delay: fc.oneof(fc.nat(50), fc.nat(10_000), fc.nat(3 * HOUR_MS), fc.constant(Number.POSITIVE_INFINITY)),
    pass: fc.oneof({ weight: 6, arbitrary: fc.nat(40) }, fc.nat(5000), fc.nat(5 * HOUR_MS)),
    follow: fc.boolean(),
  }),
  { maxLength: 60 },
);

test("against a plain list of deadlines: nothing early, nothing late, nothing lost", () => {
  fc.assert(
    fc.property(steps, (script) => {
      let now = 0;
      const wheel = new TimerWheel(now);
      const deadlines = new Map<number, Millis>();
      const entries = Array.from({ length: 10 }, (_, index) =>
        createRecorder((at) => {
          expect(deadlines.get(index)).toBeLessThanOrEqual(at);
          deadlines.delete(index);
        }),
      );
      for (const { entry, delay, pass, follow } of script) {
        wheel.arm(entries[entry]!, now + delay);
        if (delay === Number.POSITIVE_INFINITY) deadlines.delete(entry);
        else deadlines.set(entry, now + delay);
        now += pass;
        if (follow) runUntil(wheel, now);
        else wheel.advance(now);
        // What is due by the last full tick has run; the present tick may still be open.
        for (const deadline of deadlines.values()) expect(deadline).toBeGreaterThan(now - TICK_MS);
        expect(wheel.size).toBe(deadlines.size);
        if (deadlines.size > 0) expect(wheel.next()).toBeGreaterThan(now - TICK_MS);
      }
    }),
    { numRuns: 300 },
  );
});

test("entries that wait far ahead cost nothing per tick", () => {
  const [few, many] = [timeTicks(10), timeTicks(10_000)];
  // Looking at each of them in every tick would make it hundreds of times as much.
  expect(many).toBeLessThan(few * 20 + 100);
});

/** Milliseconds that a minute of ticks takes while `count` entries wait for the next hour. */
function timeTicks(count: number): number {
  const wheel = new TimerWheel(0);
  for (let i = 0; i < count; i++) wheel.arm(createRecorder(), HOUR_MS);
  const started = performance.now();
  for (let now = TICK_MS; now <= 60_000; now += TICK_MS) wheel.advance(now);
  return performance.now() - started;
}
