import { describe, expect, test } from "vitest";
import {
  address,
  CREDENTIALS,
  environment,
  PEER,
  RELAYED,
  SERVER,
  TurnBench,
} from "../../test/turn-bench.ts";
import { IpAddress, TransportAddress, toHex } from "../bytes/index.ts";
import { PacketArena, type PacketSlot } from "../kernel/index.ts";
import {
  DATA,
  DONT_FRAGMENT,
  decodeStunMessage,
  ICMP,
  StunMessageBuilder,
  StunMethod,
  XOR_PEER_ADDRESS,
} from "../stun/index.ts";
import {
  CHANNEL_LIFETIME_MS,
  channelNumberOf,
  FIRST_CHANNEL_NUMBER,
  PERMISSION_LIFETIME_MS,
  TURN_HEADROOM_BYTES,
  TURN_TAILROOM_BYTES,
  TurnAllocation,
  type TurnAllocationEvent,
  type TurnAllocationOptions,
  writeChannelDataHeader,
} from "./index.ts";

const HELLO = Uint8Array.of(1, 2, 3, 4, 5);
const PEER6 = address("[2001:db8::5]:6000");

function allocated(options: Partial<TurnAllocationOptions> = {}): {
  allocation: TurnAllocation;
  bench: TurnBench<TurnAllocationEvent>;
} {
  const allocation = new TurnAllocation(environment(), {
    server: SERVER,
    transport: "udp",
    credentials: CREDENTIALS,
    keepAliveMs: Number.POSITIVE_INFINITY,
    ...options,
  });
  const bench = new TurnBench<TurnAllocationEvent>(allocation);
  if (options.family === "both") bench.relayed = [RELAYED, address("[2001:db8::1]:50000")];
  bench.allocate();
  bench.seen.length = 0;
  bench.events.length = 0;
  return { allocation, bench };
}

/** With a channel bound to {@link PEER}. */
function bound(options: Partial<TurnAllocationOptions> = {}): ReturnType<typeof allocated> {
  const { allocation, bench } = allocated(options);
  allocation.bindChannel(PEER, 0);
  bench.drain();
  expect(bench.eventsOf("channelBound")).toEqual([
    { type: "channelBound", peer: PEER, channel: FIRST_CHANNEL_NUMBER },
  ]);
  bench.seen.length = 0;
  bench.events.length = 0;
  return { allocation, bench };
}

/** What a Send indication carries. */
function sent(bytes: Uint8Array | undefined): { peer: string; data: string; dontFragment: boolean } {
  const message = decodeStunMessage(bytes ?? new Uint8Array(0));
  expect([message.messageClass, message.method]).toEqual(["indication", StunMethod.send]);
  return {
    peer: `${message.get(XOR_PEER_ADDRESS)}`,
    data: toHex(message.get(DATA) ?? new Uint8Array(0)),
    dontFragment: message.has(DONT_FRAGMENT),
  };
}

function dataIndication(peer: TransportAddress, data: Uint8Array | undefined): Uint8Array {
  const builder = new StunMessageBuilder().start("indication", StunMethod.data, new Uint8Array(12));
  builder.add(XOR_PEER_ADDRESS, peer);
  if (data === undefined) builder.add(ICMP, { icmpType: 3, icmpCode: 4, errorData: 1280 });
  else builder.add(DATA, data);
  return builder.finish().slice();
}

function channelData(channel: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + data.length);
  writeChannelDataHeader(bytes, 0, channel, data.length);
  bytes.set(data, 4);
  return bytes;
}

describe("a permission", () => {
  // → CreatePermission   ← success   → Send indication
  test("is asked for when data is first sent, which waits for it (RFC 8656 §11.1)", () => {
    const { allocation, bench } = allocated();
    bench.verdict = () => "silence";
    expect(allocation.send(PEER, HELLO, 0)).toBe(true);
    bench.drain();
    expect(bench.requests(StunMethod.createPermission)[0]?.peers).toEqual(["203.0.113.5:0"]);
    expect(bench.packets).toEqual([]);
    const [request] = bench.seen;
    if (request !== undefined) bench.answer(request, "success");
    bench.drain();
    expect(bench.packets.map(sent)).toEqual([{ peer: `${PEER}`, data: "0102030405", dontFragment: false }]);
    expect(bench.eventsOf("permissionGranted")).toMatchObject([{ ip: PEER.ip }]);
  });

  test("serves all ports of an address, and one request serves all peers of a turn (RFC 8656 §10.1)", () => {
    const { allocation, bench } = allocated();
    allocation.send(PEER, HELLO, 0);
    allocation.send(address("203.0.113.5:7000"), HELLO, 0);
    allocation.send(address("203.0.113.6:7000"), HELLO, 0);
    allocation.permit([address("203.0.113.7:1").ip], 0);
    bench.drain();
    expect(bench.seen.map(({ peers }) => peers)).toEqual([
      ["203.0.113.5:0", "203.0.113.6:0", "203.0.113.7:0"],
    ]);
    expect(bench.packets).toHaveLength(3);
  });

  test("asked for before there is an allocation is installed with it", () => {
    const allocation = new TurnAllocation(environment(), { server: SERVER, transport: "udp" });
    const bench = new TurnBench<TurnAllocationEvent>(allocation);
    bench.wantsCredentials = false;
    allocation.permit([PEER.ip], 0);
    expect(allocation.send(PEER, HELLO, 0)).toBe(false);
    bench.allocate();
    expect(bench.seen.map(({ method }) => method)).toEqual([
      StunMethod.allocate,
      StunMethod.createPermission,
    ]);
  });

  test("is refreshed before its five minutes are over, with others that are due soon, while it is kept", () => {
    const { allocation, bench } = allocated();
    allocation.permit([PEER.ip], 0);
    bench.runUntil(10_000);
    allocation.permit([address("203.0.113.6:1").ip], 10_000);
    bench.runUntil(3_600_000);
    const refreshes = bench.requests(StunMethod.createPermission);
    const gaps = refreshes.slice(2).map(({ at }, i) => at - (refreshes[i + 1]?.at ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(PERMISSION_LIFETIME_MS - 50_000);
    expect(refreshes.slice(2).every(({ peers }) => peers.length === 2)).toBe(true);
    expect(refreshes.length).toBeLessThan(20);
  });

  test("that nobody keeps or uses is left to expire, and comes back when it is used", () => {
    const { allocation, bench } = allocated();
    allocation.send(PEER, HELLO, 0);
    bench.runUntil(PERMISSION_LIFETIME_MS + 1);
    expect(bench.requests(StunMethod.createPermission)).toHaveLength(1);
    bench.deliver(dataIndication(PEER, HELLO));
    expect(allocation.counters.unpermitted).toBe(1);
    allocation.send(PEER, HELLO, bench.now);
    bench.drain();
    expect(bench.requests(StunMethod.createPermission)).toHaveLength(2);
    expect(bench.packets).toHaveLength(2);
  });

  test("that is released is no longer refreshed", () => {
    const { allocation, bench } = allocated();
    allocation.permit([PEER.ip], 0);
    bench.drain();
    allocation.release(PEER.ip);
    bench.runUntil(3_600_000);
    expect(bench.requests(StunMethod.createPermission)).toHaveLength(1);
  });

  // RFC 8656 §10.2: all or none are installed.
  test("refused to one of several is asked for one by one, and the others have theirs", () => {
    const { allocation, bench } = allocated();
    const privateIp = address("10.0.0.1:1").ip;
    bench.verdict = ({ peers }) => (peers.includes("10.0.0.1:0") ? 403 : "success");
    allocation.send(new TransportAddress(privateIp, 9), HELLO, 0);
    allocation.permit([PEER.ip, privateIp], 0);
    bench.drain();
    expect(bench.seen.map(({ peers }) => peers.length)).toEqual([2, 1, 1]);
    expect(bench.eventsOf("permissionGranted")).toMatchObject([{ ip: PEER.ip }]);
    expect(bench.eventsOf("permissionRefused")).toMatchObject([{ ip: privateIp, error: { code: 403 } }]);
    expect(allocation.counters.droppedOutgoing).toBe(1);
  });

  test("that was refused is not asked for again at once", () => {
    const { allocation, bench } = allocated();
    bench.verdict = () => 403;
    allocation.send(PEER, HELLO, 0);
    bench.drain();
    for (let i = 0; i < 100; i++) expect(allocation.send(PEER, HELLO, i)).toBe(false);
    bench.runUntil(60_000);
    expect(bench.seen).toHaveLength(1);
    expect(allocation.counters.droppedOutgoing).toBe(101);
  });

  test("that is not answered loses what waited, and is asked for again by what is sent next", () => {
    const { allocation, bench } = allocated();
    bench.verdict = () => "silence";
    allocation.send(PEER, HELLO, 0);
    bench.runUntil(39_500);
    expect(allocation.counters.droppedOutgoing).toBe(1);
    bench.verdict = () => "success";
    allocation.send(PEER, HELLO, bench.now);
    bench.drain();
    expect(bench.packets).toHaveLength(1);
  });

  test("lets 16 packets wait and 64 addresses be asked for; the rest is dropped and counted", () => {
    const { allocation, bench } = allocated();
    bench.verdict = () => "silence";
    const results = Array.from({ length: 20 }, () => allocation.send(PEER, HELLO, 0));
    expect(results.filter((isTaken) => isTaken)).toHaveLength(16);
    const ips = Array.from({ length: 80 }, (_, i) => IpAddress.fromBytes(Uint8Array.of(198, 51, 100, i)));
    expect(allocation.permit(ips, 0)).toBe(false);
    bench.drain();
    const asked = bench.seen.flatMap(({ peers }) => peers);
    expect(new Set(asked).size).toBe(64);
    expect(bench.seen.every(({ message }) => message.bytes.length < 500)).toBe(true);
  });

  test("that has expired makes room for another", () => {
    const { allocation, bench } = allocated();
    const ips = Array.from({ length: 64 }, (_, i) => address(`198.51.100.${i}:9`));
    for (const ip of ips) allocation.send(ip, HELLO, 0);
    bench.drain();
    expect(allocation.send(PEER, HELLO, 1)).toBe(false);
    bench.runUntil(PERMISSION_LIFETIME_MS + 1);
    expect(allocation.send(PEER, HELLO, bench.now)).toBe(true);
  });
});

describe("a channel", () => {
  test("is bound to a peer that has been sent enough; until then Send indications are used", () => {
    const { allocation, bench } = allocated({ packetsBeforeChannel: 3 });
    bench.verdict = ({ method }) => (method === StunMethod.channelBind ? "silence" : "success");
    for (let i = 0; i < 6; i++) {
      allocation.send(PEER, HELLO, i);
      bench.drain();
    }
    expect(bench.packets.map((bytes) => bytes[0])).toEqual([0, 0, 0, 0, 0, 0]);
    const [bind, ...more] = bench.requests(StunMethod.channelBind);
    expect(more).toEqual([]);
    expect(bind).toMatchObject({ channel: 0x4000, peers: [`${PEER}`] });
    if (bind !== undefined) bench.answer(bind, "success");
    allocation.send(PEER, HELLO, 7);
    bench.drain();
    expect(toHex(bench.packets.at(-1) ?? new Uint8Array(0))).toBe("400000050102030405");
  });

  test("over a stream has its data padded with zeros (RFC 8656 §12.5)", () => {
    const { allocation, bench } = bound({ transport: "tcp" });
    allocation.send(PEER, HELLO, 0);
    bench.drain();
    expect(bench.packets.map((bytes) => toHex(bytes))).toEqual(["400000050102030405000000"]);
  });

  test("carries an empty packet, too", () => {
    const { allocation, bench } = bound();
    allocation.send(PEER, new Uint8Array(0), 0);
    bench.drain();
    expect(bench.packets.map((bytes) => toHex(bytes))).toEqual(["40000000"]);
    expect(
      allocation.receive(
        { bytes: channelData(0x4000, new Uint8Array(0)), from: SERVER, socket: bench.socket },
        0,
      ),
    ).toEqual({
      peer: PEER,
      bytes: new Uint8Array(0),
    });
  });

  test("is refreshed before its ten minutes are over, and its permission with it, while it is used", () => {
    const { allocation, bench } = bound();
    for (let now = 0; now <= 3_600_000; now += 20_000) {
      bench.runUntil(now);
      allocation.send(PEER, HELLO, now);
    }
    bench.drain();
    const binds = bench.requests(StunMethod.channelBind);
    const gaps = binds.map(({ at }, i) => at - (binds[i - 1]?.at ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(CHANNEL_LIFETIME_MS - 60_000);
    expect(binds.every(({ channel }) => channel === 0x4000)).toBe(true);
    expect(bench.packets.every((bytes) => bytes[0] === 0x40)).toBe(true);
    expect(bench.eventsOf("channelBound")).toEqual([]);
  });

  test("that is not used is left to expire; the peer gets the same number again", () => {
    const { allocation, bench } = bound();
    bench.runUntil(CHANNEL_LIFETIME_MS + 1);
    expect(bench.requests(StunMethod.channelBind)).toEqual([]);
    allocation.bindChannel(PEER, bench.now);
    bench.drain();
    expect(bench.requests(StunMethod.channelBind).map(({ channel }) => channel)).toEqual([0x4000]);
  });

  // RFC 8656 §12: "the client MUST wait 5 minutes after the channel binding expires".
  test("number serves another peer only five minutes after its binding has expired", () => {
    const { allocation, bench } = bound();
    const channelsOf = (): (number | undefined)[] =>
      bench.requests(StunMethod.channelBind).map(({ channel }) => channel);
    // The table is full of peers with channels: nobody can be forgotten yet.
    for (let i = 1; i < 256; i++) allocation.bindChannel(address(`203.0.113.5:${7000 + i}`), 0);
    bench.drain();
    expect(new Set(channelsOf()).size).toBe(255);
    expect(allocation.send(address("203.0.113.5:9999"), HELLO, 0)).toBe(false);
    bench.runUntil(CHANNEL_LIFETIME_MS + 299_000);
    expect(allocation.send(address("203.0.113.5:9999"), HELLO, bench.now)).toBe(false);
    bench.runUntil(CHANNEL_LIFETIME_MS + 345_000);
    allocation.bindChannel(address("203.0.113.5:9999"), bench.now);
    bench.drain();
    expect(channelsOf().at(-1)).toBeGreaterThanOrEqual(0x4000);
    expect(new Set(channelsOf()).size).toBeLessThanOrEqual(256);
  });

  test("that is refused leaves Send indications, and is not asked for again", () => {
    const { allocation, bench } = allocated({ packetsBeforeChannel: 1 });
    bench.verdict = ({ method }) => (method === StunMethod.channelBind ? 400 : "success");
    for (let i = 0; i < 50; i++) {
      allocation.send(PEER, HELLO, i);
      bench.drain();
    }
    expect(bench.requests(StunMethod.channelBind)).toHaveLength(1);
    expect(bench.packets).toHaveLength(50);
  });

  test("that is not answered is asked for again later", () => {
    const { allocation, bench } = allocated({ packetsBeforeChannel: 1 });
    bench.verdict = ({ method, at }) =>
      method === StunMethod.channelBind && at < 45_000 ? "silence" : "success";
    for (let now = 0; now < 60_000; now += 1_000) {
      bench.runUntil(now);
      allocation.send(PEER, HELLO, now);
    }
    bench.drain();
    expect(bench.eventsOf("channelBound")).toHaveLength(1);
  });

  test("counts as a permission (RFC 8656 §12.3)", () => {
    const { allocation, bench } = allocated();
    bench.verdict = ({ method }) => (method === StunMethod.channelBind ? "success" : "silence");
    allocation.bindChannel(PEER, 0);
    bench.drain();
    allocation.send(PEER, HELLO, 0);
    bench.drain();
    expect(bench.packets.map((bytes) => channelNumberOf(bytes))).toEqual([0x4000]);
  });
});

describe("data from a peer", () => {
  test("in a Data indication comes out with the address it came from (RFC 8656 §11.4)", () => {
    const { allocation, bench } = allocated();
    allocation.permit([PEER.ip], 0);
    bench.drain();
    const other = address("203.0.113.5:1234");
    bench.deliver(dataIndication(other, HELLO));
    bench.drain();
    expect(bench.eventsOf("data")).toEqual([{ type: "data", peer: other, bytes: HELLO }]);
  });

  test("on a channel comes out where it lies, with the peer as it is known", () => {
    const { allocation, bench } = bound();
    const bytes = channelData(0x4000, HELLO);
    const data = allocation.receive({ bytes, from: SERVER, socket: bench.socket }, 0);
    expect(data?.peer).toBe(PEER);
    expect(data?.bytes).toEqual(HELLO);
    expect(data?.bytes.buffer).toBe(bytes.buffer);
  });

  test("as an event owns its bytes", () => {
    const { bench } = bound();
    const bytes = channelData(0x4000, HELLO);
    bench.deliver(bytes);
    bytes.fill(0xdb);
    bench.drain();
    expect(bench.eventsOf("data")).toMatchObject([{ bytes: HELLO }]);
  });

  test("is taken on a channel before the answer to ChannelBind (RFC 8656 §12)", () => {
    const { allocation, bench } = allocated();
    bench.verdict = ({ method }) => (method === StunMethod.channelBind ? "silence" : "success");
    allocation.bindChannel(PEER, 0);
    bench.drain();
    bench.deliver(channelData(0x4000, HELLO));
    bench.drain();
    expect(bench.eventsOf("data")).toHaveLength(1);
  });

  test("on a channel nobody has, or without a permission, is dropped (RFC 8656 §11.4, §12.6)", () => {
    const { allocation, bench } = bound();
    bench.deliver(channelData(0x4001, HELLO));
    bench.deliver(channelData(0x4fff, HELLO));
    bench.deliver(dataIndication(address("203.0.113.99:1"), HELLO));
    bench.deliver(dataIndication(PEER6, HELLO));
    bench.drain();
    expect(bench.events).toEqual([]);
    expect(allocation.counters.unpermitted).toBe(4);
  });

  test("without a peer, or without data, is no data", () => {
    const { allocation, bench } = bound();
    const nothing = new StunMessageBuilder().start("indication", StunMethod.data, new Uint8Array(12));
    bench.deliver(nothing.finish().slice());
    bench.deliver(nothing.add(XOR_PEER_ADDRESS, PEER).finish().slice());
    expect(allocation.counters.ignored).toBe(2);
  });

  test("that nobody fetches is lost at last, and counted", () => {
    const { allocation, bench } = bound();
    for (let i = 0; i < 600; i++) bench.deliver(channelData(0x4000, HELLO));
    bench.drain();
    expect(bench.eventsOf("data")).toHaveLength(512);
    expect(allocation.counters.droppedIncoming).toBe(88);
  });
});

test("an ICMP error is told with the peer that it is about (RFC 8656 §11.6)", () => {
  const { allocation, bench } = bound();
  bench.deliver(dataIndication(PEER, undefined));
  bench.deliver(dataIndication(address("203.0.113.99:1"), undefined));
  bench.drain();
  expect(bench.events).toEqual([
    { type: "icmpError", peer: PEER, error: { icmpType: 3, icmpCode: 4, errorData: 1280 } },
  ]);
  expect(allocation.counters.unpermitted).toBe(1);
});

test("peers are of the families that were allocated (RFC 8656 §10.1)", () => {
  expect(allocated().allocation.send(PEER6, HELLO, 0)).toBe(false);
  const { allocation, bench } = allocated({ family: "both" });
  expect(allocation.send(PEER6, HELLO, 0)).toBe(true);
  expect(allocation.send(PEER, HELLO, 0)).toBe(true);
  bench.drain();
  expect(bench.seen.map(({ peers }) => peers)).toEqual([["[2001:db8::5]:0", "203.0.113.5:0"]]);
});

test("DONT-FRAGMENT is in Send indications when the server has accepted it", () => {
  const { allocation, bench } = allocated({ dontFragment: true });
  allocation.send(PEER, HELLO, 0);
  bench.drain();
  expect(bench.packets.map((bytes) => sent(bytes).dontFragment)).toEqual([true]);
});

test("more than can be relayed is the caller's mistake", () => {
  expect(() => allocated().allocation.send(PEER, new Uint8Array(65_001), 0)).toThrow(RangeError);
});

describe("a slot", () => {
  const arena = new PacketArena(4, 1500);

  function slotWith(data: Uint8Array, headroom: number): PacketSlot {
    const slot = arena.acquire(headroom);
    if (slot === undefined) throw new Error("the arena is exhausted");
    slot.bytes.fill(0xee);
    slot.bytes.set(data, slot.start);
    slot.end = slot.start + data.length;
    return slot;
  }

  test.each([
    [PEER, TURN_HEADROOM_BYTES],
    [PEER, 36],
    [PEER, 0],
    [PEER6, TURN_HEADROOM_BYTES],
    [PEER6, 10],
  ])("for %s with %i bytes of headroom is wrapped in place like a copy", (peer, headroom) => {
    const { allocation, bench } = allocated({ family: "both", dontFragment: true });
    expect(allocation.sendSlot(peer, slotWith(HELLO, headroom), 0)).toBe(true);
    allocation.send(peer, HELLO, 0);
    bench.drain();
    const [inPlace, copy] = bench.packets;
    expect(sent(inPlace)).toEqual(sent(copy));
    expect(inPlace?.length).toBe(copy?.length);
    expect(inPlace?.subarray(-3)).toEqual(Uint8Array.of(0, 0, 0));
    expect(arena.inUse).toBe(0);
  });

  test.each(["udp", "tcp"] as const)("is wrapped for a channel over %s like a copy", (transport) => {
    const { allocation, bench } = bound({ transport });
    for (const headroom of [4, 0, 100]) {
      bench.packets.length = 0;
      allocation.sendSlot(PEER, slotWith(HELLO, headroom), 0);
      allocation.send(PEER, HELLO, 0);
      bench.drain();
      expect(bench.packets[0]).toEqual(bench.packets[1]);
    }
  });

  test("with no room at its end is moved; one too small for it all is dropped", () => {
    const { allocation, bench } = bound({ transport: "tcp" });
    const full = slotWith(new Uint8Array(1500 - 4 - TURN_TAILROOM_BYTES), 7);
    expect(allocation.sendSlot(PEER, full, 0)).toBe(true);
    expect(allocation.sendSlot(PEER, slotWith(new Uint8Array(1498), 0), 0)).toBe(false);
    bench.drain();
    expect(bench.packets.map(({ length }) => length)).toEqual([1500]);
    expect(arena.inUse).toBe(0);
  });

  test("that waits for a permission is given back when the permission is refused, and when it all ends", () => {
    const { allocation, bench } = allocated();
    bench.verdict = () => 403;
    allocation.sendSlot(PEER, slotWith(HELLO, 36), 0);
    expect(arena.inUse).toBe(1);
    bench.drain();
    expect(arena.inUse).toBe(0);
    bench.verdict = () => "silence";
    allocation.sendSlot(address("203.0.113.6:1"), slotWith(HELLO, 36), 0);
    allocation.handleConnectionLost(bench.socket, undefined, 0);
    bench.drain();
    expect(arena.inUse).toBe(0);
    expect(allocation.counters.droppedOutgoing).toBe(2);
  });
});
