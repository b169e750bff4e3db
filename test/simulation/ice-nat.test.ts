import { nodeCrypto } from "@naru/webrtc/node";
import { createScenario, NAT_PRESETS } from "@naru/webrtc/testing";
import { describe, expect, test } from "vitest";
import {
  connect,
  IcePeer,
  isConnected,
  isSettled,
  type Place,
  SERVERS,
  startCall,
  startTurn,
} from "./ice-lab.ts";

const scenario = createScenario({
  test,
  environment: process.env,
  file: import.meta.url,
  crypto: nodeCrypto,
});

/** Place of each side, the best path there is for each, and the time until both can send. */
const MATRIX: readonly (readonly [Place, Place, string, string, number])[] = [
  ["open", "open", "host", "host", 500],
  ["port", "open", "direct", "direct", 500],
  ["full", "full", "direct", "direct", 500],
  ["addr", "addr", "direct", "direct", 500],
  ["port", "port", "direct", "direct", 500],
  ["full", "sym", "direct", "direct", 500],
  ["addr", "sym", "direct", "direct", 500],
  ["port", "sym", "relay/udp", "relay/udp", 500],
  ["sym", "sym", "relay/udp", "relay/udp", 500],
  ["cgn", "port", "direct", "direct", 500],
  ["cgn", "cgn", "direct", "direct", 500],
  ["cgn", "sym", "relay/udp", "relay/udp", 500],
  ["v6", "v6", "host/v6", "host/v6", 400],
  ["port", "udpblock", "relay", "relay/tcp", 700],
  ["open", "udpblock", "relay", "relay/tcp", 700],
  ["udpblock", "udpblock", "relay/tcp", "relay/tcp", 700],
  ["port", "tcp443", "relay", "relay/tls", 700],
  ["tcp443", "tcp443", "relay/tls", "relay/tls", 700],
];

describe("between two places the best path is found in time, whoever controls", () => {
  for (const [placeA, placeB, pathA, pathB, limitMs] of MATRIX) {
    for (const roles of [
      ["controlling", "controlled"],
      ["controlled", "controlling"],
    ] as const) {
      scenario(`${placeA}-${placeB}, ${roles[0]}: ${pathA}`, { seeds: 3 }, async (network) => {
        const call = await startCall(network, placeA, placeB, { roles });
        const startedAt = network.now();
        await network.runUntil(() => isConnected(call), 3000);
        expect(network.now() - startedAt).toBeLessThanOrEqual(limitMs);
        await network.runUntil(() => isSettled(call), 3000);
        await network.run(500);
        expect([kind(call.a.path), kind(call.b.path)]).toEqual([kind(pathA), kind(pathB)]);
        if (pathB.includes("/t")) expect(call.b.path).toBe(pathB);
        for (let i = 0; i < 20; i++) {
          call.a.send(i);
          call.b.send(i);
          await network.run(20);
        }
        await network.run(500);
        expect(call.a.received).toHaveLength(20);
        expect(call.b.received).toHaveLength(20);
      });
    }
  }
});

scenario("two hosts of one home meet inside it", { seeds: 3 }, async (network) => {
  await startTurn(network);
  const home = network.nat("home", { ...NAT_PRESETS.portRestricted, hairpins: false });
  const [a, b] = (["controlling", "controlled"] as const).map((role, index) => {
    return new IcePeer(network, network.host(`host${index}`, { inside: home, link: { delayMs: 1 } }), {
      role,
    });
  });
  if (a === undefined || b === undefined) throw new Error("two peers were made");
  connect(a, b);
  await network.runUntil(() => isSettled({ a, b }), 1000);
  expect([a.path, b.path]).toEqual(["host", "host"]);
});

scenario(
  "UDP blocked on one side, an open TCP port on the other: ICE-TCP without a relay",
  {},
  async (network) => {
    const tcp = { active: true, passive: true };
    const call = await startCall(network, "open", "udpblock", { gatherer: { tcp } });
    await network.runUntil(() => isSettled(call), 1000);
    expect([call.a.path, call.b.path]).toEqual(["tcp", "tcp"]);
    expect(call.a.pair?.remote).toMatchObject({ type: "prflx", tcpType: "active" });
    call.b.send(7);
    await network.run(100);
    expect(call.a.received).toEqual([7]);
  },
);

scenario("names in place of addresses are resolved where they can be", {}, async (network) => {
  const home = network.nat("home", NAT_PRESETS.portRestricted);
  const [a, b] = (["controlling", "controlled"] as const).map((role, index) => {
    return new IcePeer(network, network.host(`host${index}`, { inside: home }), { role }, { usesMdns: true });
  });
  if (a === undefined || b === undefined) throw new Error("two peers were made");
  connect(a, b);
  await network.runUntil(() => isSettled({ a, b }), 1000);
  expect(a.pair?.remote.hostname ?? b.pair?.remote.hostname).toMatch(/^[0-9a-f-]{36}\.local$/);
  for (const { events } of [a, b]) {
    for (const { event } of events) {
      if (event.type === "candidate") expect(event.candidate.hostname).toBeDefined();
    }
  }
});

scenario("relay only tells no other candidate, and uses none", { seeds: 3 }, async (network) => {
  const call = await startCall(network, "open", "open", {
    gatherer: { transportPolicy: "relay", servers: SERVERS },
  });
  await network.runUntil(() => isSettled(call), 2000);
  expect([call.a.path, call.b.path]).toEqual(["relay/udp", "relay/udp"]);
  for (const { event } of call.a.events) {
    if (event.type !== "candidate") continue;
    expect(event.candidate.type).toBe("relay");
    expect(`${event.candidate.relatedAddress}`).toBe("0.0.0.0:9");
  }
});

function kind(path: string): string {
  return path.startsWith("relay") ? "relay" : path;
}
