/** Real handshakes, changed on the way: nothing throws, nothing is kept, and nobody connects to something else. */
import { describe, expect, test } from "vitest";
import type { DtlsConnection, DtlsVersion } from "../src/dtls/index.ts";
import { SeededRandom } from "../src/testing/index.ts";
import { createDtlsPair, drain, drainEvents, takeData } from "./dtls-pair.ts";

const VERSIONS: readonly DtlsVersion[] = ["1.3", "1.2"];

/** What may happen to a datagram. */
type Change = (datagram: Uint8Array, index: number) => readonly Uint8Array[];

/** Lets both talk, with every datagram changed, until nothing happens any more. */
function talk(version: DtlsVersion, seed: string, change: Change): [DtlsConnection, DtlsConnection] {
  const { client, server, arena } = createDtlsPair({ seed, options: { versions: [version] } });
  let index = 0;
  let now = 0;
  client.start(now);
  for (let turn = 0; turn < 60 && now < 40_000; turn++) {
    const sent = [...drain(client).map((bytes) => [server, bytes] as const)];
    sent.push(...drain(server).map((bytes) => [client, bytes] as const));
    for (const [to, bytes] of sent)
      for (const changed of change(bytes, index++)) to.handleInput(changed, now);
    if (client.state === "connected" && server.state === "connected") break;
    if (sent.length > 0) continue;
    now = Math.max(now, Math.min(client.pollTimeout(), server.pollTimeout()));
    if (now === Number.POSITIVE_INFINITY) break;
    client.handleTimeout(now);
    server.handleTimeout(now);
  }
  drain(client);
  drain(server);
  takeData(drainEvents(client));
  takeData(drainEvents(server));
  expect(arena.inUse).toBe(0);
  return [client, server];
}

/** If both say that they are connected, they are: to each other. */
function expectHonest([client, server]: [DtlsConnection, DtlsConnection]): void {
  if (client.state !== "connected" || server.state !== "connected") return;
  expect(client.exportKeyingMaterial("test", undefined, 32)).toEqual(
    server.exportKeyingMaterial("test", undefined, 32),
  );
}

describe.each(VERSIONS)("DTLS %s", (version) => {
  test("connects when nothing is changed", () => {
    const [client, server] = talk(version, "whole", (bytes) => [bytes]);
    expect([client.state, server.state]).toEqual(["connected", "connected"]);
  });

  test("withstands each datagram cut off anywhere", () => {
    const lengths: number[] = [];
    talk(version, "lengths", (bytes) => {
      lengths.push(bytes.length);
      return [bytes];
    });
    for (let index = 0; index < lengths.length; index++) {
      // The unit tests cut messages at every length; here datagrams at some, each followed by the whole.
      for (let length = index % 29; length < lengths[index]!; length += 29) {
        const cut: Change = (bytes, i) => (i === index ? [bytes.subarray(0, length), bytes] : [bytes]);
        const [client, server] = talk(version, "cut", cut);
        expect([client.state, server.state]).toEqual(["connected", "connected"]);
      }
    }
  });

  test.each(Array.from({ length: 60 }, (_, i) => `flip-${i}`))(
    "withstands flipped bytes (seed %s)",
    (seed) => {
      const random = new SeededRandom(seed);
      expectHonest(
        talk(version, seed, (bytes) => {
          if (!random.chance(0.3)) return [bytes];
          const changed = bytes.slice();
          for (let i = random.integer(1, 4); i > 0; i--) {
            const at = random.integer(0, Math.min(changed.length - 1, random.chance(0.5) ? 40 : 2000));
            changed[at]! ^= 1 << random.integer(0, 7);
          }
          return random.chance(0.5) ? [changed] : [changed, bytes];
        }),
      );
    },
  );
});

test("1.3 connects when each protected datagram is preceded by a forgery of it", () => {
  for (let i = 0; i < 20; i++) {
    const random = new SeededRandom(`forge-${i}`);
    const connections = talk("1.3", `forge-${i}`, (bytes) => {
      if ((bytes[0]! & 0xe0) !== 0x20) return [bytes];
      const changed = bytes.slice();
      changed[random.integer(1, changed.length - 1)]! ^= 0xff;
      return [changed, bytes];
    });
    expectHonest(connections);
    expect(connections.map(({ state }) => state)).toEqual(["connected", "connected"]);
  }
});
