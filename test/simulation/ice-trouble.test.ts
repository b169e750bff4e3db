/** Loss, restarts, moves, silence and attackers, on many seeds. */
import { TransportAddress } from "@naru/webrtc/bytes";
import { nodeCrypto } from "@naru/webrtc/node";
import { createScenario, NAT_PRESETS } from "@naru/webrtc/testing";
import { describe, expect, test } from "vitest";
import {
  type Call,
  connect,
  IcePeer,
  isConnected,
  isSettled,
  type Place,
  startCall,
  startTurn,
} from "./ice-lab.ts";

const scenario = createScenario({
  test,
  environment: process.env,
  file: import.meta.url,
  crypto: nodeCrypto,
});

describe("on a bad link", () => {
  // One-way loss, of which each of two links has half; the median and the slowest of twenty.
  for (const [lossRate, medianMs, p95Ms] of [
    [0.05, 500, 1500],
    [0.15, 800, 3000],
    [0.3, 2500, 12_000],
  ] as const) {
    const percent = lossRate * 100;
    const times: number[] = [];

    scenario(
      `of ${percent} % loss, 100 ms round trip and reordering every call connects`,
      { seeds: 40 },
      async (network) => {
        const half = 1 - Math.sqrt(1 - lossRate);
        const link = { delayMs: 25, jitterMs: 10, lossRate: half, reorderRate: 0.05, duplicateRate: 0.02 };
        const places: readonly Place[] = ["port", "open", "full", "sym"];
        const call = await startCall(network, "port", places[network.random.integer(0, 3)] ?? "open", {
          link,
        });
        const startedAt = network.now();
        await network.runUntil(() => isConnected(call), 15_000);
        times.push(network.now() - startedAt);
        await network.runUntil(() => isSettled(call), 10_000);
      },
    );

    test(`of ${percent} % loss half of them take ${medianMs} ms at most`, () => {
      times.sort((x, y) => x - y);
      expect(times[Math.floor(times.length / 2)]).toBeLessThanOrEqual(medianMs);
      expect(times[Math.floor(times.length * 0.95)]).toBeLessThanOrEqual(p95Ms);
    });
  }
});

scenario("both control, or both are controlled: one call all the same", { seeds: 30 }, async (network) => {
  const role = network.random.chance(0.5) ? "controlling" : "controlled";
  const link = { delayMs: 20, jitterMs: 20, lossRate: 0.05, reorderRate: 0.1 };
  const call = await startCall(network, "port", "port", { roles: [role, role], link });
  await network.runUntil(() => isSettled(call), 10_000);
  await network.run(2000);
  expect(new Set([call.a.driver.agent.role, call.b.driver.agent.role]).size).toBe(2);
});

scenario("a restart in a call loses no packet", { seeds: 20 }, async (network) => {
  const call = await startCall(network, "port", "full");
  await network.runUntil(() => isSettled(call), 3000);
  await talk(call, 300, async (number) => {
    if (number === 50) {
      for (const peer of [call.a, call.b]) {
        peer.driver.restart();
        peer.tellParameters();
      }
    }
    await network.run(10);
  });
  await network.run(500);
  expect([call.a.driver.agent.generation, call.b.driver.agent.generation]).toEqual([1, 1]);
  await network.runUntil(() => isSettled(call), 3000);
  expect([call.a.received.length, call.b.received.length]).toEqual([300, 300]);
  expect([...call.a.states, ...call.b.states]).not.toContain("disconnected");
});

describe("when the NAT of one side forgets everything and gets a new address", () => {
  for (const roles of [
    ["controlling", "controlled"],
    ["controlled", "controlling"],
  ] as const) {
    scenario(
      `and the other is public, data is back within 2.5 s (${roles[0]})`,
      { seeds: 20 },
      async (network) => {
        await startTurn(network);
        const home = network.nat("home", NAT_PRESETS.portRestricted);
        const link = { delayMs: 10 };
        const a = new IcePeer(network, network.host("alice", { inside: home, link }), { role: roles[0] }, {});
        const b = new IcePeer(network, network.host("bob", { link }), { role: roles[1] }, {});
        connect(a, b);
        await network.runUntil(() => isSettled({ a, b }), 3000);
        await network.run(network.random.integer(0, 4000));
        home.rebind();
        const reboundAt = network.now();
        const before = [a.received.length, b.received.length] as const;
        while (a.received.length === before[0] || b.received.length === before[1]) {
          a.send(1);
          b.send(2);
          await network.run(10);
          expect(network.now() - reboundAt).toBeLessThanOrEqual(2500);
        }
        expect([...a.states, ...b.states]).not.toContain("failed");
      },
    );
  }
});

scenario("a host that changes its network goes on without a restart", { seeds: 20 }, async (network) => {
  await startTurn(network);
  const host = network.host("alice", { interfaces: [{ name: "wlan0", link: { delayMs: 10 } }] });
  const a = new IcePeer(network, host, { role: network.random.chance(0.5) ? "controlling" : "controlled" });
  const other = a.driver.agent.role === "controlling" ? "controlled" : "controlling";
  const b = new IcePeer(network, network.host("bob", { link: { delayMs: 10 } }), { role: other });
  connect(a, b);
  await network.runUntil(() => isSettled({ a, b }), 3000);
  await network.run(1000);
  host.removeInterface("wlan0");
  await network.run(network.random.integer(0, 3000));
  host.addInterface({ name: "eth0", link: { delayMs: 10 } });
  const changedAt = network.now();
  const before = [a.received.length, b.received.length] as const;
  while (a.received.length === before[0] || b.received.length === before[1]) {
    a.send(1);
    b.send(2);
    await network.run(20);
    expect(network.now() - changedAt).toBeLessThanOrEqual(3000);
  }
  expect([...a.states, ...b.states]).not.toContain("failed");
});

scenario("a host with two networks moves to the other without a gap", { seeds: 20 }, async (network) => {
  await startTurn(network);
  const interfaces = [
    { name: "eth0", link: { delayMs: 5 } },
    { name: "wlan0", link: { delayMs: 15 } },
  ];
  const a = new IcePeer(network, network.host("alice", { interfaces }), { role: "controlling" });
  const b = new IcePeer(network, network.host("bob", { link: { delayMs: 5 } }), { role: "controlled" });
  connect(a, b);
  await network.runUntil(() => isSettled({ a, b }), 3000);
  await network.run(1000);
  a.host.removeInterface("eth0");
  await network.run(1);
  let sent = 0;
  for (let i = 0; i < 100; i++) {
    if (a.send(i)) sent++;
    await network.run(20);
  }
  await network.run(200);
  expect(sent).toBe(100);
  expect(b.received).toHaveLength(100);
  expect(a.states).not.toContain("disconnected");
});

scenario("where nothing passes, both have failed within 15 s and say why", { seeds: 5 }, async (network) => {
  const call = await startCall(network, "blackhole", "port");
  await network.runUntil(() => call.a.state === "failed" && call.b.state === "failed", 15_000);
  expect(call.a.driver.judge()).toBe("udp-blocked");
  expect(call.b.driver.judge()).toBe("no-answer");
  const codes = call.a.events.flatMap(({ event }) =>
    event.type === "serverError" ? [event.error.errorCode] : [],
  );
  expect(new Set(codes)).toEqual(new Set([701]));
});

describe("the verdict is true", () => {
  scenario("for a wrong password", {}, async (network) => {
    const { a, b } = twoHosts(network);
    a.driver.gather();
    b.driver.gather();
    await network.run(100);
    const { usernameFragment } = b.driver.agent.localParameters;
    a.driver.setRemoteParameters({ usernameFragment, password: "x".repeat(24) });
    for (const candidate of b.driver.agent.localCandidates) {
      a.driver.addRemoteCandidate({
        foundation: "1",
        component: 1,
        transport: candidate.protocol,
        priority: candidate.priority,
        address: candidate.address.ip.toString(),
        port: candidate.address.port,
        type: "host",
      });
    }
    await network.runUntil(() => a.state === "failed", 25_000);
    expect(a.driver.judge()).toBe("wrong-credentials");
    expect(b.driver.agent.counters.unauthenticated).toBeGreaterThan(0);
    expect(b.driver.agent.pairs()).toEqual([]);
  });

  scenario("for a host without a network", {}, async (network) => {
    const a = new IcePeer(
      network,
      network.host("alice", { interfaces: [] }),
      { role: "controlling" },
      {
        interfaceFilter: ({ address }) => !address.isLoopback,
      },
    );
    const b = new IcePeer(network, network.host("bob"), { role: "controlled" }, {});
    connect(a, b);
    await network.runUntil(() => a.state === "failed", 16_000);
    expect(a.driver.judge()).toBe("no-local-candidates");
    expect(b.driver.judge()).toBe("no-remote-candidates");
  });

  scenario("for a path that was there", {}, async (network) => {
    const { a, b } = twoHosts(network);
    connect(a, b);
    await network.runUntil(() => isSettled({ a, b }), 1000);
    a.host.link.change({ lossRate: 1 });
    await network.runUntil(() => a.state === "failed" && b.state === "failed", 31_000);
    expect(a.states).toEqual(
      ["checking", "connected", "completed", "disconnected", "failed"].filter((s) => a.states.includes(s)),
    );
    expect(a.driver.judge()).toBe("path-lost");
  });
});

describe("an attacker", () => {
  scenario("who floods from anywhere changes nothing and gets little", { seeds: 5 }, async (network) => {
    const { a, b } = twoHosts(network);
    connect(a, b);
    await network.runUntil(() => isSettled({ a, b }), 1000);
    const attacker = network.attacker();
    const stranger = new TransportAddress(network.host("stranger").address(), 6666);
    const target = a.pair?.local.address ?? stranger;
    const friend = b.pair?.local.address ?? stranger;
    const before = a.driver.agent.pairs().length;
    attacker.tap(b.host.link.up);
    await network.run(3000);
    const seen = attacker.observed.map(({ bytes }) => bytes);
    const random = network.random.fork("flood");
    for (let i = 0; i < 5000; i++) {
      const bytes = (seen[i % seen.length] ?? new Uint8Array(20)).slice();
      bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      attacker.send(bytes, i % 2 === 0 ? stranger : friend, target);
      if (i % 50 === 0) await network.run(10);
    }
    await network.run(3000);
    expect([a.state, b.state]).toEqual(["completed", "completed"]);
    expect(`${a.pair?.remote.address}`).toBe(`${friend}`);
    // A replayed request is authentic and makes a pair; it is bounded, and never takes the call.
    expect(a.driver.agent.pairs().length).toBeLessThanOrEqual(before + 4);
    a.received.splice(0);
    b.send(9);
    await network.run(100);
    expect(a.received).toEqual([9]);
  });

  scenario("who sends data that nobody asked for is not heard", {}, async (network) => {
    const { a, b } = twoHosts(network);
    connect(a, b);
    await network.runUntil(() => isSettled({ a, b }), 1000);
    const stranger = new TransportAddress(network.host("stranger").address(), 6666);
    const target = a.pair?.local.address ?? stranger;
    for (let i = 0; i < 100; i++)
      network.clock.schedule(network.now() + i, () =>
        attacker.send(Uint8Array.of(22, 0, 0, 0, 1), stranger, target),
      );
    const attacker = network.attacker();
    await network.run(500);
    expect(a.received).toEqual([]);
    expect(a.driver.unvalidatedCount).toBe(100);
  });
});

/** Sends numbered packets both ways. */
async function talk({ a, b }: Call, count: number, pause: (number: number) => Promise<void>): Promise<void> {
  for (let number = 0; number < count; number++) {
    a.send(number);
    b.send(number);
    await pause(number);
  }
}

function twoHosts(network: Parameters<typeof startTurn>[0]): Call {
  const link = { delayMs: 10 };
  return {
    a: new IcePeer(network, network.host("alice", { link }), { role: "controlling" }, {}),
    b: new IcePeer(network, network.host("bob", { link }), { role: "controlled" }, {}),
  };
}
