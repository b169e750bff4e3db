import { describe, expect, test } from "vitest";
import { TransportAddress } from "../src/bytes/index.ts";
import {
  NAT_PRESETS,
  type NatBehavior,
  type NatRouterOptions,
  VirtualNetwork,
  type VirtualRouter,
} from "../src/testing/index.ts";
import { lastSource, openSocket, type RecordingSocket } from "./recording-socket.ts";

const BEHAVIORS: readonly NatBehavior[] = [
  "endpointIndependent",
  "addressDependent",
  "addressAndPortDependent",
];

interface Bench {
  readonly network: VirtualNetwork;
  readonly home: VirtualRouter;
  readonly alice: RecordingSocket;
  /** Two ports of one server, and one of another. */
  readonly one: RecordingSocket;
  readonly onePort2: RecordingSocket;
  readonly two: RecordingSocket;
}

describe("mapping (RFC 4787 §4.1)", () => {
  test.each([
    ["endpointIndependent", { sameForOtherPort: true, sameForOtherAddress: true }],
    ["addressDependent", { sameForOtherPort: true, sameForOtherAddress: false }],
    ["addressAndPortDependent", { sameForOtherPort: false, sameForOtherAddress: false }],
  ] as const)("%s maps one internal endpoint to the external ports it should", async (mapping, wanted) => {
    const { network, alice, one, onePort2, two } = await createBench({ mapping, preservesPorts: false });
    for (const server of [one, onePort2, two]) alice.sendText("hello", server.io.localAddress);
    network.advance(100);
    const seen = lastSource(one);
    expect(seen.ip.toString()).toBe("198.51.100.1");
    expect(seen.port).not.toBe(5000);
    expect(lastSource(onePort2).equals(seen)).toBe(wanted.sameForOtherPort);
    expect(lastSource(two).equals(seen)).toBe(wanted.sameForOtherAddress);
  });

  test("the port is preserved when it is free, and another taken when it is not", async () => {
    const { network, home, alice, one } = await createBench({ preservesPorts: true });
    const bob = await openSocket(network.host("bob", { inside: home }), 5000);
    alice.sendText("alice", one.io.localAddress);
    bob.sendText("bob", one.io.localAddress);
    network.advance(100);
    expect(one.sources[0]!.port).toBe(5000);
    expect(one.sources[1]!.port).not.toBe(5000);
    expect(one.sources[1]!.ip.equals(one.sources[0]!.ip)).toBe(true);
    // REQ-3: no port belongs to two; answers find the right host.
    one.sendText("to alice", one.sources[0]!);
    one.sendText("to bob", one.sources[1]!);
    network.advance(100);
    expect(alice.received).toEqual(["to alice"]);
    expect(bob.received).toEqual(["to bob"]);
  });
});

describe("filtering (RFC 4787 §5)", () => {
  const cases = BEHAVIORS.flatMap((mapping) => BEHAVIORS.map((filtering) => [mapping, filtering] as const));
  test.each(cases)(
    "with %s mapping, %s filtering lets in only whom it should",
    async (mapping, filtering) => {
      const { network, alice, one, onePort2, two } = await createBench({ mapping, filtering });
      alice.sendText("open", one.io.localAddress);
      network.advance(100);
      const mapped = lastSource(one);
      one.sendText("same port", mapped);
      onePort2.sendText("same address", mapped);
      two.sendText("stranger", mapped);
      network.advance(100);
      const wanted = {
        endpointIndependent: ["same port", "same address", "stranger"],
        addressDependent: ["same port", "same address"],
        addressAndPortDependent: ["same port"],
      }[filtering];
      expect(alice.received).toEqual(wanted);
    },
  );

  test("a port without a mapping lets nothing in", async () => {
    const { network, alice, one } = await createBench(NAT_PRESETS.fullCone);
    one.sendText("knock", TransportAddress.parse("198.51.100.1:5000")!);
    network.advance(100);
    expect(alice.received).toEqual([]);
    expect(network.ladder()).toContain("✗ home: no mapping");
  });
});

describe("presets", () => {
  test("two hosts behind port-restricted NATs reach each other once both have sent", async () => {
    expect(await punch(NAT_PRESETS.portRestricted, NAT_PRESETS.portRestricted)).toEqual([true, true]);
  });

  test("a symmetric NAT and an address-restricted one let hosts reach each other", async () => {
    expect(await punch(NAT_PRESETS.symmetric, NAT_PRESETS.addressRestricted)).toEqual([true, true]);
  });

  test("a symmetric NAT and a port-restricted one do not", async () => {
    expect(await punch(NAT_PRESETS.symmetric, NAT_PRESETS.portRestricted)).toEqual([false, false]);
  });

  test("two symmetric NATs do not", async () => {
    expect(await punch(NAT_PRESETS.symmetric, NAT_PRESETS.symmetric)).toEqual([false, false]);
  });

  test("a host behind a full cone hears from a symmetric one without having sent to it", async () => {
    const { network, alice, one } = await createBench(NAT_PRESETS.fullCone);
    alice.sendText("hello", one.io.localAddress);
    network.advance(100);
    const other = network.nat("other", NAT_PRESETS.symmetric);
    const bob = await openSocket(network.host("bob", { inside: other }));
    bob.sendText("from bob", lastSource(one));
    network.advance(100);
    expect(alice.received).toEqual(["from bob"]);
  });
});

describe("hairpinning (RFC 4787 §6)", () => {
  test("hosts behind one NAT reach each other by their external addresses, and see these as source", async () => {
    const { network, home, alice, one } = await createBench(NAT_PRESETS.fullCone);
    const bob = await openSocket(network.host("bob", { inside: home }));
    alice.sendText("a", one.io.localAddress);
    bob.sendText("b", one.io.localAddress);
    network.advance(100);
    const [aliceOutside, bobOutside] = [one.sources[0]!, one.sources[1]!];
    alice.sendText("through the hairpin", bobOutside);
    network.advance(100);
    expect(bob.received).toEqual(["through the hairpin"]);
    // REQ-9a: "External source IP address and port".
    expect(lastSource(bob).toString()).toBe(aliceOutside.toString());
  });

  test("without it they do not", async () => {
    const { network, home, alice, one } = await createBench({ ...NAT_PRESETS.fullCone, hairpins: false });
    const bob = await openSocket(network.host("bob", { inside: home }));
    bob.sendText("b", one.io.localAddress);
    network.advance(100);
    alice.sendText("through the hairpin", lastSource(one));
    network.advance(100);
    expect(bob.received).toEqual([]);
    expect(network.ladder()).toContain("does not hairpin");
  });
});

describe("the mapping timer (RFC 4787 §4.3)", () => {
  test("a mapping that is not used is forgotten and its successor has another port", async () => {
    const options = { mappingTimeoutMs: 30_000, preservesPorts: false };
    const { network, alice, one } = await createBench(options);
    alice.sendText("first", one.io.localAddress);
    network.advance(30_100);
    one.sendText("late", lastSource(one));
    network.advance(100);
    expect(alice.received).toEqual([]);
    alice.sendText("second", one.io.localAddress);
    network.advance(100);
    expect(one.sources[1]!.port).not.toBe(one.sources[0]!.port);
  });

  test("packets from inside keep it alive", async () => {
    const options = { mappingTimeoutMs: 30_000, preservesPorts: false };
    const { network, alice, one } = await createBench(options);
    for (let i = 0; i < 5; i++) {
      alice.sendText("keep", one.io.localAddress);
      network.advance(20_000);
    }
    expect(new Set(one.sources.map(({ port }) => port)).size).toBe(1);
    one.sendText("still here", lastSource(one));
    network.advance(100);
    expect(alice.received).toEqual(["still here"]);
  });

  test.each([
    [true, 5],
    [false, 1],
  ])("packets from outside keep it alive only if the NAT is so (%s)", async (inboundRefreshes, wanted) => {
    const { network, alice, one } = await createBench({ mappingTimeoutMs: 30_000, inboundRefreshes });
    alice.sendText("open", one.io.localAddress);
    network.advance(20_000);
    for (let i = 0; i < 5; i++) {
      one.sendText("ping", lastSource(one));
      network.advance(20_000);
    }
    expect(alice.received).toHaveLength(wanted);
  });
});

describe("carrier-grade NAT", () => {
  test("a host behind two NATs is seen from the outer address, and answers come back", async () => {
    const network = new VirtualNetwork({ seed: "cgn" });
    const carrier = network.nat("carrier", { address: "198.51.100.1", subnet: "100.64.0" });
    const home = network.nat("home", { inside: carrier, address: "100.64.0.7" });
    const alice = await openSocket(network.host("alice", { inside: home }));
    const server = await openSocket(network.host("server"));
    alice.sendText("hello", server.io.localAddress);
    network.advance(100);
    expect(lastSource(server).ip.toString()).toBe("198.51.100.1");
    server.sendText("welcome", lastSource(server));
    network.advance(100);
    expect(alice.received).toEqual(["welcome"]);
  });

  test("two homes of one carrier reach each other only if the carrier hairpins", async () => {
    for (const hairpins of [true, false]) {
      const network = new VirtualNetwork({ seed: "cgn" });
      const carrier = network.nat("carrier", { ...NAT_PRESETS.fullCone, hairpins, subnet: "100.64.0" });
      const server = await openSocket(network.host("server"));
      const [alice, bob] = await Promise.all(
        ["alice", "bob"].map((name) => {
          const home = network.nat(`home of ${name}`, { ...NAT_PRESETS.fullCone, inside: carrier });
          return openSocket(network.host(name, { inside: home }));
        }),
      );
      bob!.sendText("b", server.io.localAddress);
      network.advance(100);
      alice!.sendText("neighbour", lastSource(server));
      network.advance(100);
      expect(bob!.received).toEqual(hairpins ? ["neighbour"] : []);
    }
  });
});

test("a NAT that rebinds has a new address, and old mappings lead nowhere", async () => {
  const { network, home, alice, one } = await createBench(NAT_PRESETS.fullCone);
  alice.sendText("before", one.io.localAddress);
  network.advance(100);
  const before = lastSource(one);
  home.rebind("198.51.100.99");
  one.sendText("to the old address", before);
  alice.sendText("after", one.io.localAddress);
  network.advance(100);
  expect(alice.received).toEqual([]);
  expect(lastSource(one).ip.toString()).toBe("198.51.100.99");
  one.sendText("to the new address", lastSource(one));
  network.advance(100);
  expect(alice.received).toEqual(["to the new address"]);
  expect(network.ladder()).toContain("home rebinds to 198.51.100.99");
});

test("both copies of a packet duplicated before the NAT are translated alike", async () => {
  const network = new VirtualNetwork({ seed: "duplicates" });
  const home = network.nat("home", NAT_PRESETS.symmetric);
  const alice = await openSocket(network.host("alice", { inside: home, link: { up: { duplicateRate: 1 } } }));
  const server = await openSocket(network.host("server"));
  alice.sendText("twice", server.io.localAddress);
  network.advance(10);
  expect(server.received).toEqual(["twice", "twice"]);
  expect(server.sources[1]!.equals(server.sources[0]!)).toBe(true);
  expect(home.nat?.mappings(network.now())).toHaveLength(1);
  expect(network.ladder()).toContain("(and 1 more)");
});

test("IPv6 behind a NAT router is routed, not translated", async () => {
  const { network, home } = await createBench({});
  const dual = network.host("dual", { inside: home, addresses: ["192.168.1.50", "2001:db8:1::50"] });
  const server = network.host("six", { addresses: ["2001:db8:ffff::1"] });
  const inside = await openSocket(dual, 0, dual.address(6));
  const outside = await openSocket(server);
  inside.sendText("out", outside.io.localAddress);
  network.advance(100);
  expect(lastSource(outside).toString()).toBe(inside.io.localAddress.toString());
  outside.sendText("in", inside.io.localAddress);
  network.advance(100);
  expect(inside.received).toEqual(["in"]);
});

async function createBench(options: NatRouterOptions): Promise<Bench> {
  const network = new VirtualNetwork({ seed: "nat" });
  const home = network.nat("home", { ...options, address: "198.51.100.1" });
  const serverOne = network.host("one", { addresses: ["203.0.113.10"] });
  const serverTwo = network.host("two", { addresses: ["203.0.113.20"] });
  return {
    network,
    home,
    alice: await openSocket(network.host("alice", { inside: home }), 5000),
    one: await openSocket(serverOne, 3478),
    onePort2: await openSocket(serverOne, 3479),
    two: await openSocket(serverTwo, 3478),
  };
}

/** Both learn their external address from a server, then send to each other's three times: who hears the other? */
async function punch(first: NatRouterOptions, second: NatRouterOptions): Promise<[boolean, boolean]> {
  const network = new VirtualNetwork({ seed: "punch" });
  const server = await openSocket(network.host("server"));
  const open = async (name: string, nat: NatRouterOptions): Promise<RecordingSocket> => {
    const home = network.nat(`home of ${name}`, nat);
    return openSocket(network.host(name, { inside: home }));
  };
  const alice = await open("alice", first);
  const bob = await open("bob", second);
  alice.sendText("who am I?", server.io.localAddress);
  network.advance(10);
  bob.sendText("who am I?", server.io.localAddress);
  network.advance(10);
  for (let i = 0; i < 3; i++) {
    alice.sendText("alice", server.sources[1]!);
    bob.sendText("bob", server.sources[0]!);
    // An answer goes to where the question came from, as ICE does with peer-reflexive candidates.
    if (bob.sources.length > 0) bob.sendText("bob", lastSource(bob));
    if (alice.sources.length > 0) alice.sendText("alice", lastSource(alice));
    network.advance(50);
  }
  return [alice.received.includes("bob"), bob.received.includes("alice")];
}
