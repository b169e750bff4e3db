import { describe, expect, test } from "vitest";
import type { DataChannelEvent } from "../src/datachannel/index.ts";
import { encodeDcepOpen } from "../src/datachannel/index.ts";
import { connectChannelPair, createChannelPair } from "./support/sctp-pair.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function of<T extends DataChannelEvent["type"]>(
  events: readonly DataChannelEvent[],
  type: T,
): Extract<DataChannelEvent, { type: T }>[] {
  return events.filter((event): event is Extract<DataChannelEvent, { type: T }> => event.type === type);
}

// A → DATA_CHANNEL_OPEN, message → Z   A ← DATA_CHANNEL_ACK ← Z
test("a channel opened before the connection is announced with all it is, and open on both sides", () => {
  const { a, z, pair } = createChannelPair();
  const channel = a.open(
    { label: "채팅 ☎", protocol: "chat/1", isOrdered: false, maxRetransmits: 3, priority: 512 },
    0,
  );
  expect(channel).toMatchObject({ state: "connecting", streamId: undefined });
  expect(() => a.send(channel, text("no"), true, 0)).toThrow("this one is connecting");
  a.connect("client", 0);
  z.connect("server", 0);
  pair.drive();
  expect(pair.events("a").map(({ type }) => type)).toEqual(["connected", "open"]);
  expect(pair.events("b").map(({ type }) => type)).toEqual(["connected", "channel", "open"]);
  expect(of(pair.events("b"), "channel")[0]?.channel).toMatchObject({
    label: "채팅 ☎",
    protocol: "chat/1",
    isOrdered: false,
    maxRetransmits: 3,
    maxPacketLifeTimeMs: undefined,
    priority: 512,
    streamId: 0,
    isNegotiated: false,
  });
  a.send(channel, text("안녕"), true, pair.now());
  pair.drive();
  expect(of(pair.events("b"), "message")).toMatchObject([{ isText: true, bytes: text("안녕") }]);
});

test("the DTLS client has the even numbers and the server the odd ones", () => {
  const { a, z, pair } = connectChannelPair();
  const ofA = [1, 2, 3].map((n) => a.open({ label: `${n}` }, pair.now()));
  const ofZ = [1, 2, 3].map((n) => z.open({ label: `${n}` }, pair.now()));
  expect(ofA.map(({ streamId }) => streamId)).toEqual([0, 2, 4]);
  expect(ofZ.map(({ streamId }) => streamId)).toEqual([1, 3, 5]);
  pair.drive();
  expect(of(pair.events("a"), "channel")).toHaveLength(3);
  expect(of(pair.events("b"), "channel")).toHaveLength(3);
});

test("text, binary and empty messages arrive as they are", () => {
  const { a, pair } = connectChannelPair();
  const channel = a.open({ label: "x" }, pair.now());
  a.send(channel, text("text"), true, pair.now());
  a.send(channel, Uint8Array.of(0, 1), false, pair.now());
  a.send(channel, new Uint8Array(0), true, pair.now());
  a.send(channel, new Uint8Array(0), false, pair.now());
  a.send(channel, Uint8Array.of(0), false, pair.now());
  pair.drive();
  expect(of(pair.events("b"), "message").map(({ isText, bytes }) => [isText, [...bytes]])).toEqual([
    [true, [...text("text")]],
    [false, [0, 1]],
    [true, []],
    [false, []],
    [false, [0]],
  ]);
  expect(channel).toMatchObject({ messagesSent: 5, bytesSent: 7 });
});

test("a negotiated channel is open on both sides without a word, whoever is first", () => {
  const { a, z, pair } = connectChannelPair();
  const mine = a.open({ label: "n", negotiatedId: 1000 }, pair.now());
  expect(mine.state).toBe("open");
  a.send(mine, text("early"), true, pair.now());
  pair.drive();
  expect(of(pair.events("b"), "message")).toHaveLength(0);
  const theirs = z.open({ label: "n", negotiatedId: 1000 }, pair.now());
  pair.drive();
  expect(of(pair.events("b"), "message")).toMatchObject([{ channel: theirs, bytes: text("early") }]);
  expect(of(pair.events("b"), "channel")).toHaveLength(0);
  expect(() => a.open({ label: "again", negotiatedId: 1000 }, pair.now())).toThrow("in use");
});

describe.each([0, 0.15])("at a loss of %d", (lossRate) => {
  // A → RE-CONFIG → Z: closing   A ← RE-CONFIG ← Z   both: closed
  test("closing lets everything arrive first, closes both sides, and the number is used again", () => {
    const { a, z, pair } = connectChannelPair({ link: { delayMs: 20, lossRate } });
    for (let round = 0; round < 5; round++) {
      const channel = a.open({ label: `round ${round}` }, pair.now());
      expect(channel.streamId).toBe(0);
      for (let i = 0; i < 20; i++) a.send(channel, new Uint8Array(2_000).fill(i), false, pair.now());
      a.close(channel, pair.now());
      expect(channel.state).toBe("closing");
      expect(() => a.send(channel, text("late"), true, pair.now())).toThrow("closing");
      pair.driveUntil(
        () => of(pair.events("a"), "closed").length === 1 && of(pair.events("b"), "closed").length === 1,
        120_000,
      );
      const types = pair
        .events("b")
        .map(({ type }) => type)
        .filter((type) => type !== "connected");
      expect(types).toEqual([
        "channel",
        "open",
        ...Array.from({ length: 20 }, () => "message"),
        "closing",
        "closed",
      ]);
      expect(a.channels).toHaveLength(0);
      expect(z.channels).toHaveLength(0);
      pair.events("a").length = 0;
      pair.events("b").length = 0;
    }
  });

  test("both sides close the same channels at the same time", () => {
    const { a, z, pair } = connectChannelPair({ link: { delayMs: 20, lossRate } });
    const mine = Array.from({ length: 50 }, (_, i) => a.open({ label: `${i}` }, pair.now()));
    pair.driveUntil(() => z.channels.length === 50, 120_000);
    for (const channel of mine) a.close(channel, pair.now());
    for (const channel of z.channels) z.close(channel, pair.now());
    pair.driveUntil(() => a.channels.length === 0 && z.channels.length === 0, 120_000);
    expect(of(pair.events("a"), "closed")).toHaveLength(50);
    expect(of(pair.events("b"), "closed")).toHaveLength(50);
  });
});

test("five thousand channels, each with its messages, then all closed", () => {
  const { a, z, pair } = connectChannelPair({ link: { delayMs: 5 } });
  const channels = Array.from({ length: 5_000 }, (_, i) => a.open({ label: `${i}` }, pair.now()));
  for (const channel of channels) a.send(channel, text(channel.label), true, pair.now());
  pair.driveUntil(() => of(pair.events("b"), "message").length === 5_000, 60_000);
  for (const { channel, bytes } of of(pair.events("b"), "message"))
    expect(bytes).toEqual(text(channel.label));
  for (const channel of channels) a.close(channel, pair.now());
  pair.driveUntil(() => a.channels.length === 0 && z.channels.length === 0, 120_000);
});

test("what waits is counted exactly, and its end is told", () => {
  const { a, pair } = connectChannelPair({ link: { rateBps: 1e6, delayMs: 10, queueBytes: 10_000 } });
  const channel = a.open({ label: "x" }, pair.now());
  pair.drive();
  a.setBufferedAmountLowThreshold(channel, 20_000);
  for (let i = 0; i < 10; i++) a.send(channel, new Uint8Array(10_000), false, pair.now());
  expect(a.bufferedAmount(channel)).toBe(100_000);
  pair.driveUntil(() => of(pair.events("a"), "bufferedAmountLow").length > 0);
  expect(a.bufferedAmount(channel)).toBeLessThanOrEqual(20_000);
  expect(a.bufferedAmount(channel)).toBeGreaterThan(15_000);
  pair.drive();
  expect(of(pair.events("a"), "bufferedAmountLow")).toHaveLength(1);
});

test("the end of the association closes every channel", () => {
  const { a, z, pair } = connectChannelPair();
  a.open({ label: "1" }, pair.now());
  z.open({ label: "2" }, pair.now());
  pair.drive();
  a.disconnect(pair.now());
  pair.drive();
  for (const side of ["a", "b"] as const) {
    expect(of(pair.events(side), "closed")).toHaveLength(2);
    expect(pair.events(side).at(-1)?.type).toBe("disconnected");
  }
  expect(() => a.open({ label: "3" }, pair.now())).toThrow("is over");
});

test("an OPEN on a number of ours, one twice, and what is none are refused by a reset", () => {
  const { a, z, pair } = connectChannelPair();
  const parameters = {
    label: "",
    protocol: "",
    isOrdered: true,
    maxRetransmits: undefined,
    maxPacketLifeTimeMs: undefined,
    priority: 256,
  };
  const open = encodeDcepOpen(parameters);
  // Odd numbers are the server's: not for `a` to announce.
  a.association.send(7, 50, open.slice(), undefined, pair.now());
  a.association.send(8, 50, Uint8Array.of(9, 9), undefined, pair.now());
  a.association.send(10, 50, open.slice(), undefined, pair.now());
  a.association.send(10, 50, open.slice(), undefined, pair.now());
  pair.drive();
  expect(z.counters.badDcep).toBe(3);
  expect(z.counters.refusedChannels).toBe(2);
  expect(z.channels).toHaveLength(1);
});

test("there are at most as many channels as may be", () => {
  const { a, z, pair } = connectChannelPair({ a: { maxChannels: 5 }, z: { maxChannels: 3 } });
  for (let i = 0; i < 5; i++) a.open({ label: `${i}` }, pair.now());
  expect(() => a.open({ label: "one more" }, pair.now())).toThrow("no more may be");
  pair.driveUntil(() => of(pair.events("a"), "closed").length === 2);
  expect(z.channels).toHaveLength(3);
  expect(a.channels).toHaveLength(3);
});

test("messages with the deprecated PPIDs are put together", () => {
  const { a, pair } = connectChannelPair();
  a.open({ label: "x" }, pair.now());
  pair.drive();
  for (const [ppid, value] of [
    [54, "one "],
    [54, "two "],
    [51, "three"],
    [52, "bin"],
    [53, "ary"],
    [51, "whole"],
  ] as const) {
    a.association.send(0, ppid, text(value), undefined, pair.now());
  }
  pair.drive();
  expect(
    of(pair.events("b"), "message").map(({ isText, bytes }) => [isText, new TextDecoder().decode(bytes)]),
  ).toEqual([
    [true, "one two three"],
    [false, "binary"],
    [true, "whole"],
  ]);
});

test("with fewer streams granted, more are asked for when they are needed", () => {
  const { a, z, pair } = connectChannelPair({ a: { outboundStreams: 4 }, z: { outboundStreams: 100 } });
  const channels = Array.from({ length: 6 }, (_, i) => a.open({ label: `${i}` }, pair.now()));
  pair.drive();
  expect(channels.map(({ state }) => state)).toEqual(Array.from({ length: 6 }, () => "open"));
  expect(z.channels).toHaveLength(6);
});

test.each([
  [{ label: "x".repeat(65_536) }, TypeError],
  [{ label: "", protocol: "가".repeat(30_000) }, TypeError],
  [{ label: "", maxRetransmits: 1, maxPacketLifeTimeMs: 1 }, TypeError],
  [{ label: "", maxRetransmits: 65_536 }, RangeError],
  [{ label: "", maxPacketLifeTimeMs: -1 }, RangeError],
  [{ label: "", negotiatedId: 65_535 }, RangeError],
])("options that no channel can have are refused", (options, error) => {
  const { a } = createChannelPair();
  expect(() => a.open(options, 0)).toThrow(error);
});
