import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../node/index.ts";
import { SeededRandom } from "../testing/index.ts";
import { Heartbeat } from "./heartbeat.ts";
import { completeOptions } from "./options.ts";
import { PathMtu } from "./path-mtu.ts";
import { CookieJar } from "./state-cookie.ts";

describe("path MTU discovery", () => {
  /** Probes until it rests; sizes up to `limit` pass. */
  function search(mtu: PathMtu, limit: number): number {
    let probes = 0;
    for (let size = mtu.takeProbe(0); size !== undefined; size = mtu.takeProbe(0)) {
      probes++;
      mtu.handleResult(size <= limit, 0);
    }
    return probes;
  }

  test.each([1180, 1200, 1213, 1300, 1399, 1404, 9000])(
    "with %d bytes passing it comes close, and never above",
    (limit) => {
      const mtu = new PathMtu(1180, 1404);
      for (let i = 0; i < 200; i++) mtu.noteFullPacket();
      const probes = search(mtu, limit);
      expect(mtu.packetBytes).toBeLessThanOrEqual(Math.max(1180, limit));
      expect(mtu.packetBytes).toBeGreaterThan(Math.min(limit, 1404) - 68);
      expect(probes).toBeLessThanOrEqual(12);
    },
  );

  test("nothing is probed without need, nor twice at once", () => {
    const mtu = new PathMtu(1180, 1404);
    expect(mtu.takeProbe(0)).toBeUndefined();
    for (let i = 0; i < 200; i++) mtu.noteFullPacket();
    expect(mtu.takeProbe(0)).toBe(1404);
    expect(mtu.takeProbe(0)).toBeUndefined();
  });

  test("it falls back, and tries again later", () => {
    const mtu = new PathMtu(1180, 1404);
    for (let i = 0; i < 200; i++) mtu.noteFullPacket();
    search(mtu, 1404);
    expect(mtu.packetBytes).toBe(1404);
    expect(mtu.fallBack(1_000)).toBe(true);
    expect(mtu.packetBytes).toBe(1180);
    expect(mtu.fallBack(1_000)).toBe(false);
    for (let i = 0; i < 200; i++) mtu.noteFullPacket();
    expect(mtu.takeProbe(2_000)).toBeUndefined();
    expect(mtu.takeProbe(601_000)).toBe(1404);
  });
});

test("a heartbeat is answered by its own information only, and once", () => {
  const heartbeat = new Heartbeat(new SeededRandom(1), 30_000);
  heartbeat.restart(0);
  expect(heartbeat.isDue(14_000)).toBe(false);
  expect(heartbeat.isDue(46_000)).toBe(true);
  const info = heartbeat.send(50_000, 500, 0);
  expect(heartbeat.handleAck(new Uint8Array(8), 50_010)).toBeUndefined();
  expect(heartbeat.handleAck(info, 50_020)).toEqual({ hasPassed: true, rttMs: 20, probeBytes: 0 });
  expect(heartbeat.handleAck(info, 50_030)).toBeUndefined();
  heartbeat.send(90_000, 500, 1404);
  expect(heartbeat.pollTimeout()).toBe(90_500);
  expect(heartbeat.handleTimeout(90_499)).toBeUndefined();
  expect(heartbeat.handleTimeout(90_500)).toEqual({ hasPassed: false, rttMs: -1, probeBytes: 1404 });
});

test("a cookie is opened by who made it, and not when a bit is changed or missing", () => {
  const jar = new CookieJar(nodeCrypto, new SeededRandom(1));
  const peer = {
    tag: 1,
    initialTsn: 0xffff_ffff,
    aRwnd: 3,
    outboundStreams: 4,
    inboundStreams: 5,
    isInterleaved: true,
    isPartiallyReliable: false,
    isReconfigurable: true,
    isZeroChecksumAccepted: false,
  };
  const cookie = { localTag: 6, localTsn: 7, peer, localTieTag: 8, peerTieTag: 9, createdAt: 2 ** 33 + 5 };
  const bytes = jar.seal(cookie);
  expect(jar.open(bytes)).toEqual(cookie);
  expect(new CookieJar(nodeCrypto, new SeededRandom(2)).open(bytes)).toBeUndefined();
  for (let length = 0; length < bytes.length; length++)
    expect(jar.open(bytes.subarray(0, length))).toBeUndefined();
  for (let i = 0; i < bytes.length; i++) {
    const changed = bytes.slice();
    changed[i]! ^= 1;
    expect(jar.open(changed)).toBeUndefined();
  }
});

test.each([
  { basePacketBytes: 100 },
  { basePacketBytes: 1200, maxPacketBytes: 1100 },
  { outboundStreams: 0 },
  { inboundStreams: 70_000 },
  { receiveWindowBytes: 100 },
])("options that contradict each other are refused: %j", (options) => {
  expect(() => completeOptions(options)).toThrow(RangeError);
});
