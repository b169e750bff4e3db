/** Handshakes and data over links that lose, repeat and reorder, with small and large datagrams. */
import { describe, expect, test } from "vitest";
import type { DtlsVersion } from "../src/dtls/index.ts";
import { SeededRandom } from "../src/testing/index.ts";
import { CERTIFICATES, createDtlsPair, type DtlsScenario, eventOf } from "./dtls-pair.ts";

const VERSIONS: readonly DtlsVersion[] = ["1.3", "1.2"];

/** Connects, sends both ways, closes; returns how long the handshake took. */
function call(scenario: DtlsScenario): number {
  const { client, server, pair, arena, received, connect } = createDtlsPair(scenario);
  connect();
  const took = pair.now();
  const keys = client.exportSrtpKeys();
  expect(keys).toEqual({
    profile: "SRTP_AES128_CM_HMAC_SHA1_80",
    local: server.exportSrtpKeys()?.remote,
    remote: server.exportSrtpKeys()?.local,
  });
  const messages = Array.from({ length: 20 }, (_, i) => Uint8Array.of(i, 1, 2, 3));
  for (const message of messages) {
    client.send(message, pair.now());
    server.send(message, pair.now());
    pair.advance(5);
  }
  pair.advance(2000);
  for (const side of ["a", "b"] as const) {
    const arrived = received(side).map((bytes) => bytes[0]!);
    // Each at most once, in spite of duplicates; what the link lost is SCTP's to repeat.
    expect(new Set(arrived).size).toBe(arrived.length);
    expect(arrived.length).toBeGreaterThan(messages.length / 4);
  }
  client.close();
  pair.advance(1000);
  expect(eventOf(pair.events("a"), "closed")?.reason).toEqual({ type: "local" });
  expect(arena.inUse).toBe(0);
  return took;
}

describe.each(VERSIONS)("DTLS %s", (version) => {
  test("takes as many round trips as it has flights", () => {
    const rounds = version === "1.3" ? 1.5 : 2;
    expect(call({ link: { delayMs: 10 }, options: { versions: [version] } })).toBeCloseTo(rounds * 20, 0);
  });

  const seeds = Array.from({ length: 40 }, (_, i) => `${version}-${i}`);
  test.each(seeds)("connects over a link that loses, repeats and reorders (seed %s)", (seed) => {
    const random = new SeededRandom(seed);
    const took = call({
      seed,
      link: {
        delayMs: random.integer(1, 100),
        jitterMs: random.integer(0, 50),
        lossRate: random.unit() * 0.3,
        duplicateRate: 0.1,
        reorderRate: 0.3,
      },
      options: { versions: [version], mtu: random.integer(256, 1400) },
      client: { certificate: random.chance(0.3) ? CERTIFICATES.rsa : CERTIFICATES.ecdsa },
      server: { certificate: random.chance(0.3) ? CERTIFICATES.rsa : CERTIFICATES.ecdsa2 },
    });
    expect(took).toBeLessThan(20_000);
  });
});

test("with 15 % loss and 100 ms round trips half of the handshakes take less than 1.2 s, and 95 % less than 4 s", () => {
  const link = { delayMs: 50, jitterMs: 10, lossRate: 0.15 };
  const times = Array.from({ length: 60 }, (_, i) => call({ seed: `lossy-${i}`, link })).sort(
    (a, b) => a - b,
  );
  expect(times[30]).toBeLessThan(1200);
  expect(times[57]).toBeLessThan(4000);
});

test("a path that drops large datagrams without a word is found out", () => {
  expect(call({ link: { mtuBytes: 600 }, options: { mtu: 1200 } })).toBeLessThan(5000);
});
