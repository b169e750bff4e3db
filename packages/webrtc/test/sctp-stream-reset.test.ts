import { describe, expect, test } from "vitest";
import { chunkNames, connectSctpPair, takeMessages } from "./support/sctp-pair.ts";

const one = Uint8Array.of(1);

describe.each([
  ["I-DATA", true],
  ["DATA", false],
])("%s", (_, isInterleavingEnabled) => {
  const agreed = { a: { isInterleavingEnabled }, z: { isInterleavingEnabled } };

  // A → DATA, RE-CONFIG(outgoing reset) → Z   A ← RE-CONFIG(performed) ← Z   A → DATA (SSN 0) → Z
  test("everything sent before a reset arrives before it, and the stream starts again, under loss", () => {
    for (let seed = 0; seed < 15; seed++) {
      const link = { delayMs: 20, lossRate: 0.2, reorderRate: 0.1, reorderDelayMs: 40 };
      const { a, pair } = connectSctpPair({ ...agreed, seed: `reset ${seed}`, link });
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 10; i++) a.send(5, 53, new Uint8Array(900).fill(i), undefined, pair.now());
        expect(a.resetStreams([5], false, pair.now())).toBe(true);
        expect(() => a.send(5, 53, one, undefined, pair.now())).toThrow("being reset");
        pair.driveUntil(() => pair.events("a").some(({ type }) => type === "outgoingStreamsReset"), 120_000);
        pair.driveUntil(() => pair.events("b").some(({ type }) => type === "incomingStreamsReset"), 120_000);
        const types = pair
          .events("b")
          .map(({ type }) => type)
          .filter((type) => type !== "connected");
        expect(types).toEqual([...Array.from({ length: 10 }, () => "message"), "incomingStreamsReset"]);
        expect(pair.events("a")).toContainEqual({
          type: "outgoingStreamsReset",
          streamIds: [5],
          isReset: true,
        });
        pair.events("a").length = 0;
        pair.events("b").length = 0;
      }
    }
  });

  test("both directions and many streams are reset at once", () => {
    const { a, z, pair } = connectSctpPair({ ...agreed, link: { delayMs: 20, lossRate: 0.1 } });
    const ids = Array.from({ length: 1_500 }, (_, i) => i);
    for (const id of ids) {
      a.send(id, 53, one, undefined, pair.now());
      z.send(id, 53, one, undefined, pair.now());
    }
    a.resetStreams(ids, false, pair.now());
    z.resetStreams(ids, false, pair.now());
    const reset = (side: "a" | "b"): number =>
      pair
        .events(side)
        .flatMap((event) => (event.type === "incomingStreamsReset" ? [...event.streamIds] : [])).length;
    pair.driveUntil(() => reset("a") === 1_500 && reset("b") === 1_500, 120_000);
    expect(takeMessages(pair.events("a"))).toHaveLength(1_500);
    expect(takeMessages(pair.events("b"))).toHaveLength(1_500);
  });

  test("what waits can be dropped instead", () => {
    const { a, pair } = connectSctpPair({
      ...agreed,
      link: { delayMs: 20, rateBps: 1e6, queueBytes: 20_000 },
    });
    for (let i = 0; i < 100; i++) a.send(5, 53, new Uint8Array(10_000), undefined, pair.now());
    pair.advance(100);
    a.resetStreams([5], true, pair.now());
    expect(a.bufferedAmount(5)).toBeLessThan(10_000);
    pair.driveUntil(() => pair.events("b").some(({ type }) => type === "incomingStreamsReset"));
    expect(takeMessages(pair.events("b")).length).toBeLessThan(20);
    expect(a.bufferedBytes).toBe(0);
  });
});

// A → DATA ✗   A → RE-CONFIG → Z   A ← RE-CONFIG(in progress) ← Z   A → DATA again → Z   A ← RE-CONFIG(performed) ← Z
test("a reset that overtakes its data waits for it", () => {
  const { a, pair } = connectSctpPair({ link: { delayMs: 20 } });
  a.send(5, 53, new Uint8Array(3_000), undefined, pair.now());
  pair.link.up.change({ lossRate: 1 });
  pair.advance(1);
  pair.link.up.change({ lossRate: 0 });
  a.resetStreams([5], false, pair.now());
  pair.driveUntil(() => pair.events("a").some(({ type }) => type === "outgoingStreamsReset"));
  const types = pair.events("b").map(({ type }) => type);
  expect(types).toEqual(["connected", "message", "incomingStreamsReset"]);
  const answers = pair.ladder
    .entries()
    .filter(({ from, bytes }) => from === "b" && chunkNames(bytes).includes("RE-CONFIG"));
  expect(answers.length).toBeGreaterThan(1);
});

test("streams are added when the peer grants more", () => {
  const { a, z, pair } = connectSctpPair({ a: { outboundStreams: 4 } });
  expect(a.outboundStreams).toBe(4);
  expect(() => a.send(7, 53, one, undefined, pair.now())).toThrow("from 0 to 3");
  expect(a.addOutgoingStreams(6, pair.now())).toBe(true);
  pair.drive();
  expect(pair.events("a")).toContainEqual({
    type: "outgoingStreamsAdded",
    outboundStreams: 10,
    isAdded: true,
  });
  expect(pair.events("b")).toContainEqual({ type: "incomingStreamsAdded", inboundStreams: 10 });
  a.send(7, 53, one, undefined, pair.now());
  pair.drive();
  expect(takeMessages(pair.events("b"))).toHaveLength(1);
  expect(z.state).toBe("established");
});

test("a refusal to add streams is told", () => {
  const { a, pair } = connectSctpPair({ a: { outboundStreams: 4 }, z: { inboundStreams: 4 } });
  a.addOutgoingStreams(6, pair.now());
  pair.drive();
  expect(pair.events("a")).toContainEqual({
    type: "outgoingStreamsAdded",
    outboundStreams: 4,
    isAdded: false,
  });
});
