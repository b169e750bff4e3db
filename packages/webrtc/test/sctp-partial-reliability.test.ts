import { describe, expect, test } from "vitest";
import { chunkNames, connectSctpPair, takeMessages } from "./support/sctp-pair.ts";

describe.each([
  ["I-DATA", true],
  ["DATA", false],
])("%s", (_, isInterleavingEnabled) => {
  const agreed = { a: { isInterleavingEnabled }, z: { isInterleavingEnabled } };

  // A → DATA 1 ✗   A → DATA 2 → Z   A → FORWARD TSN → Z
  test("with no retransmissions what is lost is skipped, and the rest comes in order", () => {
    for (let seed = 0; seed < 8; seed++) {
      const { a, pair } = connectSctpPair({
        ...agreed,
        seed: `skip ${seed}`,
        link: { delayMs: 30, lossRate: 0.2 },
      });
      for (let i = 0; i < 200; i++) {
        // One packet, and several.
        const size = i % 3 === 0 ? 4_000 : 50;
        a.send(1, 53, new Uint8Array(size).fill(i), { maxRetransmits: 0 }, pair.now());
        a.send(2, 53, new Uint8Array(50).fill(i), { maxRetransmits: 0, isOrdered: false }, pair.now());
        a.send(3, 53, new Uint8Array(50).fill(i), undefined, pair.now());
        pair.advance(10);
      }
      pair.drive(120_000, 15_000);
      const messages = takeMessages(pair.events("b"));
      const numbers = (id: number): number[] =>
        messages.filter(({ streamId }) => streamId === id).map(({ bytes }) => bytes[0]!);
      const ordered = numbers(1);
      expect(ordered.length).toBeGreaterThan(60);
      expect(ordered.length).toBeLessThan(200);
      expect(ordered).toEqual([...ordered].sort((x, y) => x - y));
      expect(new Set(numbers(2)).size).toBe(numbers(2).length);
      // A reliable stream of the same association loses nothing.
      expect(numbers(3)).toEqual(Array.from({ length: 200 }, (_, i) => i));
      for (const { bytes, streamId } of messages) {
        expect(bytes.length).toBe(streamId === 1 && bytes[0]! % 3 === 0 ? 4_000 : 50);
        expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
      }
      expect(a.statistics.abandonedMessages).toBeGreaterThan(10);
      const forward = isInterleavingEnabled ? "I-FORWARD-TSN" : "FORWARD TSN";
      expect(pair.ladder.entries().some(({ bytes }) => chunkNames(bytes).includes(forward))).toBe(true);
    }
  });

  test("a message lives as long as it was given", () => {
    const { a, pair } = connectSctpPair({
      ...agreed,
      link: { delayMs: 20, rateBps: 500_000, queueBytes: 10_000 },
    });
    const now = pair.now();
    // Two seconds' worth at once, of which what leaves within half a second is worth sending.
    for (let i = 0; i < 125; i++) a.send(1, 53, new Uint8Array(1_000).fill(i), { lifetimeMs: 500 }, now);
    pair.drive();
    const received = takeMessages(pair.events("b")).map(({ bytes }) => bytes[0]!);
    expect(received.length).toBeGreaterThan(15);
    expect(received.length).toBeLessThan(60);
    expect(received).toEqual([...received].sort((x, y) => x - y));
    expect(a.bufferedBytes).toBe(0);
    // And the stream goes on.
    a.send(1, 53, Uint8Array.of(200), undefined, pair.now());
    pair.drive();
    expect(takeMessages(pair.events("b")).map(({ bytes }) => bytes[0])).toEqual([200]);
  });

  // A → fragments 1…n → Z, acknowledged; the rest expires before it is sent.
  test("a message that expires while it is being sent does not block what follows", () => {
    const { a, pair } = connectSctpPair({
      ...agreed,
      link: { delayMs: 20, rateBps: 500_000, queueBytes: 5_000 },
    });
    a.send(1, 53, new Uint8Array(500_000), { lifetimeMs: 300 }, pair.now());
    a.send(1, 53, Uint8Array.of(7), undefined, pair.now());
    pair.drive();
    expect(takeMessages(pair.events("b")).map(({ bytes }) => bytes[0])).toEqual([7]);
    expect(a.statistics.abandonedMessages).toBe(1);
    expect(a.bufferedBytes).toBe(0);
  });

  test("so many retransmissions are made and no more", () => {
    const { a, pair } = connectSctpPair({ ...agreed, link: { delayMs: 20 } });
    pair.link.up.change({ lossRate: 1 });
    a.send(1, 53, Uint8Array.of(1), { maxRetransmits: 2 }, pair.now());
    const sent = (): number =>
      pair.ladder.entries().filter(({ from, bytes }) => from === "a" && /DATA/.test(chunkNames(bytes).join()))
        .length;
    const before = sent();
    pair.advance(30_000);
    expect(sent() - before).toBe(3);
    pair.link.up.change({ lossRate: 0 });
    a.send(1, 53, Uint8Array.of(2), undefined, pair.now());
    pair.drive();
    expect(takeMessages(pair.events("b")).map(({ bytes }) => bytes[0])).toEqual([2]);
  });
});

test("a lost FORWARD TSN is repeated", () => {
  const { a, pair } = connectSctpPair({ link: { delayMs: 20 } });
  pair.link.up.change({ lossRate: 1 });
  a.send(1, 53, Uint8Array.of(1), { maxRetransmits: 0 }, pair.now());
  pair.advance(5_000);
  pair.link.up.change({ lossRate: 0 });
  pair.drive(60_000, 10_000);
  expect(a.statistics.flightBytes).toBe(0);
  const told = pair.ladder.entries().filter(({ bytes }) => chunkNames(bytes).includes("I-FORWARD-TSN"));
  expect(told.length).toBeGreaterThan(1);
  expect(told.at(-1)?.outcome).toMatchObject({ type: "delivered" });
});
