import { Socket } from "node:dgram";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { IpAddress, TransportAddress } from "../bytes/index.ts";
import { PacketArena, type PacketSlot } from "../kernel/index.ts";
import type { UdpIo } from "../platform/index.ts";
import { createNodePlatform } from "./index.ts";

const platform = createNodePlatform();
const LOOPBACK = parseIp("127.0.0.1");
const encoder = new TextEncoder();

/** A bound socket and everything it was told. */
interface Bench {
  readonly udp: UdpIo;
  readonly log: string[];
  readonly from: TransportAddress[];
  readonly bytes: Uint8Array[];
}

const sockets: UdpIo[] = [];

afterEach(() => {
  for (const udp of sockets.splice(0)) udp.close();
});

async function bind(address: IpAddress = LOOPBACK, port = 0): Promise<Bench> {
  const bench = { log: [] as string[], from: [] as TransportAddress[], bytes: [] as Uint8Array[] };
  const udp = await platform.bindUdp(
    { address, port },
    {
      handleDatagram(bytes, from) {
        bench.log.push(new TextDecoder().decode(bytes));
        bench.from.push(from);
        bench.bytes.push(bytes);
      },
      handleBatchEnd: () => void bench.log.push("|"),
      handleError: (error) => void bench.log.push(error.message),
    },
  );
  sockets.push(udp);
  return { udp, ...bench };
}

async function eventually(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 2000, interval: 2 });
}

function send({ udp }: Bench, to: Bench, text: string): void {
  udp.send(encoder.encode(text), to.udp.localAddress);
}

describe.each([
  ["IPv4", LOOPBACK],
  ["IPv6", parseIp("::1")],
])("over %s", (_name, address) => {
  test("a datagram arrives with the address it came from", async () => {
    const [alice, bob] = [await bind(address), await bind(address)];
    send(alice, bob, "hello");
    await eventually(() => bob.log.includes("|"));
    expect(bob.log).toEqual(["hello", "|"]);
    expect(bob.from[0]?.equals(alice.udp.localAddress)).toBe(true);
    expect([alice.udp.refusedCount, alice.udp.queuedBytes]).toEqual([0, 0]);
  });
});

test("an empty datagram is a datagram", async () => {
  const [alice, bob] = [await bind(), await bind()];
  send(alice, bob, "");
  await eventually(() => bob.log.includes("|"));
  expect(bob.log).toEqual(["", "|"]);
});

test("one remote address is one object, for all sockets of a platform", async () => {
  const [alice, bob, carol] = [await bind(), await bind(), await bind()];
  send(alice, bob, "1");
  send(alice, bob, "2");
  send(alice, carol, "3");
  await eventually(() => bob.from.length === 2 && carol.from.length === 1);
  expect(bob.from[0]).toBe(bob.from[1]);
  expect(carol.from[0]).toBe(bob.from[0]);
});

test("the end of a batch comes after its datagrams, and once for all of them", async () => {
  const [alice, bob] = [await bind(), await bind()];
  for (let i = 0; i < 20; i++) send(alice, bob, `${i}`);
  await eventually(() => bob.bytes.length === 20 && bob.log.at(-1) === "|");
  // The system may hand over what waits in more than one turn, but not each datagram in a turn of its own.
  expect(bob.log.filter((entry) => entry === "|").length).toBeLessThan(10);
  expect(bob.log.filter((entry) => entry !== "|")).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
});

test("what is received is a plain array, never a Buffer", async () => {
  const [alice, bob] = [await bind(), await bind()];
  send(alice, bob, "x");
  await eventually(() => bob.bytes.length === 1);
  expect(Object.getPrototypeOf(bob.bytes[0])).toBe(Uint8Array.prototype);
});

describe("a packet slot", () => {
  function fill(arena: PacketArena, text: string, to: TransportAddress | undefined): PacketSlot {
    const slot = arena.acquire(16);
    if (slot === undefined) throw new Error("the arena is exhausted");
    slot.bytes.set(encoder.encode(text), slot.start);
    slot.end = slot.start + text.length;
    slot.to = to;
    return slot;
  }

  test("is sent without its headroom and released once it has left", async () => {
    const [alice, bob] = [await bind(), await bind()];
    const arena = new PacketArena(4);
    alice.udp.sendSlot(fill(arena, "packet", bob.udp.localAddress));
    expect(arena.inUse).toBe(1);
    await eventually(() => arena.inUse === 0 && bob.bytes.length === 1);
    expect(bob.log[0]).toBe("packet");
    expect(alice.udp.queuedBytes).toBe(0);
  });

  test.each([
    ["no address", undefined],
    ["port 0", new TransportAddress(LOOPBACK, 0)],
    ["an address of the other family", new TransportAddress(parseIp("::1"), 9)],
  ])("with %s is released at once", async (_name, to) => {
    const alice = await bind();
    const arena = new PacketArena(4);
    alice.udp.sendSlot(fill(arena, "x", to));
    expect(arena.inUse).toBe(0);
    expect(alice.udp.refusedCount).toBe(1);
  });

  test("that the system refuses is released once and counted", async () => {
    const alice = await bind();
    const arena = new PacketArena(1, 70_000);
    const slot = fill(arena, "x", new TransportAddress(LOOPBACK, 9));
    slot.end = 69_000;
    alice.udp.sendSlot(slot);
    await eventually(() => arena.inUse === 0);
    expect(alice.udp.refusedCount).toBe(1);
    expect(alice.udp.queuedBytes).toBe(0);
  });

  test("after others have left is released as soon as the system has it", async () => {
    const [alice, bob] = [await bind(), await bind()];
    const arena = new PacketArena(4);
    alice.udp.sendSlot(fill(arena, "watched", bob.udp.localAddress));
    await eventually(() => arena.inUse === 0);
    for (let i = 0; i < 200; i++) {
      const slot = fill(arena, `packet ${i}`, bob.udp.localAddress);
      alice.udp.sendSlot(slot);
      if (arena.inUse > 0) await eventually(() => arena.inUse === 0);
    }
    await eventually(() => bob.bytes.length === 201);
    expect(bob.log.filter((line) => line !== "|").at(-1)).toBe("packet 199");
  });

  test.each([
    ["is needed until it has", false],
    ["is needed until the socket has closed", true],
  ])("that the system does not take at once %s", async (_name, closes) => {
    const [alice, bob] = [await bind(), await bind()];
    const arena = new PacketArena(4);
    alice.udp.sendSlot(fill(arena, "watched", bob.udp.localAddress));
    await eventually(() => arena.inUse === 0);
    const count = vi.spyOn(Socket.prototype, "getSendQueueCount").mockReturnValue(1);
    alice.udp.sendSlot(fill(arena, "waits", bob.udp.localAddress));
    alice.udp.sendSlot(fill(arena, "behind", bob.udp.localAddress));
    await nextTurn();
    expect(alice.udp.queuedBytes).toBeGreaterThan(0);
    expect(arena.inUse).toBeGreaterThan(0);
    if (closes) alice.udp.close();
    count.mockRestore();
    await eventually(() => arena.inUse === 0);
    expect(alice.udp.queuedBytes).toBe(0);
  });

  test("that is refused time after time is counted each time", async () => {
    const alice = await bind();
    const arena = new PacketArena(4, 70_000);
    for (let i = 1; i <= 100; i++) {
      const slot = fill(arena, "x", new TransportAddress(LOOPBACK, 9));
      slot.end = 69_000;
      alice.udp.sendSlot(slot);
      await eventually(() => arena.inUse === 0);
    }
    expect(alice.udp.refusedCount).toBe(100);
  });

  test("that is sent just before the socket closes still leaves, and is released", async () => {
    const [alice, bob] = [await bind(), await bind()];
    const arena = new PacketArena(4);
    alice.udp.sendSlot(fill(arena, "goodbye", bob.udp.localAddress));
    alice.udp.close();
    await eventually(() => arena.inUse === 0 && bob.bytes.length === 1);
    expect(bob.log[0]).toBe("goodbye");
  });

  test("on a closed socket is released at once and counted", async () => {
    const [alice, bob] = [await bind(), await bind()];
    const arena = new PacketArena(4);
    alice.udp.close();
    alice.udp.sendSlot(fill(arena, "x", bob.udp.localAddress));
    expect([arena.inUse, alice.udp.refusedCount]).toEqual([0, 1]);
  });
});

describe("what cannot be sent is lost and counted", () => {
  test.each([
    ["to port 0", new TransportAddress(LOOPBACK, 0), 1],
    ["to the other family", new TransportAddress(parseIp("::1"), 9), 1],
    ["because it is too large for any datagram", new TransportAddress(LOOPBACK, 9), 65_508],
  ])("%s", async (_name, to, size) => {
    const { udp } = await bind();
    udp.send(new Uint8Array(size), to);
    await eventually(() => udp.refusedCount === 1);
    expect(udp.queuedBytes).toBe(0);
  });

  test("after closing", async () => {
    const [alice, bob] = [await bind(), await bind()];
    alice.udp.close();
    send(alice, bob, "x");
    expect(alice.udp.refusedCount).toBe(1);
  });

  test("when more waits in one turn than a socket should hold", async () => {
    const [alice, bob] = [await bind(), await bind()];
    const block = new Uint8Array(60_000);
    for (let i = 0; i < 100; i++) alice.udp.send(block, bob.udp.localAddress);
    expect(alice.udp.queuedBytes).toBeLessThan(4 * 1024 * 1024 + block.length);
    expect(alice.udp.refusedCount).toBeGreaterThan(20);
    await eventually(() => alice.udp.queuedBytes === 0);
  });
});

test("a port that nobody listens on is no error", async () => {
  const [alice, bob] = [await bind(), await bind()];
  const gone = bob.udp.localAddress;
  bob.udp.close();
  alice.udp.send(encoder.encode("x"), gone);
  await nextTurn();
  alice.udp.send(encoder.encode("y"), gone);
  await nextTurn();
  expect(alice.log).toEqual([]);
});

test("a port that is taken cannot be bound again, nor an address that is not ours", async () => {
  const { udp } = await bind();
  await expect(bind(LOOPBACK, udp.localAddress.port)).rejects.toMatchObject({ code: "EADDRINUSE" });
  await expect(bind(parseIp("192.0.2.1"))).rejects.toMatchObject({ code: "EADDRNOTAVAIL" });
});

test("the same port can be bound for both families", async () => {
  const any = await bind(parseIp("::"));
  await expect(bind(parseIp("0.0.0.0"), any.udp.localAddress.port)).resolves.toBeDefined();
});

test("buffer sizes the system does not grant are no error", async () => {
  const handler = {
    handleDatagram: () => undefined,
    handleBatchEnd: () => undefined,
    handleError: () => undefined,
  };
  const size = 2 ** 30;
  const options = { address: LOOPBACK, port: 0, receiveBufferBytes: size, sendBufferBytes: size };
  sockets.push(await platform.bindUdp(options, handler));
});

test("closed in the middle of a batch, a socket says no more", async () => {
  const [alice, bob] = [await bind(), await bind()];
  let calls = 0;
  const closing = await platform.bindUdp(
    { address: LOOPBACK, port: 0 },
    {
      handleDatagram() {
        calls++;
        closing.close();
      },
      handleBatchEnd: () => void calls++,
      handleError: () => void calls++,
    },
  );
  for (let i = 0; i < 5; i++) alice.udp.send(encoder.encode("x"), closing.localAddress);
  send(alice, bob, "later");
  await eventually(() => bob.log.includes("|"));
  expect(calls).toBe(1);
});

test("when all is closed, no socket of ours is left", async () => {
  const { udp } = await bind();
  const ours = (): string[] => process.getActiveResourcesInfo().filter((name) => /UDP/.test(name));
  expect(ours().length).toBeGreaterThan(0);
  udp.close();
  udp.close();
  for (const socket of sockets.splice(0)) socket.close();
  await eventually(() => ours().length === 0);
});

function parseIp(text: string): IpAddress {
  const ip = IpAddress.parse(text);
  if (ip === undefined) throw new Error(`"${text}" is no address`);
  return ip;
}
