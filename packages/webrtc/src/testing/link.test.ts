import { describe, expect, test } from "vitest";
import { type LinkConditions, LinkDirection } from "./link.ts";
import { SeededRandom } from "./seeded-random.ts";
import { VirtualClock } from "./virtual-clock.ts";

interface Item {
  readonly number: number;
}

interface Bench {
  readonly clock: VirtualClock;
  readonly link: LinkDirection<Item>;
  readonly arrivals: { number: number; at: number }[];
  readonly drops: { number: number; reason: string }[];
}

test("a packet takes the delay of the link", () => {
  const { clock, link, arrivals } = createBench({ delayMs: 12.5 });
  link.send({ number: 1 }, 100);
  clock.advance(100);
  expect(arrivals).toEqual([{ number: 1, at: 12.5 }]);
});

test("jitter is spread over its range and keeps the order of packets", () => {
  const { clock, link, arrivals } = createBench({ delayMs: 20, jitterMs: 10 });
  sendEvery(clock, link, 2000, 15);
  expect(arrivals.map(({ number }) => number)).toEqual(Array.from({ length: 2000 }, (_, i) => i));
  const delays = arrivals.map(({ number, at }) => at - number * 15);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(20);
  expect(Math.max(...delays)).toBeLessThan(30);
  // Uniform over 10 ms: the mean of 2000 is within 0.3 ms of 25 (more than four standard errors).
  expect(mean(delays)).toBeGreaterThan(24.7);
  expect(mean(delays)).toBeLessThan(25.3);
});

test("random loss takes its share", () => {
  const { clock, link, drops } = createBench({ lossRate: 0.1 });
  sendEvery(clock, link, 20_000, 1);
  // Binomial: standard deviation 42 packets; five of them on either side.
  expect(drops.length).toBeGreaterThan(1790);
  expect(drops.length).toBeLessThan(2210);
  expect(new Set(drops.map(({ reason }) => reason))).toEqual(new Set(["lost"]));
});

test("burst loss has the mean burst and the share that its model says", () => {
  const { clock, link, drops } = createBench({ burstLoss: { enterRate: 0.01, exitRate: 0.2 } });
  sendEvery(clock, link, 50_000, 1);
  const share = drops.length / 50_000;
  // enter / (enter + exit) = 4.76 %
  expect(share).toBeGreaterThan(0.038);
  expect(share).toBeLessThan(0.058);
  const bursts = drops.filter(({ number }, i) => drops[i - 1]?.number !== number - 1).length;
  // 1 / exit = 5 packets
  expect(drops.length / bursts).toBeGreaterThan(4.3);
  expect(drops.length / bursts).toBeLessThan(5.8);
});

test("a link that loses everything delivers nothing, and does again when that ends", () => {
  const { clock, link, arrivals } = createBench({ lossRate: 1 });
  sendEvery(clock, link, 10, 1);
  link.change({ lossRate: 0 });
  sendEvery(clock, link, 10, 1);
  expect(arrivals).toHaveLength(10);
});

test("reordered packets are overtaken, and by default none is", () => {
  const { clock, link, arrivals } = createBench({ delayMs: 5, reorderRate: 0.2, reorderDelayMs: 3 });
  sendEvery(clock, link, 1000, 1);
  expect(arrivals).toHaveLength(1000);
  const overtaken = arrivals.filter(({ number }, i) => number < (arrivals[i - 1]?.number ?? -1)).length;
  expect(overtaken).toBeGreaterThan(100);
  const plain = createBench({ delayMs: 5, jitterMs: 20 });
  sendEvery(plain.clock, plain.link, 1000, 1);
  expect(plain.arrivals.every(({ number }, i) => number === i)).toBe(true);
});

test("duplicated packets arrive twice", () => {
  const { clock, link, arrivals } = createBench({ duplicateRate: 0.25 });
  sendEvery(clock, link, 4000, 1);
  expect(arrivals.length).toBeGreaterThan(4000 + 850);
  expect(arrivals.length).toBeLessThan(4000 + 1150);
  expect(link.counters.duplicated).toBe(arrivals.length - 4000);
});

describe("a rate limit", () => {
  test("spaces packets by the time they take to send", () => {
    // 1000 bytes at 1 Mbit/s take 8 ms.
    const { clock, link, arrivals } = createBench({ delayMs: 10, rateBps: 1_000_000 });
    for (let number = 0; number < 4; number++) link.send({ number }, 1000);
    clock.advance(1000);
    expect(arrivals.map(({ at }) => at)).toEqual([18, 26, 34, 42]);
  });

  test("lets through what it says and drops the rest at the tail of a full queue", () => {
    const { clock, link, drops } = createBench({ rateBps: 1_000_000, queueBytes: 10_000 });
    // 1000 bytes each 4 ms are 2 Mbit/s.
    sendEvery(clock, link, 2500, 4);
    const rateBps = (link.counters.deliveredBytes * 8) / 10;
    expect(rateBps).toBeGreaterThan(980_000);
    expect(rateBps).toBeLessThan(1_020_000);
    expect(drops.every(({ reason }) => reason === "queue full")).toBe(true);
    expect(link.counters.queueFull).toBe(drops.length);
  });

  test("never lets more wait than the queue holds", () => {
    const { link } = createBench({ rateBps: 1_000_000, queueBytes: 5000 });
    for (let number = 0; number < 100; number++) link.send({ number }, 700);
    expect(link.queuedBytes).toBe(4900);
    expect(link.counters.queueFull).toBe(93);
  });

  test("that changes keeps the bytes in the queue", () => {
    const { clock, link, arrivals } = createBench({ delayMs: 0, rateBps: 800_000, queueBytes: 50_000 });
    for (let number = 0; number < 10; number++) link.send({ number }, 1000);
    clock.advance(50);
    expect(link.queuedBytes).toBeCloseTo(5000);
    link.change({ rateBps: 8_000_000 });
    expect(link.queuedBytes).toBeCloseTo(5000);
    link.send({ number: 10 }, 1000);
    clock.advance(1000);
    // The ten that wait were timed already; the new one comes after them in order.
    expect(arrivals.at(-1)?.number).toBe(10);
  });
});

test("a packet larger than the MTU is dropped and one as large passes", () => {
  const { clock, link, arrivals, drops } = createBench({ mtuBytes: 1280 });
  link.send({ number: 1 }, 1280);
  link.send({ number: 2 }, 1281);
  clock.advance(10);
  expect(arrivals.map(({ number }) => number)).toEqual([1]);
  expect(drops).toEqual([{ number: 2, reason: "larger than the MTU" }]);
});

test("switching one effect on does not shift the random numbers of another", () => {
  const lostNumbers = (conditions: Partial<LinkConditions>): number[] => {
    const { clock, link, drops } = createBench(conditions);
    sendEvery(clock, link, 500, 1);
    return drops.map(({ number }) => number);
  };
  const alone = lostNumbers({ lossRate: 0.1 });
  expect(alone.length).toBeGreaterThan(10);
  expect(lostNumbers({ lossRate: 0.1, jitterMs: 5, duplicateRate: 0.3, reorderRate: 0.1 })).toEqual(alone);
});

test("a tap sees every packet, also those that are lost", () => {
  const { clock, link } = createBench({ lossRate: 1 });
  const seen: number[] = [];
  link.tap(({ number }) => seen.push(number));
  sendEvery(clock, link, 3, 1);
  expect(seen).toEqual([0, 1, 2]);
});

test("impossible conditions are refused", () => {
  const { link } = createBench({});
  expect(() => link.change({ lossRate: 1.5 })).toThrow(/from 0 to 1, got 1.5/);
  expect(() => link.change({ delayMs: -1 })).toThrow(/not negative, got -1/);
  expect(() => link.change({ rateBps: 0 })).toThrow(/above 0/);
});

function createBench(conditions: Partial<LinkConditions>): Bench {
  const clock = new VirtualClock();
  const arrivals: Bench["arrivals"] = [];
  const drops: Bench["drops"] = [];
  const link = new LinkDirection<Item>(
    clock,
    new SeededRandom("link test"),
    {
      deliver: ({ number }) => void arrivals.push({ number, at: clock.now() }),
      drop: ({ number }, reason) => void drops.push({ number, reason }),
      duplicate: (item) => item,
    },
    conditions,
  );
  return { clock, link, arrivals, drops };
}

/** Packets of 1000 bytes, numbered from 0, one every `intervalMs`; then waits until all have arrived. */
function sendEvery(clock: VirtualClock, link: LinkDirection<Item>, count: number, intervalMs: number): void {
  for (let number = 0; number < count; number++) {
    link.send({ number }, 1000);
    clock.advance(clock.now() + intervalMs);
  }
  clock.advance(clock.now() + 1000);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
