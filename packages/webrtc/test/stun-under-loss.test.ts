/** A StunClient and a StunBindingServer back to back, over links that lose, repeat and reorder. */
import { expect, test } from "vitest";
import { type IncomingDatagram, TransportAddress } from "../src/bytes/index.ts";
import type { UdpTransmit } from "../src/driver/index.ts";
import { PacketArena } from "../src/kernel/index.ts";
import { nodeCrypto } from "../src/node/index.ts";
import { SILENT_LOGGER } from "../src/sansio/index.ts";
import {
  StunBindingServer,
  StunClient,
  type StunClientEvent,
  StunMethod,
  XOR_MAPPED_ADDRESS,
} from "../src/stun/index.ts";
import { type LinkOptions, Pair, SeededRandom } from "../src/testing/index.ts";

const CLIENT = parse("198.51.100.7:40000");
const SERVER = parse("192.0.2.1:3478");
const REQUESTS = 60;
const SOCKET = 1;

interface Outcome {
  readonly events: readonly StunClientEvent[];
  readonly ids: readonly number[];
  readonly server: StunBindingServer;
  readonly arena: PacketArena;
  readonly endedAt: number;
}

/** Sends requests over `link` and waits until all of them have ended. */
function run(seed: string, link: LinkOptions): Outcome {
  const environment = { crypto: nodeCrypto, random: new SeededRandom(seed), log: SILENT_LOGGER };
  const arena = new PacketArena(REQUESTS);
  const client = new StunClient(environment, { server: SERVER, socket: SOCKET });
  const server = new StunBindingServer(environment, arena);
  const pair = new Pair<IncomingDatagram, UdpTransmit, StunClientEvent>(client, server, {
    seed,
    link,
    bytesOf: takeBytes,
    // The first byte of a request is 0, of an answer 1.
    toInput: (bytes) => ({ bytes, from: bytes[0] === 0 ? CLIENT : SERVER, socket: SOCKET }),
  });
  const ids = Array.from({ length: REQUESTS }, () =>
    client.request({ method: StunMethod.binding }, pair.now()),
  );
  pair.driveUntil(() => pair.events("a").length === REQUESTS, 40_000);
  return { events: pair.events("a"), ids, server, arena, endedAt: pair.now() };
}

const SEEDS = Array.from({ length: 25 }, (_, i) => `stun-${i}`);

test.each(SEEDS)("on a bad link every request ends, once (seed %s)", (seed) => {
  const link = { delayMs: 40, jitterMs: 60, lossRate: 0.5, duplicateRate: 0.2, reorderRate: 0.2 };
  const { events, ids, arena } = run(seed, link);
  expect(events.map(({ id }) => id).sort((a, b) => a - b)).toEqual(ids);
  for (const event of events) {
    if (event.type === "success") expect(event.response.get(XOR_MAPPED_ADDRESS)?.equals(CLIENT)).toBe(true);
    else expect(event).toMatchObject({ type: "failure", reason: "timeout" });
  }
  // One try in four gets through and back, and there are seven: 13 % fail.
  expect(events.filter((event) => event.type === "success").length).toBeGreaterThan(REQUESTS / 2);
  expect(arena.inUse).toBe(0);
});

test("on a good link every request succeeds at the first try", () => {
  const { events, server, endedAt } = run("good", { delayMs: 40 });
  expect(events.map((event) => event.type === "success" && event.roundTripMs)).toEqual(
    Array.from({ length: REQUESTS }, () => expect.closeTo(80, 0)),
  );
  expect(server.counters).toMatchObject({ answered: REQUESTS, dropped: 0, limited: 0 });
  expect(endedAt).toBeLessThan(100);
});

test("over a cut every request is given up after 39.5 s, as RFC 8489 §6.2.1 has it", () => {
  const { events, endedAt } = run("cut", { lossRate: 1 });
  expect(events.every((event) => event.type === "failure" && event.reason === "timeout")).toBe(true);
  expect(endedAt).toBe(39_500);
});

/** The bytes of what leaves; a slot is given back, as a socket does. */
function takeBytes(transmit: UdpTransmit): Uint8Array {
  if (!("arena" in transmit)) return transmit.bytes;
  transmit.arena.release(transmit);
  return transmit.bytes.subarray(transmit.start, transmit.end);
}

function parse(text: string): TransportAddress {
  const address = TransportAddress.parse(text);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  return address;
}
