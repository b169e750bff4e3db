import { describe, expect, test } from "vitest";
import { IpAddress, TransportAddress } from "../src/bytes/index.ts";
import { PacketArena } from "../src/kernel/index.ts";
import { type HostOptions, type SystemError, VirtualNetwork } from "../src/testing/index.ts";
import { lastSource, openSocket, type RecordingSocket } from "./recording-socket.ts";

interface Bench {
  readonly network: VirtualNetwork;
  readonly alice: RecordingSocket;
  readonly bob: RecordingSocket;
}

describe("the same seed", () => {
  test("gives the same run, packet for packet", async () => {
    expect(await noisyRun("seed 1")).toBe(await noisyRun("seed 1"));
  });

  test("differs from another", async () => {
    const [first, second] = [await noisyRun("seed 1"), await noisyRun("seed 2")];
    expect(first).not.toBe(second);
    expect(first).toContain("✗");
    expect(first).toContain("✓");
  });

  test("gives the existing parts the same fate when another host joins", async () => {
    const fate = (ladder: string): string[] => ladder.split("\n").filter((line) => line.includes(" alice "));
    expect(fate(await noisyRun("seed 1", true))).toEqual(fate(await noisyRun("seed 1", false)));
  });
});

test("datagrams of one instant are one batch", async () => {
  const { network, alice, bob } = await createBench();
  for (const text of ["a", "b", "c"]) alice.sendText(text, bob.io.localAddress);
  network.advance(1);
  alice.sendText("d", bob.io.localAddress);
  network.advance(10);
  expect(bob.received).toEqual(["a", "b", "c", "d"]);
  expect(bob.batches).toEqual([3, 1]);
});

test("one remote address is always the same object", async () => {
  const { network, alice, bob } = await createBench();
  const copyOfBob = TransportAddress.parse(bob.io.localAddress.toString())!;
  alice.sendText("a", bob.io.localAddress);
  alice.sendText("b", copyOfBob);
  network.advance(10);
  expect(bob.sources[1]).toBe(bob.sources[0]);
});

test("lent bytes are overwritten after the call, and bytes sent are copied at once", async () => {
  const { network, alice, bob } = await createBench();
  const kept: Uint8Array[] = [];
  const host = network.host("carol");
  const carol = await host.bindUdp(
    { address: host.address(), port: 0 },
    { handleDatagram: (bytes) => void kept.push(bytes), handleBatchEnd() {}, handleError() {} },
  );
  const bytes = Uint8Array.of(1, 2, 3);
  alice.io.send(bytes, bob.io.localAddress);
  alice.io.send(bytes, carol.localAddress);
  bytes.fill(9);
  network.advance(10);
  expect(bob.received).toEqual(["\x01\x02\x03"]);
  expect(kept[0]?.includes(1)).toBe(false);
});

test("a slot is sent from its start to its end and released after the call, not in it", async () => {
  const { network, alice, bob } = await createBench();
  const arena = new PacketArena(1);
  const slot = arena.acquire(16)!;
  slot.bytes.set(new TextEncoder().encode("slot"), 16);
  slot.end = 20;
  slot.to = bob.io.localAddress;
  alice.io.sendSlot(slot);
  expect(arena.inUse).toBe(1);
  network.advance(10);
  expect(arena.inUse).toBe(0);
  expect(bob.received).toEqual(["slot"]);
});

describe("binding", () => {
  test("refuses an address in use, the wildcard included, and one the host does not have", async () => {
    const { network } = await createBench();
    const host = network.host("carol", { addresses: ["203.0.113.77", "203.0.113.78"] });
    await openSocket(host, 4000, ip("203.0.113.77"));
    await openSocket(host, 4000, ip("203.0.113.78"));
    expect(await codeOf(openSocket(host, 4000, ip("203.0.113.77")))).toBe("EADDRINUSE");
    expect(await codeOf(openSocket(host, 4000, ip("0.0.0.0")))).toBe("EADDRINUSE");
    expect(await codeOf(openSocket(host, 4000, ip("192.0.2.1")))).toBe("EADDRNOTAVAIL");
  });

  test("a closed port can be bound again", async () => {
    const { network, alice, bob } = await createBench();
    const to = bob.io.localAddress;
    bob.io.close();
    alice.sendText("nobody", to);
    network.advance(10);
    expect(network.ladder()).toContain("✗ bob: nothing bound to the port");
  });

  test("port 0 gives a port of its own to each socket", async () => {
    const { network } = await createBench();
    const host = network.host("carol");
    const ports = new Set<number>();
    for (let i = 0; i < 50; i++) ports.add((await openSocket(host)).io.localAddress.port);
    expect(ports.size).toBe(50);
  });

  test("a wildcard socket answers from the address on the same network as the other", async () => {
    const network = new VirtualNetwork({ seed: 1 });
    const two = network.host("two", {
      interfaces: [
        { name: "eth0", addresses: ["203.0.113.5"] },
        { name: "eth1", addresses: ["198.51.100.5"] },
      ],
    });
    const wildcard = await openSocket(two, 7000, ip("0.0.0.0"));
    const near = await openSocket(network.host("near", { addresses: ["198.51.100.9"] }));
    wildcard.sendText("hello", near.io.localAddress);
    near.sendText("hello", new TransportAddress(ip("203.0.113.5"), 7000));
    network.advance(10);
    expect(lastSource(near).toString()).toBe("198.51.100.5:7000");
    expect(wildcard.received).toEqual(["hello"]);
  });
});

test("what the system would refuse is counted and lost", async () => {
  const { network, alice, bob } = await createBench();
  alice.io.send(new Uint8Array(65_508), bob.io.localAddress);
  alice.sendText("x", TransportAddress.parse("[2001:db8::1]:1")!);
  alice.sendText("x", new TransportAddress(bob.io.localAddress.ip, 0));
  alice.io.close();
  alice.sendText("x", bob.io.localAddress);
  network.advance(10);
  expect(alice.io.refusedCount).toBe(4);
  expect(bob.received).toEqual([]);
});

test("a datagram too large for a link on the way disappears there", async () => {
  const { network, alice, bob } = await createBench({ link: { mtuBytes: 1280 } });
  // 20 bytes of IPv4 header and 8 of UDP.
  alice.io.send(new Uint8Array(1252), bob.io.localAddress);
  alice.io.send(new Uint8Array(1253), bob.io.localAddress);
  network.advance(10);
  expect(bob.received).toHaveLength(1);
  expect(network.ladder()).toContain("✗ bob/eth0 down: larger than the MTU");
});

test("conditions change while packets travel, in one direction or both", async () => {
  const network = new VirtualNetwork({ seed: 1 });
  const [one, two] = [network.host("one"), network.host("two")];
  const [alice, bob] = [await openSocket(one), await openSocket(two)];
  two.link.change({ down: { delayMs: 50 } });
  alice.sendText("slow", bob.io.localAddress);
  bob.sendText("fast", alice.io.localAddress);
  network.advance(10);
  expect([alice.received, bob.received]).toEqual([["fast"], []]);
  two.link.change({ lossRate: 1 });
  network.advance(100);
  expect(bob.received).toEqual(["slow"]);
  alice.sendText("lost", bob.io.localAddress);
  network.advance(100);
  expect(bob.received).toEqual(["slow"]);
});

test("a path has conditions of its own between two places", async () => {
  const network = new VirtualNetwork({ seed: 1 });
  const [one, two, three] = [network.host("one"), network.host("two"), network.host("three")];
  const sockets = [await openSocket(one), await openSocket(two), await openSocket(three)] as const;
  network.path(one, two, { delayMs: 100 });
  sockets[0].sendText("far", sockets[1].io.localAddress);
  sockets[0].sendText("near", sockets[2].io.localAddress);
  network.advance(10);
  expect([sockets[1].received, sockets[2].received]).toEqual([[], ["near"]]);
  network.advance(100);
  expect(sockets[1].received).toEqual(["far"]);
});

test("a host reaches itself by loopback and by its own address, without a wire", async () => {
  const network = new VirtualNetwork({ seed: 1 });
  const host = network.host("alone", { link: { lossRate: 1 } });
  const [first, second] = [await openSocket(host), await openSocket(host, 0, ip("127.0.0.1"))];
  first.sendText("own", first.io.localAddress);
  second.sendText("loop", second.io.localAddress);
  network.advance(1);
  expect([first.received, second.received]).toEqual([["own"], ["loop"]]);
});

describe("a host that moves", () => {
  test("those who watch are told once, and the list of interfaces has changed", async () => {
    const network = new VirtualNetwork({ seed: 1 });
    const host = network.host("phone", { interfaces: [{ name: "wlan0", addresses: ["203.0.113.50"] }] });
    let changes = 0;
    const stop = host.watchInterfaces(() => changes++);
    await network.run(1);
    changes = 0;
    host.removeInterface("wlan0");
    host.addInterface({ name: "wwan0", addresses: ["198.51.100.50"] });
    expect(changes).toBe(0);
    await network.run(1);
    expect(changes).toBe(1);
    const outside = host.interfaces().filter(({ address }) => !address.isLoopback);
    expect(outside.map(({ name, address }) => `${name} ${address}`)).toEqual(["wwan0 198.51.100.50"]);
    stop();
    host.removeInterface("wwan0");
    await network.run(1);
    expect(changes).toBe(1);
  });

  test("loses what is on the last stretch to the interface that goes away", async () => {
    const { network, alice } = await createBench();
    const host = network.host("phone", { link: { down: { delayMs: 50 } } });
    const phone = await openSocket(host);
    alice.sendText("too late", phone.io.localAddress);
    network.advance(20);
    host.removeInterface("eth0");
    network.advance(100);
    expect(phone.received).toEqual([]);
    expect(network.ladder()).toContain("✗ phone/eth0: interface is gone");
  });

  test("a socket bound to a lost address falls silent in both directions", async () => {
    const { network, alice, bob } = await createBench();
    const host = network.host("phone", { interfaces: [{ name: "wlan0", addresses: ["203.0.113.50"] }] });
    const phone = await openSocket(host);
    alice.sendText("on the way", phone.io.localAddress);
    host.removeInterface("wlan0");
    host.addInterface({ name: "wwan0", addresses: ["198.51.100.50"] });
    phone.sendText("from nowhere", bob.io.localAddress);
    network.advance(10);
    alice.sendText("to nowhere", phone.io.localAddress);
    network.advance(10);
    expect(phone.received).toEqual([]);
    expect(bob.received).toEqual([]);
    expect(phone.io.refusedCount).toBe(1);
    const again = await openSocket(host, 0, ip("198.51.100.50"));
    again.sendText("from here", bob.io.localAddress);
    network.advance(10);
    expect(bob.received).toEqual(["from here"]);
  });
});

describe("an attacker", () => {
  test("sends from any address and sees nothing of what comes back", async () => {
    const { network, alice, bob } = await createBench();
    const mallory = network.attacker("mallory");
    mallory.send(new TextEncoder().encode("forged"), alice.io.localAddress, bob.io.localAddress);
    network.advance(10);
    expect(bob.received).toEqual(["forged"]);
    expect(lastSource(bob).toString()).toBe(alice.io.localAddress.toString());
    bob.sendText("answer", lastSource(bob));
    network.advance(10);
    expect(mallory.observed).toEqual([]);
    expect(network.ladder()).toContain("mallory ");
  });

  test("on the path sees what passes the tapped wire and nothing else", async () => {
    const network = new VirtualNetwork({ seed: 1 });
    const [one, two] = [network.host("one"), network.host("two")];
    const [alice, bob] = [await openSocket(one), await openSocket(two)];
    const eve = network.attacker("eve");
    eve.tap(one.link.up);
    alice.sendText("secret", bob.io.localAddress);
    bob.sendText("other way", alice.io.localAddress);
    network.advance(10);
    expect(eve.observed.map(({ bytes }) => new TextDecoder().decode(bytes))).toEqual(["secret"]);
    expect(eve.observed[0]?.destination.equals(bob.io.localAddress)).toBe(true);
  });
});

test("host names are answered from the network's table, addresses as they are", async () => {
  const network = new VirtualNetwork({ seed: 1 });
  const host = network.host("alice");
  network.addName("turn.example", "203.0.113.9", "2001:db8::9");
  expect((await host.resolve("TURN.example")).join()).toBe("203.0.113.9,2001:db8::9");
  expect((await host.resolve("192.0.2.4")).join()).toBe("192.0.2.4");
  expect(await codeOf(host.resolve("nowhere.example"))).toBe("ENOTFOUND");
});

test("two hosts cannot have one address, nor one name", () => {
  const network = new VirtualNetwork({ seed: 1 });
  network.host("a", { addresses: ["203.0.113.9"] });
  expect(() => network.host("b", { addresses: ["203.0.113.9"] })).toThrow(/belongs to a\/eth0 already/);
  expect(() => network.host("a")).toThrow(/has a "a" already/);
});

async function createBench(bobOptions: HostOptions = {}): Promise<Bench> {
  const network = new VirtualNetwork({ seed: "udp" });
  const alice = await openSocket(network.host("alice"));
  const bob = await openSocket(network.host("bob", bobOptions));
  return { network, alice, bob };
}

/** Two hosts that send to each other over a bad link; the whole ladder. */
async function noisyRun(seed: string, withThird = false): Promise<string> {
  const network = new VirtualNetwork({ seed });
  const link = { lossRate: 0.2, jitterMs: 20, duplicateRate: 0.05, reorderRate: 0.1, rateBps: 2_000_000 };
  const home = network.nat("home", { preservesPorts: false });
  const alice = await openSocket(network.host("alice", { inside: home, link }), 5000);
  if (withThird) await openSocket(network.host("carol", { link }));
  const bob = await openSocket(network.host("bob", { addresses: ["203.0.113.99"], link }), 5000);
  for (let i = 0; i < 100; i++) {
    alice.sendText(`packet ${i}`, bob.io.localAddress);
    if (bob.sources.length > 0) bob.sendText(`answer ${i}`, lastSource(bob));
    network.advance(7);
  }
  network.advance(1000);
  return network.ladder();
}

async function codeOf(promise: Promise<unknown>): Promise<SystemError["code"] | "no error"> {
  try {
    await promise;
    return "no error";
  } catch (error) {
    if (error instanceof Error && "code" in error) return isCode(error.code) ? error.code : "no error";
    throw error;
  }
}

function isCode(code: unknown): code is SystemError["code"] {
  return typeof code === "string";
}

function ip(text: string): IpAddress {
  const parsed = IpAddress.parse(text);
  if (parsed === undefined) throw new TypeError(`"${text}" is no address`);
  return parsed;
}
