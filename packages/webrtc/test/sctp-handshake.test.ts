import { expect, test } from "vitest";
import { chunkNames, connectSctpPair, createSctpPair, takeMessages } from "./support/sctp-pair.ts";

const hello = new TextEncoder().encode("hello");

// A → INIT → Z   A ← INIT ACK ← Z   A → COOKIE ECHO, I-DATA → Z   A ← COOKIE ACK, SACK ← Z
test("one side starts, and data rides along with the cookie", () => {
  const { a, z, pair } = createSctpPair();
  a.send(0, 53, hello.slice(), undefined, 0);
  a.connect(0);
  pair.drive();
  expect(a.state).toBe("established");
  expect(z.state).toBe("established");
  expect(takeMessages(pair.events("b")).map(({ bytes }) => bytes)).toEqual([hello]);
  const ladder = pair.ladder.entries().map((entry) => `${entry.from} ${chunkNames(entry.bytes).join(", ")}`);
  expect(ladder.slice(0, 4)).toEqual(["a INIT", "b INIT ACK", "a COOKIE ECHO, I-DATA", "b COOKIE ACK"]);
});

// A → INIT → Z and Z → INIT → A cross.
test("both sides start at the same time, as WebRTC does it", () => {
  const { a, z, pair } = connectSctpPair();
  a.send(1, 53, hello.slice(), undefined, pair.now());
  z.send(1, 53, hello.slice(), undefined, pair.now());
  pair.drive();
  expect(takeMessages(pair.events("a"))).toHaveLength(1);
  expect(takeMessages(pair.events("b"))).toHaveLength(1);
  expect(pair.events("a").filter(({ type }) => type === "connected")).toHaveLength(1);
  expect(pair.events("b").filter(({ type }) => type === "connected")).toHaveLength(1);
});

test.each([0.1, 0.2, 0.3, 0.5])(
  "it is set up through %d loss, whatever is lost, from one side or from both",
  (lossRate) => {
    for (let seed = 0; seed < 40; seed++) {
      const link = { lossRate, delayMs: 50, duplicateRate: 0.1, reorderRate: 0.1, reorderDelayMs: 80 };
      const { a, z, pair } = createSctpPair({ seed: `handshake ${seed}`, link });
      a.connect(0);
      if (seed % 2 === 0) z.connect(0);
      a.send(0, 53, hello.slice(), undefined, 0);
      pair.driveUntil(() => a.state === "established" && z.state === "established", 120_000);
      pair.driveUntil(() => pair.events("b").some(({ type }) => type === "message"), 120_000);
      expect(takeMessages(pair.events("b"))).toHaveLength(1);
    }
  },
);

test("what both sides can do is agreed on, and what one cannot is not used", () => {
  const { a, z } = connectSctpPair();
  expect(a.peer).toMatchObject({
    isInterleaved: true,
    isPartiallyReliable: true,
    isReconfigurable: true,
    isZeroChecksumAccepted: true,
    outboundStreams: 65_535,
  });
  expect(z.peer).toMatchObject({ isInterleaved: true });
  const old = connectSctpPair({
    z: { isInterleavingEnabled: false, isZeroChecksumEnabled: false, inboundStreams: 16 },
  });
  expect(old.a.peer).toMatchObject({
    isInterleaved: false,
    isPartiallyReliable: true,
    isZeroChecksumAccepted: false,
    outboundStreams: 16,
  });
  old.a.send(3, 53, hello.slice(), undefined, old.pair.now());
  old.pair.drive();
  expect(takeMessages(old.pair.events("b"))).toHaveLength(1);
});

test("packets of the handshake have a checksum, and the others none when both sides agreed", () => {
  const { a, pair } = connectSctpPair();
  a.send(0, 53, hello.slice(), undefined, pair.now());
  pair.drive();
  for (const { bytes } of pair.ladder.entries()) {
    const checksum = bytes.subarray(8, 12).some((byte) => byte !== 0);
    const isHandshake = ["INIT", "INIT ACK", "COOKIE ECHO"].includes(chunkNames(bytes)[0] ?? "");
    expect([chunkNames(bytes)[0], checksum]).toEqual([chunkNames(bytes)[0], isHandshake]);
  }
});

test("a packet with a wrong checksum is dropped and counted", () => {
  const { a, z, pair } = connectSctpPair({ a: { isZeroChecksumEnabled: false } });
  z.send(0, 53, hello.slice(), undefined, pair.now());
  pair.drive();
  const entry = pair.ladder
    .entries()
    .find(({ from, bytes }) => from === "b" && chunkNames(bytes).includes("I-DATA"));
  const bytes = entry!.bytes.slice();
  bytes[bytes.length - 1]! ^= 1;
  pair.inject("a", bytes);
  bytes.fill(0, 8, 12);
  pair.inject("a", bytes);
  expect(a.counters.badChecksum).toBe(2);
});

// (SNAP) A and Z know each other's INIT: A → I-DATA → Z at once.
test("with the INITs known beforehand the first packet carries data", () => {
  const { a, z, pair } = createSctpPair();
  expect(a.establish(z.localInit, 0)).toBe(true);
  expect(z.establish(a.localInit, 0)).toBe(true);
  a.send(0, 53, hello.slice(), undefined, 0);
  pair.drive();
  expect(chunkNames(pair.ladder.entries()[0]!.bytes)).toEqual(["I-DATA"]);
  expect(takeMessages(pair.events("b"))).toHaveLength(1);
});

test("an INIT for SNAP that is none is refused, at every truncation", () => {
  const { a, z } = createSctpPair();
  const init = z.localInit;
  for (let length = 0; length < init.length; length++) {
    expect(a.establish(init.subarray(0, length), 0)).toBe(false);
  }
  expect(a.state).toBe("closed");
});

// A restarts: A' → INIT → Z   A' ← INIT ACK (tie-tags) ← Z   A' → COOKIE ECHO → Z: restarted
test("a peer that starts again is recognized, and both go on from the beginning", () => {
  const first = connectSctpPair();
  first.a.send(0, 53, hello.slice(), undefined, first.pair.now());
  first.pair.drive();
  const again = createSctpPair({ seed: "again" });
  // The new A talks to the old Z.
  again.a.connect(first.pair.now());
  let now = first.pair.now();
  for (let turn = 0; turn < 10; turn++) {
    now += 10;
    for (let slot = again.a.pollTransmit(); slot; slot = again.a.pollTransmit()) {
      const bytes = slot.bytes.slice(slot.start, slot.end);
      slot.arena.release(slot);
      first.z.handleInput(bytes, now);
    }
    for (let slot = first.z.pollTransmit(); slot; slot = first.z.pollTransmit()) {
      const bytes = slot.bytes.slice(slot.start, slot.end);
      slot.arena.release(slot);
      again.a.handleInput(bytes, now);
    }
    if (turn === 4) again.a.send(0, 53, hello.slice(), undefined, now);
  }
  const events = [];
  for (let event = first.z.pollEvent(); event; event = first.z.pollEvent()) events.push(event);
  expect(events.map(({ type }) => type)).toEqual(["restarted", "connected", "message"]);
});

test("without a peer the attempt ends, and says so", () => {
  const { a, pair } = createSctpPair({ link: { lossRate: 1 } });
  a.connect(0);
  pair.driveUntil(() => a.isClosed, 300_000);
  expect(pair.events("a")).toMatchObject([{ type: "closed", reason: "timeout" }]);
});

// A → SHUTDOWN → Z   A ← SHUTDOWN ACK ← Z   A → SHUTDOWN COMPLETE → Z
test("a shutdown waits for everything to arrive, and ends both sides, under loss", () => {
  for (let seed = 0; seed < 20; seed++) {
    const link = { lossRate: 0.2, delayMs: 20 };
    const { a, z, pair } = connectSctpPair({ seed: `shutdown ${seed}`, link });
    a.send(0, 53, new Uint8Array(50_000), undefined, pair.now());
    a.shutdown(pair.now());
    expect(() => a.send(0, 53, hello.slice(), undefined, pair.now())).toThrow("closing or closed");
    pair.driveUntil(() => a.isClosed && z.isClosed, 300_000);
    expect(takeMessages(pair.events("b"))).toHaveLength(1);
    expect(pair.events("a").at(-1)).toMatchObject({ type: "closed", reason: "shutdown" });
  }
});

test("an abort ends the other side at once, with its reason", () => {
  const { a, z, pair } = connectSctpPair();
  a.close(pair.now(), "enough");
  pair.drive();
  expect(z.isClosed).toBe(true);
  expect(pair.events("b").at(-1)).toEqual({
    type: "closed",
    reason: "aborted",
    detail: "User-Initiated Abort: enough",
  });
});
