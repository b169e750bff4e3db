/** What somebody can do who gets packets past DTLS (a hostile peer), and what forged or mutated packets do. */
import { describe, expect, test } from "vitest";
import { writeUint16, writeUint32 } from "../src/bytes/index.ts";
import { crc32c } from "../src/kernel/index.ts";
import { SeededRandom } from "../src/testing/index.ts";
import { chunkNames, connectSctpPair, type SctpPair, takeMessages } from "./support/sctp-pair.ts";

const one = Uint8Array.of(1);

/** A packet to `a` as the peer would write it. */
function packet(tag: number, ...chunks: number[][]): Uint8Array {
  const bytes = new Uint8Array(12 + chunks.reduce((sum, chunk) => sum + ((chunk.length + 3) & ~3), 0));
  writeUint16(bytes, 0, 5000);
  writeUint16(bytes, 2, 5000);
  writeUint32(bytes, 4, tag);
  let offset = 12;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += (chunk.length + 3) & ~3;
  }
  const checksum = crc32c(bytes);
  for (let i = 0; i < 4; i++) bytes[8 + i] = checksum >>> (8 * i);
  return bytes;
}

function chunk(type: number, flags: number, value: readonly number[]): number[] {
  const length = value.length + 4;
  return [type, flags, length >> 8, length & 0xff, ...value];
}

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** The tag that packets to `a` carry, and the last TSN it has acknowledged. */
function knowledge(pair: SctpPair): { tag: number; tsn: number } {
  pair.z.send(0, 53, one, undefined, pair.pair.now());
  pair.pair.drive();
  const entry = pair.pair.ladder
    .entries()
    .findLast(({ from, bytes }) => from === "b" && chunkNames(bytes).includes("I-DATA"));
  const { bytes } = entry!;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let offset = 12;
  while (bytes[offset] !== 0x40) offset += (view.getUint16(offset + 2) + 3) & ~3;
  takeMessages(pair.pair.events("a"));
  return { tag: view.getUint32(4), tsn: view.getUint32(offset + 4) };
}

describe("packets with a wrong tag change nothing", () => {
  test.each([
    ["ABORT", chunk(6, 0, [])],
    ["ABORT with the T bit", chunk(6, 1, [])],
    ["SHUTDOWN", chunk(7, 0, uint32(0))],
    ["SHUTDOWN ACK", chunk(8, 0, [])],
    ["SHUTDOWN COMPLETE", chunk(14, 0, [])],
    ["INIT ACK", chunk(2, 0, [...uint32(1), ...uint32(9999), 0, 1, 0, 1, ...uint32(5)])],
    [
      "COOKIE ECHO",
      chunk(
        10,
        0,
        Array.from({ length: 76 }, () => 7),
      ),
    ],
    ["COOKIE ACK", chunk(11, 0, [])],
    ["RE-CONFIG", chunk(130, 0, [0, 13, 0, 16, ...uint32(1), ...uint32(1), ...uint32(1)])],
    ["I-DATA", chunk(64, 3, [...uint32(1), 0, 0, 0, 0, ...uint32(0), ...uint32(53), 1])],
  ])("%s", (_, bytes) => {
    const pair = connectSctpPair();
    const { tag } = knowledge(pair);
    for (const wrong of [0, tag ^ 1, 0xffff_ffff]) pair.pair.inject("a", packet(wrong, bytes));
    pair.pair.drive();
    expect(pair.a.state).toBe("established");
    expect(pair.a.counters.badTag + pair.a.counters.ignoredChunks).toBeGreaterThanOrEqual(3);
    expect(takeMessages(pair.pair.events("a"))).toHaveLength(0);
  });
});

test("a forged INIT is answered and changes nothing; its cookie is of no use to others", () => {
  const pair = connectSctpPair();
  knowledge(pair);
  const init = chunk(1, 0, [...uint32(0x1234), ...uint32(100_000), 0, 10, 0, 10, ...uint32(77)]);
  for (let i = 0; i < 50; i++) pair.pair.inject("a", packet(0, init));
  pair.pair.drive();
  expect(pair.a.state).toBe("established");
  pair.a.send(1, 53, one, undefined, pair.pair.now());
  pair.pair.drive();
  expect(takeMessages(pair.pair.events("b"))).toHaveLength(1);
});

test("an INIT in company, with tag 0 or without streams is refused", () => {
  const pair = connectSctpPair();
  const { tag } = knowledge(pair);
  const init = (initiateTag: number, streams: number): number[] =>
    chunk(1, 0, [...uint32(initiateTag), ...uint32(100_000), 0, streams, 0, streams, ...uint32(77)]);
  pair.pair.inject("a", packet(tag, init(5, 5)));
  pair.pair.inject("a", packet(0, init(0, 5)));
  pair.pair.inject("a", packet(0, init(5, 0)));
  pair.pair.drive();
  expect(pair.a.state).toBe("established");
  expect(pair.a.counters.badTag).toBe(1);
  expect(pair.a.counters.ignoredChunks).toBe(2);
});

test("a cookie that was changed, or is of another, is ignored", () => {
  const pair = connectSctpPair();
  const echo = pair.pair.ladder
    .entries()
    .find(({ from, bytes }) => from === "b" && chunkNames(bytes)[0] === "COOKIE ECHO");
  for (let i = 16; i < echo!.bytes.length; i += 5) {
    const bytes = echo!.bytes.slice();
    bytes[i]! ^= 0x10;
    bytes.fill(0, 8, 12);
    pair.pair.inject("a", bytes);
  }
  expect(pair.a.state).toBe("established");
  expect(pair.a.counters.ignoredChunks).toBeGreaterThan(10);
});

describe("lies about what arrived", () => {
  test.each([
    [
      "a cumulative TSN that was never sent",
      (next: number) => [...uint32(next + 1000), ...uint32(1e6), 0, 0, 0, 0],
    ],
    [
      "gap blocks far beyond what was sent",
      (next: number) => [...uint32(next - 1), ...uint32(1e6), 0, 1, 0, 0, 0x80, 0, 0xff, 0xff],
    ],
    [
      "gap blocks that run backwards",
      (next: number) => [...uint32(next - 1), ...uint32(1e6), 0, 2, 0, 0, 0, 3, 0, 2, 0, 1, 0, 1],
    ],
    [
      "more blocks than there is room for",
      (next: number) => [...uint32(next - 1), ...uint32(1e6), 0xff, 0xff, 0, 0],
    ],
    [
      "duplicates without end",
      (next: number) => [
        ...uint32(next - 1),
        ...uint32(1e6),
        0,
        0,
        0,
        4,
        ...uint32(1),
        ...uint32(2),
        ...uint32(3),
        ...uint32(4),
      ],
    ],
  ])("%s", (_, sack) => {
    const pair = connectSctpPair({ link: { delayMs: 20 } });
    const { tag } = knowledge(pair);
    for (let i = 0; i < 20; i++)
      pair.a.send(1, 53, new Uint8Array(1_000).fill(i), undefined, pair.pair.now());
    pair.pair.advance(1);
    const sent = pair.pair.ladder.entries().findLast(({ from }) => from === "a")!.bytes;
    const next = new DataView(sent.buffer, sent.byteOffset).getUint32(16) + 1;
    for (let i = 0; i < 10; i++) pair.pair.inject("a", packet(tag, chunk(3, 0, sack(next))));
    pair.pair.drive();
    expect(pair.a.state).toBe("established");
    expect(takeMessages(pair.pair.events("b"))).toHaveLength(20);
    expect(pair.a.statistics.flightBytes).toBe(0);
  });
});

test("a window of zero stops the sender but for probes, and opening it lets it go on", () => {
  const pair = connectSctpPair({ link: { delayMs: 5 } });
  const { tag } = knowledge(pair);
  const last = (): number => {
    const sent = pair.pair.ladder
      .entries()
      .findLast(({ from, bytes }) => from === "a" && chunkNames(bytes).includes("I-DATA"))!.bytes;
    return new DataView(sent.buffer, sent.byteOffset).getUint32(16);
  };
  pair.a.send(1, 53, one, undefined, pair.pair.now());
  pair.pair.drive();
  pair.pair.inject("a", packet(tag, chunk(3, 0, [...uint32(last()), ...uint32(0), 0, 0, 0, 0])));
  expect(pair.a.statistics.peerWindowBytes).toBe(0);
  pair.pair.link.up.change({ lossRate: 1 });
  for (let i = 0; i < 50; i++) pair.a.send(1, 53, new Uint8Array(1_000), undefined, pair.pair.now());
  const before = pair.a.counters.packetsSent;
  pair.pair.advance(10_000);
  expect(pair.a.counters.packetsSent - before).toBeLessThan(8);
  pair.pair.link.up.change({ lossRate: 0 });
  pair.pair.driveUntil(
    () => pair.pair.events("b").filter(({ type }) => type === "message").length === 51,
    30_000,
  );
  expect(pair.a.state).toBe("established");
});

describe("a hostile peer", () => {
  const iData = (
    tsn: number,
    flags: number,
    streamId: number,
    mid: number,
    last: number,
    size: number,
  ): number[] =>
    chunk(64, flags, [
      ...uint32(tsn),
      streamId >> 8,
      streamId & 0xff,
      0,
      0,
      ...uint32(mid),
      ...uint32(last),
      ...Array.from({ length: size }, () => 1),
    ]);

  test("who opens messages and never ends them is cut off before memory is gone", () => {
    const pair = connectSctpPair({ a: { maxReassemblyBytes: 1_000_000 } });
    const { tag, tsn } = knowledge(pair);
    let sent = 0;
    for (; sent < 100_000 && pair.a.state === "established"; sent++) {
      pair.pair.inject("a", packet(tag, iData(tsn + 1 + sent, 2, sent & 0x7fff, sent >> 15, 53, 4)));
    }
    expect(pair.a.state).toBe("closed");
    expect(sent).toBeLessThan(10_000);
    expect(pair.pair.events("a").at(-1)).toMatchObject({ detail: "out of memory" });
  });

  test("who sends fragments that belong to nothing fills the window and no more", () => {
    const pair = connectSctpPair({ a: { receiveWindowBytes: 100_000 } });
    const { tag, tsn } = knowledge(pair);
    for (let i = 0; i < 5_000; i++) {
      pair.pair.inject("a", packet(tag, iData(tsn + 2 + i, 0, 9, 1, i + 1, 400)));
    }
    expect(pair.a.statistics.refusedChunks).toBeGreaterThan(4_000);
    expect(pair.a.state).toBe("established");
  });

  test("who sends every other TSN is told what came, and what does not fit is refused", () => {
    const pair = connectSctpPair();
    const { tag, tsn } = knowledge(pair);
    for (let i = 0; i < 6_000; i++)
      pair.pair.inject("a", packet(tag, iData(tsn + 2 + i * 2, 7, 9, i, 53, 1)));
    expect(pair.a.statistics.refusedChunks).toBeGreaterThan(3_000);
    expect(pair.a.state).toBe("established");
  });

  test.each([
    ["DATA where I-DATA was agreed on", chunk(0, 3, [...uint32(1), 0, 0, 0, 0, ...uint32(53), 1])],
    ["FORWARD TSN where I-FORWARD-TSN was agreed on", chunk(192, 0, uint32(1))],
    ["a chunk without user data", chunk(64, 3, [...uint32(1), 0, 0, 0, 0, ...uint32(0), ...uint32(53)])],
    ["a chunk shorter than its header", chunk(64, 3, [0, 0, 0])],
  ])("%s ends the association with an ABORT", (_, bytes) => {
    const pair = connectSctpPair();
    const { tag } = knowledge(pair);
    pair.pair.inject("a", packet(tag, bytes));
    pair.pair.drive();
    expect(pair.pair.events("a").at(-1)).toMatchObject({ type: "closed", reason: "protocolViolation" });
    expect(pair.pair.events("b").at(-1)).toMatchObject({ type: "closed", reason: "aborted" });
  });

  test("resets of all streams, again and again, cost little", () => {
    const pair = connectSctpPair();
    const { tag, tsn } = knowledge(pair);
    const first = new DataView(
      pair.pair.ladder.entries().find(({ from, bytes }) => from === "b" && chunkNames(bytes)[0] === "INIT")!
        .bytes.buffer,
    ).getUint32(28);
    const started = performance.now();
    for (let i = 0; i < 2_000; i++) {
      const request = [0, 13, 0, 16, ...uint32(first + i), ...uint32(0), ...uint32(tsn)];
      pair.pair.inject("a", packet(tag, chunk(130, 0, request)));
    }
    expect((performance.now() - started) / 2_000).toBeLessThan(5);
    expect(pair.pair.events("a").filter(({ type }) => type === "incomingStreamsReset")).toHaveLength(2_000);
    expect(pair.a.state).toBe("established");
  });

  test("an unknown chunk is skipped, reported or both, by its highest bits", () => {
    const pair = connectSctpPair();
    const { tag, tsn } = knowledge(pair);
    // Each packet has the unknown chunk first, and a message behind it.
    [0x3f, 0x7f, 0xbf, 0xff].forEach((type, i) => {
      const message = iData(tsn + 1 + (i & 1) * 0, 7, 9, i, 53, 1);
      message[7]! += i < 2 ? 10 + i : i - 2;
      pair.pair.inject("a", packet(tag, chunk(type, 0, [1, 2, 3]), message));
    });
    pair.pair.drive();
    expect(takeMessages(pair.pair.events("a"))).toHaveLength(2);
    const errors = pair.pair.ladder
      .entries()
      .filter(({ from, bytes }) => from === "a" && chunkNames(bytes).includes("ERROR"));
    expect(errors).toHaveLength(2);
  });
});

test("mutated packets of a live association never throw, and it ends with a reason or goes on", () => {
  for (let seed = 0; seed < 30; seed++) {
    const pair = connectSctpPair({ seed: `mutation ${seed}`, link: { delayMs: 5, lossRate: 0.05 } });
    const random = new SeededRandom(`mutation ${seed}`);
    for (let i = 0; i < 30; i++) {
      pair.a.send(
        i % 4,
        53,
        new Uint8Array(2_000),
        { isOrdered: i % 2 === 0, maxRetransmits: i % 3 },
        pair.pair.now(),
      );
      if (pair.z.state !== "established" || pair.a.state !== "established") break;
      pair.z.send(i % 4, 53, new Uint8Array(300), undefined, pair.pair.now());
      pair.pair.advance(3);
      const entries = pair.pair.ladder.entries();
      for (let k = 0; k < 20; k++) {
        const bytes = entries[random.integer(0, entries.length - 1)]!.bytes.slice();
        for (let m = 0; m < 3; m++) bytes[random.integer(8, bytes.length - 1)] = random.integer(0, 255);
        // A checksum of zero is taken: it is the chunks that are to be hit.
        bytes.fill(0, 8, 12);
        pair.pair.inject(random.chance(0.5) ? "a" : "b", bytes);
        if (pair.a.isClosed || pair.z.isClosed) break;
      }
      if (pair.a.state !== "established" || pair.z.state !== "established") break;
    }
    pair.pair.advance(1_000);
    expect(pair.arena.inUse).toBe(0);
  }
});
