import { describe, expect, test } from "vitest";
import type { LinkOptions } from "../src/testing/index.ts";
import { SeededRandom } from "../src/testing/index.ts";
import { connectSctpPair, type SctpPair, takeMessages } from "./support/sctp-pair.ts";

const CONDITIONS: Readonly<Record<string, LinkOptions>> = {
  "no trouble": {},
  "5 % loss, 20 ms": { lossRate: 0.05, delayMs: 20 },
  "15 % loss, 50 ms": { lossRate: 0.15, delayMs: 50 },
  "30 % loss, 100 ms": { lossRate: 0.3, delayMs: 100 },
  "10 % loss, 600 ms": { lossRate: 0.1, delayMs: 600 },
  "bursts of loss": { burstLoss: { enterRate: 0.02, exitRate: 0.2 }, delayMs: 30 },
  "reordering and duplication": { reorderRate: 0.2, reorderDelayMs: 60, duplicateRate: 0.2, delayMs: 20 },
  "everything at once": {
    lossRate: 0.1,
    reorderRate: 0.2,
    reorderDelayMs: 100,
    duplicateRate: 0.1,
    delayMs: 40,
    jitterMs: 30,
  },
  "a slow link with a short queue": { rateBps: 400_000, queueBytes: 8_000, delayMs: 30 },
};

describe.each([
  ["I-DATA", true],
  ["DATA", false],
])("%s", (_, isInterleavingEnabled) => {
  test.each(Object.entries(CONDITIONS))(
    "nothing is lost, repeated or reordered on ordered streams: %s",
    (name, link) => {
      for (let seed = 0; seed < 4; seed++) {
        exchange(
          connectSctpPair({
            seed: `${name} ${seed}`,
            link,
            a: { isInterleavingEnabled },
            z: { isInterleavingEnabled },
          }),
          `${name} ${seed}`,
        );
      }
    },
  );
});

test("a message of 8 MiB goes through a window of 64 KiB, whole, beside small ones", () => {
  const { a, pair } = connectSctpPair({
    link: { lossRate: 0.02, delayMs: 5 },
    z: { receiveWindowBytes: 65_536 },
  });
  const large = Uint8Array.from({ length: 8 * 1024 * 1024 }, (_, i) => (i * 7) ^ (i >>> 11));
  a.send(1, 53, large, undefined, pair.now());
  for (let i = 0; i < 10; i++) a.send(2, 51, Uint8Array.of(i), undefined, pair.now());
  expect(a.bufferedAmount(1)).toBe(large.length);
  expect(a.bufferedAmount(2)).toBe(10);
  pair.driveUntil(() => pair.events("b").filter(({ type }) => type === "message").length === 11, 600_000);
  const messages = takeMessages(pair.events("b"));
  // Interleaving: the small ones do not wait for the large one.
  expect(messages.at(-1)?.streamId).toBe(1);
  expect(Buffer.compare(messages.at(-1)!.bytes, large)).toBe(0);
  expect(a.bufferedAmount(1)).toBe(0);
});

test("a message above what the other side accepts ends the association with the reason", () => {
  const { a, z, pair } = connectSctpPair({ z: { maxMessageBytes: 10_000 } });
  a.send(1, 53, new Uint8Array(20_000), undefined, pair.now());
  pair.drive();
  expect(z.isClosed).toBe(true);
  expect(pair.events("b").at(-1)).toMatchObject({ reason: "protocolViolation", detail: "message too large" });
  expect(pair.events("a").at(-1)).toMatchObject({ reason: "aborted", detail: "Out of Resource" });
});

test("sending is refused above the limit, and told when it falls to the threshold", () => {
  const { a, pair } = connectSctpPair({ a: { maxBufferedBytes: 100_000 } });
  a.setBufferedAmountLowThreshold(4, 30_000);
  let taken = 0;
  while (a.send(4, 53, new Uint8Array(10_000), undefined, pair.now())) taken++;
  expect(taken).toBe(10);
  expect(a.bufferedAmount(4)).toBe(100_000);
  expect(a.isWritable).toBe(false);
  pair.drive();
  expect(pair.events("a").filter(({ type }) => type === "bufferedAmountLow")).toEqual([
    { type: "bufferedAmountLow", streamId: 4 },
  ]);
});

test("capacity is shared by priority, and no stream is starved", () => {
  const { a, pair } = connectSctpPair({ link: { rateBps: 4e6, delayMs: 10, queueBytes: 20_000 } });
  const priorities = [128, 256, 512, 1024];
  priorities.forEach((priority, streamId) => {
    a.setStreamPriority(streamId, priority);
    for (let i = 0; i < 400; i++) a.send(streamId, 53, new Uint8Array(5_000), undefined, pair.now());
  });
  pair.advance(2_000);
  const received = [0, 0, 0, 0];
  for (const { streamId, bytes } of takeMessages(pair.events("b"))) received[streamId]! += bytes.length;
  const total = received.reduce((sum, bytes) => sum + bytes, 0);
  priorities.forEach((priority, streamId) => {
    expect(received[streamId]! / total).toBeCloseTo(priority / 1920, 1);
  });
});

test("thousands of streams at once", () => {
  const { a, pair } = connectSctpPair({ link: { lossRate: 0.02, delayMs: 10 } });
  for (let id = 0; id < 20_000; id++) a.send(id * 3, 53, Uint8Array.of(id, id >> 8), undefined, pair.now());
  pair.driveUntil(() => pair.events("b").filter(({ type }) => type === "message").length >= 20_000, 600_000);
  const ids = new Set(takeMessages(pair.events("b")).map(({ streamId }) => streamId));
  expect(ids.size).toBe(20_000);
});

test("a pause in which nothing arrives is survived, and the first packet after it is soon", () => {
  const { a, pair } = connectSctpPair({ link: { delayMs: 25 } });
  a.send(1, 53, new Uint8Array(300_000), undefined, pair.now());
  pair.advance(60);
  pair.link.up.change({ lossRate: 1 });
  pair.link.down.change({ lossRate: 1 });
  pair.advance(20_000);
  pair.link.up.change({ lossRate: 0 });
  pair.link.down.change({ lossRate: 0 });
  const start = pair.now();
  pair.driveUntil(() => pair.events("b").some(({ type }) => type === "message"), 60_000);
  expect(pair.now() - start).toBeLessThan(7_500);
});

test("told of a new path, it does not wait for its timers", () => {
  const { a, z, pair } = connectSctpPair({ link: { delayMs: 25 } });
  a.send(1, 53, new Uint8Array(300_000), undefined, pair.now());
  pair.advance(60);
  pair.link.up.change({ lossRate: 1 });
  pair.link.down.change({ lossRate: 1 });
  pair.advance(10_000);
  pair.link.up.change({ lossRate: 0 });
  pair.link.down.change({ lossRate: 0 });
  a.handlePathChange(pair.now());
  z.handlePathChange(pair.now());
  const start = pair.now();
  pair.driveUntil(() => pair.events("b").some(({ type }) => type === "message"), 60_000);
  expect(pair.now() - start).toBeLessThan(1_500);
});

test("a lost last packet is repeated by a probe, sooner than by the retransmission timer", () => {
  const { a, pair } = connectSctpPair({ link: { delayMs: 25 } });
  for (let i = 0; i < 20; i++) {
    a.send(1, 53, new Uint8Array(3_000), undefined, pair.now());
    pair.advance(100);
  }
  takeMessages(pair.events("b"));
  pair.link.up.change({ lossRate: 1 });
  a.send(1, 53, new Uint8Array(3_000), undefined, pair.now());
  pair.advance(1);
  pair.link.up.change({ lossRate: 0 });
  const start = pair.now();
  pair.driveUntil(() => pair.events("b").some(({ type }) => type === "message"));
  expect(pair.now() - start).toBeLessThan(300);
  expect(a.statistics.congestionEvents).toBe(0);
});

test("full packets grow to what the path carries, and what that costs is no sign of congestion", () => {
  const { a, pair } = connectSctpPair({ link: { delayMs: 10, mtuBytes: 1400 } });
  a.send(1, 53, new Uint8Array(2_000_000), undefined, pair.now());
  pair.driveUntil(() => pair.events("b").some(({ type }) => type === "message"));
  pair.advance(15_000);
  const grown = a.statistics.packetBytes;
  expect(grown).toBeGreaterThan(1_250);
  expect(grown).toBeLessThanOrEqual(1400 - 65);
  expect(a.statistics.congestionEvents).toBe(0);
});

test("a channel that is used a little sends no probes", () => {
  const { a, pair } = connectSctpPair();
  for (let i = 0; i < 50; i++) {
    a.send(1, 53, new Uint8Array(100), undefined, pair.now());
    pair.advance(20);
  }
  expect(pair.ladder.entries().every(({ bytes }) => bytes.length < 1_000)).toBe(true);
});

/** Sends messages of all sizes both ways on several streams, and compares what comes out. */
function exchange({ a, z, pair, arena }: SctpPair, seed: string): void {
  const random = new SeededRandom(`exchange ${seed}`);
  const sent = { a: new Map<number, number[]>(), b: new Map<number, number[]>() };
  const messages = 60;
  for (let i = 0; i < messages; i++) {
    for (const [side, association] of [
      ["a", a],
      ["b", z],
    ] as const) {
      const streamId = random.integer(0, 4);
      const size = random.chance(0.2) ? random.integer(1_000, 20_000) : random.integer(1, 800);
      const bytes = new Uint8Array(size).fill(i);
      expect(association.send(streamId, 53, bytes, undefined, pair.now())).toBe(true);
      const list = sent[side].get(streamId) ?? [];
      list.push(i * 100_000 + size);
      sent[side].set(streamId, list);
    }
    pair.advance(random.integer(0, 20));
  }
  const count = (side: "a" | "b"): number =>
    pair.events(side).filter(({ type }) => type === "message").length;
  pair.driveUntil(() => count("a") === messages && count("b") === messages, 600_000);
  pair.advance(5_000);
  for (const [from, to] of [
    ["a", "b"],
    ["b", "a"],
  ] as const) {
    const received = new Map<number, number[]>();
    for (const { streamId, bytes } of takeMessages(pair.events(to))) {
      expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
      const list = received.get(streamId) ?? [];
      list.push(bytes[0]! * 100_000 + bytes.length);
      received.set(streamId, list);
    }
    expect(received).toEqual(sent[from]);
  }
  expect(arena.inUse).toBe(0);
}
