/** Data between clients and peers: RFC 8656 §11 and §12.6 to §12.7, and the checks of every packet. */
import {
  attributeValue,
  DATA,
  DONT_FRAGMENT,
  decodeStunMessage,
  LIFETIME,
  REQUESTED_ADDRESS_FAMILY,
  StunMessageBuilder,
  StunMethod,
  XOR_PEER_ADDRESS,
} from "@naru/webrtc/stun";
import { describe, expect, test } from "vitest";
import { DEFAULT_ALLOCATION_LIMITS } from "../src/core.ts";
import {
  channelData,
  RELAY_V4,
  type Sent,
  ServerBench,
  socketAt,
  type TestClient,
  transport,
} from "./server-bench.ts";

const PEER = "8.8.8.8:53";
const HELLO = Uint8Array.of(1, 2, 3);

interface Setup {
  readonly bench: ServerBench;
  readonly client: TestClient;
  readonly relayed: string;
  /** The relay socket. */
  readonly socket: number;
}

function setUp(bench = new ServerBench(), from = "198.51.100.7:5000"): Setup {
  const client = bench.client(from);
  const relayed = client.allocated();
  return { bench, client, relayed: `${relayed}`, socket: socketAt(bench, relayed) };
}

function payload(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7);
}

describe("from the client", () => {
  test("data of a Send indication leaves by the relay socket as it is", () => {
    const { client, socket } = setUp();
    client.permit(PEER);
    expect(client.sendIndication(PEER, HELLO)).toEqual([{ socket, to: PEER, bytes: HELLO }]);
    expect(client.sendIndication(PEER, new Uint8Array(0))).toEqual([
      { socket, to: PEER, bytes: new Uint8Array(0) },
    ]);
  });

  test.each([0, 1, 63, 64, 65, 1200, 2044, 2045, 3000, 65_000])(
    "ChannelData of %s bytes leaves without its header",
    (length) => {
      const { client, socket } = setUp();
      client.bind(0x4000, PEER);
      const data = payload(length);
      expect(client.sendChannelData(0x4000, data)).toEqual([{ socket, to: PEER, bytes: data }]);
    },
  );

  test("padding behind ChannelData is not relayed", () => {
    const { bench, client } = setUp();
    client.bind(0x4000, PEER);
    const padded = new Uint8Array([...channelData(0x4000, HELLO), 0]);
    expect(bench.datagram(client.socket, client.from, padded)[0]?.bytes).toEqual(HELLO);
  });

  test("without a permission, on a channel that is not bound, or without an allocation nothing leaves", () => {
    const { bench, client } = setUp();
    expect(client.sendIndication(PEER, HELLO)).toEqual([]);
    client.bind(0x4000, PEER);
    expect(client.sendChannelData(0x4001, HELLO)).toEqual([]);
    const other = bench.client("198.51.100.8:5000");
    expect(other.sendChannelData(0x4000, HELLO)).toEqual([]);
    expect(other.sendIndication(PEER, HELLO)).toEqual([]);
  });

  test("a Send indication without peer or data, with DONT-FRAGMENT or with what nobody knows is dropped", () => {
    const { bench, client } = setUp();
    client.permit(PEER);
    const build = () => new StunMessageBuilder().start("indication", StunMethod.send, client.transactionId());
    const noPeer = build().add(DATA, HELLO).finish();
    expect(bench.datagram(1, client.from, noPeer)).toEqual([]);
    const noData = build().add(XOR_PEER_ADDRESS, transport(PEER)).finish();
    expect(bench.datagram(1, client.from, noData)).toEqual([]);
    expect(client.sendIndication(PEER, HELLO, attributeValue(DONT_FRAGMENT, true))).toEqual([]);
    const unknown = { type: 0x7777, name: "?", size: () => 0, encode: () => undefined, decode: () => true };
    expect(client.sendIndication(PEER, HELLO, attributeValue(unknown, true))).toEqual([]);
    expect(bench.server.counters.ignored).toBe(4);
  });
});

describe("from a peer", () => {
  test("data comes as a Data indication, with the peer's address", () => {
    const { bench, client, socket } = setUp();
    client.permit("8.8.8.8:0");
    const [sent, ...more] = bench.datagram(socket, "8.8.8.8:4711", HELLO);
    expect(more).toEqual([]);
    expect(sent).toMatchObject({ socket: 1, to: client.from });
    const message = decodeStunMessage(sent!.bytes);
    expect([message.messageClass, message.method]).toEqual(["indication", StunMethod.data]);
    expect(`${message.get(XOR_PEER_ADDRESS)}`).toBe("8.8.8.8:4711");
    expect(message.get(DATA)).toEqual(HELLO);
  });

  test.each([0, 1, 63, 64, 65, 1200, 2044, 2045, 3000, 65_000])(
    "%s bytes come as ChannelData where a channel is bound",
    (length) => {
      const { bench, client, socket } = setUp();
      client.bind(0x4000, PEER);
      const data = payload(length);
      expect(bench.datagram(socket, PEER, data)).toEqual([
        { socket: 1, to: client.from, bytes: channelData(0x4000, data) },
      ]);
    },
  );

  test.each([1, 1960, 1990, 2048, 3000, 65_000])("a Data indication holds %s bytes", (length) => {
    const { bench, client, socket } = setUp();
    client.permit(PEER);
    const data = payload(length);
    const [sent] = bench.datagram(socket, PEER, data);
    expect(decodeStunMessage(sent!.bytes).get(DATA)).toEqual(data);
  });

  test("over a stream ChannelData is padded with zeros", () => {
    const bench = new ServerBench();
    const client = bench.client("198.51.100.7:5000").connect();
    const socket = socketAt(bench, client.allocated());
    client.bind(0x4000, PEER);
    for (const length of [1, 2, 3, 4, 2045, 3001]) {
      const data = payload(length).fill(0xff);
      const [sent] = bench.datagram(socket, PEER, data);
      const padded = new Uint8Array((4 + length + 3) & ~3);
      padded.set(channelData(0x4000, data));
      expect(sent?.bytes).toEqual(padded);
    }
  });

  test("another port of a peer with a channel comes as a Data indication", () => {
    const { bench, client, socket } = setUp();
    client.bind(0x4000, PEER);
    const [sent] = bench.datagram(socket, "8.8.8.8:54", HELLO);
    expect(decodeStunMessage(sent!.bytes).method).toBe(StunMethod.data);
  });

  test("without a permission nothing comes, and after the allocation has ended nothing at all", () => {
    const { bench, client, socket } = setUp();
    expect(bench.datagram(socket, PEER, HELLO)).toEqual([]);
    client.bind(0x4000, PEER);
    expect(bench.datagram(socket, PEER, HELLO)).toHaveLength(1);
    bench.pass(300_100);
    expect(bench.datagram(socket, PEER, HELLO)).toEqual([]);
    client.permit(PEER);
    expect(bench.datagram(socket, PEER, HELLO)).toHaveLength(1);
    client.request(StunMethod.refresh, attributeValue(LIFETIME, 0));
    expect(bench.datagram(socket, PEER, HELLO)).toEqual([]);
  });

  test("STUN from a peer is data like any other", () => {
    const { bench, client, socket } = setUp();
    client.bind(0x4000, PEER);
    const binding = new StunMessageBuilder()
      .start("request", StunMethod.binding, new Uint8Array(12))
      .finish();
    expect(bench.datagram(socket, PEER, binding)).toEqual([
      { socket: 1, to: client.from, bytes: channelData(0x4000, binding) },
    ]);
  });

  test("the client is found again when its socket hands out its address as another object", () => {
    const { bench, client } = setUp();
    client.bind(0x4000, PEER);
    for (let i = 0; i < 5; i++) expect(client.sendChannelData(0x4000, HELLO)).toHaveLength(1);
    expect(bench.server.gauges.allocations).toBe(1);
    client.request(StunMethod.refresh, attributeValue(LIFETIME, 0));
    expect(client.sendChannelData(0x4000, HELLO)).toEqual([]);
  });
});

describe("between two clients of one server", () => {
  function pair(): readonly [Setup, Setup] {
    const bench = new ServerBench();
    return [setUp(bench, "198.51.100.7:5000"), setUp(bench, "198.51.100.8:5000")];
  }

  test("data goes from one to the other without leaving the machine", () => {
    const [a, b] = pair();
    a.client.bind(0x4000, b.relayed);
    b.client.bind(0x4001, a.relayed);
    expect(a.client.sendChannelData(0x4000, HELLO)).toEqual([
      { socket: 1, to: b.client.from, bytes: channelData(0x4001, HELLO) },
    ]);
    const [indication] = b.client.sendIndication(a.relayed, HELLO);
    expect(indication).toEqual({ socket: 1, to: a.client.from, bytes: channelData(0x4000, HELLO) });
  });

  test("the other has to permit it", () => {
    const [a, b] = pair();
    a.client.bind(0x4000, b.relayed);
    expect(a.client.sendChannelData(0x4000, HELLO)).toEqual([]);
    b.client.permit(a.relayed);
    const [sent] = a.client.sendChannelData(0x4000, HELLO);
    expect(`${decodeStunMessage(sent!.bytes).get(XOR_PEER_ADDRESS)}`).toBe(a.relayed);
  });

  test("when the other's allocation has ended its address is only ours, and out of reach", () => {
    const [a, b] = pair();
    a.client.bind(0x4000, b.relayed);
    b.client.permit(a.relayed);
    b.client.request(StunMethod.refresh, attributeValue(LIFETIME, 0));
    expect(a.client.sendChannelData(0x4000, HELLO)).toEqual([]);
    expect(a.client.sendIndication(b.relayed, HELLO)).toEqual([]);
    expect(setUp(a.bench, "198.51.100.9:5000").client.bind(0x4000, b.relayed)).toBe(403);
    expect(a.bench.server.counters.droppedForbidden).toBe(2);
  });

  test("a client can send to itself through the relay, and it ends there", () => {
    const { client, relayed } = setUp();
    client.bind(0x4000, relayed);
    expect(client.sendChannelData(0x4000, HELLO)).toEqual([
      { socket: 1, to: client.from, bytes: channelData(0x4000, HELLO) },
    ]);
  });
});

describe("our own addresses", () => {
  test("are reached on live relayed addresses and registered media ports alone, checked for each packet", () => {
    const { bench, client, socket } = setUp();
    const media = `${RELAY_V4}:40000`;
    expect(client.bind(0x4000, media)).toBe(403);
    expect(client.permit(media)).toBe(0);
    expect(client.sendIndication(media, HELLO)).toEqual([]);
    expect(client.sendIndication(`${RELAY_V4}:22`, HELLO)).toEqual([]);
    bench.server.addMediaAddress(transport(media));
    expect(client.sendIndication(media, HELLO)).toHaveLength(1);
    expect(client.bind(0x4000, media)).toBe(0);
    expect(client.sendChannelData(0x4000, HELLO)).toHaveLength(1);
    expect(bench.datagram(socket, media, HELLO)).toHaveLength(1);
    bench.server.removeMediaAddress(transport(media));
    expect(client.sendChannelData(0x4000, HELLO)).toEqual([]);
    expect(client.sendIndication(media, HELLO)).toEqual([]);
    expect(bench.datagram(socket, media, HELLO)).toEqual([]);
  });

  test("that appear while a channel is bound to them are out of reach from then on", () => {
    const { bench, client, socket } = setUp();
    client.bind(0x4000, PEER);
    expect(client.sendChannelData(0x4000, HELLO)).toHaveLength(1);
    bench.server.setOwnAddresses([transport(PEER).ip]);
    expect(client.sendChannelData(0x4000, HELLO)).toEqual([]);
    expect(bench.datagram(socket, PEER, HELLO)).toEqual([]);
  });
});

describe("the bandwidth of an allocation", () => {
  const slow = () => new ServerBench({ limits: { ...DEFAULT_ALLOCATION_LIMITS, bitrateBps: 80_000 } });

  test("is limited in each direction by itself, and what is above is dropped", () => {
    const { bench, client, socket } = setUp(slow());
    client.bind(0x4000, PEER);
    const data = payload(1000);
    const up = () => client.sendChannelData(0x4000, data).length;
    const down = () => bench.datagram(socket, PEER, data).length;
    // Half a second of 10,000 bytes a second at once.
    expect([1, 2, 3, 4, 5, 6, 7].map(up)).toEqual([1, 1, 1, 1, 1, 0, 0]);
    expect([1, 2, 3, 4, 5, 6, 7].map(down)).toEqual([1, 1, 1, 1, 1, 0, 0]);
    bench.pass(200);
    expect([1, 2, 3].map(up)).toEqual([1, 1, 0]);
    expect(bench.server.counters.droppedBandwidth).toBe(5);
  });

  test("over ten seconds is what it is set to", () => {
    const { bench, client } = setUp(slow());
    client.bind(0x4000, PEER);
    let relayed = 0;
    for (let i = 0; i < 10_000; i++) {
      bench.pass(1);
      relayed += client.sendChannelData(0x4000, payload(100)).length * 100;
    }
    expect(relayed).toBeGreaterThan(99_000);
    expect(relayed).toBeLessThan(106_000);
  });
});

test("IPv6 is relayed for clients that talk IPv4", () => {
  const bench = new ServerBench();
  const client = bench.client();
  const socket = socketAt(bench, client.allocated(attributeValue(REQUESTED_ADDRESS_FAMILY, 6)));
  const peer = "[2607:f8b0::8]:53";
  expect(client.permit(PEER)).toBe(443);
  client.permit(peer);
  expect(client.sendIndication(peer, HELLO)).toEqual([{ socket, to: peer, bytes: HELLO }]);
  const [sent] = bench.datagram(socket, peer, HELLO);
  expect(`${decodeStunMessage(sent!.bytes).get(XOR_PEER_ADDRESS)}`).toBe(peer);
});

test("with every slot in use packets are dropped and counted, and afterwards all is as before", () => {
  const { bench, client, socket } = setUp();
  client.bind(0x4000, PEER);
  const held = Array.from({ length: 256 }, () => bench.arena.acquire()!);
  expect(bench.datagram(socket, PEER, HELLO)).toEqual([]);
  expect(client.sendChannelData(0x4000, HELLO)).toEqual([]);
  expect(bench.server.droppedCount).toBe(2);
  for (const slot of held) slot.arena.release(slot);
  expect(bench.datagram(socket, PEER, HELLO)).toHaveLength(1);
});

test("no slot is lost, whatever is relayed or dropped", () => {
  const { bench, client, socket } = setUp();
  client.bind(0x4000, PEER);
  const sent: Sent[] = [];
  for (let i = 0; i < 2_000; i++) {
    sent.push(...client.sendChannelData(i % 3 === 0 ? 0x4001 : 0x4000, payload(i * 3)));
    sent.push(...bench.datagram(socket, i % 2 === 0 ? PEER : "9.9.9.9:1", payload(i * 3)));
  }
  expect(sent.length).toBeGreaterThan(1_000);
  expect(bench.arena.inUse).toBe(0);
});

test("a socket that failed takes its allocation with it", () => {
  const { bench, socket } = setUp();
  bench.server.handleRelayLost(socket, bench.now);
  bench.drain();
  expect(bench.server.gauges.allocations).toBe(0);
});

test("a closed server ends everything and answers nothing any more", () => {
  const { bench, client } = setUp();
  bench.server.close();
  bench.drain();
  expect(bench.sockets.size).toBe(0);
  expect(client.send(client.build(StunMethod.refresh, []))).toEqual([]);
});
