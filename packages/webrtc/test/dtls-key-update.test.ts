/** Keys that wear out are changed while data flows (RFC 9147 §8). */
import { expect, test } from "vitest";
import { CIPHER_SUITES } from "../src/dtls/index.ts";
import { createDtlsPair, type DtlsScenario } from "./dtls-pair.ts";

const [suite] = CIPHER_SUITES;
/** A suite whose keys are good for 50 records. */
const SHORT_LIVED = { ...suite!, recordLimit: 50 };

/** Sends `count` messages both ways; returns how many arrived of those from the client and from the server. */
function exchange(scenario: DtlsScenario, count: number): [number, number] {
  const { client, server, pair, received, connect, arena } = createDtlsPair(scenario);
  connect();
  const epochs = new Set<number>();
  const seen: [number, number] = [0, 0];
  for (let i = 0; i < count; i++) {
    const message = Uint8Array.of(i >>> 8, i & 0xff);
    client.send(message, pair.now());
    server.send(message, pair.now());
    pair.advance(5);
    for (const [index, side] of (["b", "a"] as const).entries()) {
      for (const bytes of received(side)) {
        expect(bytes).toHaveLength(2);
        seen[index]!++;
      }
    }
  }
  pair.advance(3000);
  seen[0] += received("b").length;
  seen[1] += received("a").length;
  for (const entry of pair.ladder.entries()) {
    const first = entry.bytes[0]!;
    if ((first & 0xe0) === 0x20) epochs.add(first & 3);
  }
  expect(epochs.size).toBe(4);
  expect([client.state, server.state]).toEqual(["connected", "connected"]);
  expect(client.counters.forged + server.counters.forged).toBe(0);
  expect(arena.inUse).toBe(0);
  return seen;
}

test("nothing is lost over many changes on a good link", () => {
  const options = { versions: ["1.3"], cipherSuites: [SHORT_LIVED] } as const;
  expect(exchange({ options, link: { delayMs: 20 } }, 1000)).toEqual([1000, 1000]);
});

test.each(Array.from({ length: 10 }, (_, i) => `update-${i}`))(
  "what arrives is readable over many changes on a bad link (seed %s)",
  (seed) => {
    const options = { versions: ["1.3"], cipherSuites: [SHORT_LIVED] } as const;
    const link = { delayMs: 20, jitterMs: 20, lossRate: 0.1, reorderRate: 0.3, duplicateRate: 0.1 };
    for (const count of exchange({ options, link, seed }, 800)) {
      expect(count).toBeGreaterThan(640);
      expect(count).toBeLessThan(800);
    }
  },
);

test("both sides may ask at the same time, again and again", () => {
  const { client, server, pair, received, connect } = createDtlsPair({ link: { delayMs: 10 } });
  connect();
  pair.advance(100);
  for (let round = 0; round < 20; round++) {
    expect(client.updateKeys(pair.now())).toBe(true);
    expect(server.updateKeys(pair.now())).toBe(true);
    // A second one waits until the first is acknowledged.
    expect(client.updateKeys(pair.now())).toBe(false);
    pair.advance(1000);
    client.send(Uint8Array.of(round), pair.now());
    server.send(Uint8Array.of(round), pair.now());
    pair.advance(100);
    expect(received("a")).toEqual([Uint8Array.of(round)]);
    expect(received("b")).toEqual([Uint8Array.of(round)]);
  }
});

test("in 1.2 there is no change of keys", () => {
  const { client, pair, connect } = createDtlsPair({ options: { versions: ["1.2"] } });
  connect();
  expect(client.updateKeys(pair.now())).toBe(false);
});
