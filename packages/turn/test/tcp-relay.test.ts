/** TCP between relay and peers, RFC 6062, and clients on streams. */
import {
  attributeValue,
  CONNECTION_ID,
  DONT_FRAGMENT,
  decodeStunMessage,
  EVEN_PORT,
  LIFETIME,
  REQUESTED_ADDRESS_FAMILY,
  REQUESTED_TRANSPORT,
  RESERVATION_TOKEN,
  StunMessageBuilder,
  StunMethod,
  XOR_MAPPED_ADDRESS,
  XOR_PEER_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "@naru/webrtc/stun";
import { describe, expect, test } from "vitest";
import { DEFAULT_ALLOCATION_LIMITS, DEFAULT_CLIENT_STREAMS_OPTIONS } from "../src/core.ts";
import {
  channelData,
  codeOf,
  one,
  ServerBench,
  socketAt,
  type TestClient,
  transport,
} from "./server-bench.ts";

const TCP = attributeValue(REQUESTED_TRANSPORT, 6);
const PEER = "8.8.8.8:80";

interface Setup {
  readonly bench: ServerBench;
  readonly control: TestClient;
  readonly relayed: string;
  readonly listener: number;
}

function setUp(bench = new ServerBench(), from = "198.51.100.7:5000"): Setup {
  const control = bench.client(from).connect();
  const relayed = control.request(StunMethod.allocate, TCP).get(XOR_RELAYED_ADDRESS);
  if (relayed === undefined) throw new Error("no allocation");
  return { bench, control, relayed: `${relayed}`, listener: socketAt(bench, relayed) };
}

/** Asks for a connection; nothing is answered yet. */
function ask({ bench, control }: Setup, peer = PEER) {
  const bytes = control.build(StunMethod.connect, [attributeValue(XOR_PEER_ADDRESS, transport(peer))]);
  const answers = control.send(bytes);
  return { answers, event: bench.eventsOf("connectPeer").at(-1) };
}

/** A connection to a peer, and its id. */
function connected(setup: Setup, peer = PEER): { readonly id: number; readonly stream: number } {
  const { bench } = setup;
  const { event } = ask(setup, peer);
  if (event === undefined) throw new Error("no connection was asked for");
  const stream = bench.nextId++;
  bench.server.handlePeerConnected(event.id, stream, bench.now);
  const answer = bench.drain().find(({ socket }) => socket === setup.control.socket);
  const id = answer && decodeStunMessage(answer.bytes).get(CONNECTION_ID);
  if (id === undefined) throw new Error("no CONNECTION-ID");
  return { id, stream };
}

function bindData(client: TestClient, id: number): number {
  return client.codeOf(StunMethod.connectionBind, attributeValue(CONNECTION_ID, id));
}

function closed(bench: ServerBench): readonly number[] {
  return bench.eventsOf("closeStream").map(({ stream }) => stream);
}

describe("RFC 6062 §5.1: a TCP allocation", () => {
  test("listens on a TCP port", () => {
    const { bench, listener } = setUp();
    expect(bench.sockets.get(listener)?.transport).toBe("tcp");
    expect(bench.server.counters.allocationsTcp).toBe(1);
  });

  test("over UDP is 400, and where it is not offered 442", () => {
    const bench = new ServerBench();
    expect(bench.client().codeOf(StunMethod.allocate, TCP)).toBe(400);
    const without = new ServerBench({ allowsTcpRelay: false });
    expect(without.client().connect().codeOf(StunMethod.allocate, TCP)).toBe(442);
  });

  test.each([
    ["DONT-FRAGMENT", attributeValue(DONT_FRAGMENT, true)],
    ["EVEN-PORT", attributeValue(EVEN_PORT, false)],
    ["RESERVATION-TOKEN", attributeValue(RESERVATION_TOKEN, new Uint8Array(8))],
  ])("with %s is 400", (_name, other) => {
    expect(new ServerBench().client().connect().codeOf(StunMethod.allocate, TCP, other)).toBe(400);
  });

  test("has no channels and relays no datagrams", () => {
    const { bench, control, listener } = setUp();
    expect(control.bind(0x4000, PEER)).toBe(400);
    expect(control.permit(PEER)).toBe(0);
    expect(control.sendIndication(PEER, Uint8Array.of(1))).toEqual([]);
    expect(bench.sockets.has(listener)).toBe(true);
  });

  test("of IPv6 is there too", () => {
    const control = new ServerBench().client().connect();
    const family = attributeValue(REQUESTED_ADDRESS_FAMILY, 6);
    expect(control.request(StunMethod.allocate, TCP, family).get(XOR_RELAYED_ADDRESS)?.family).toBe(6);
  });
});

describe("RFC 6062 §5.2: Connect", () => {
  test("connects from the relay's address and answers with an id", () => {
    const setup = setUp();
    const { answers, event } = ask(setup);
    expect(answers).toEqual([]);
    expect(`${event?.to}`).toBe(PEER);
    expect(`${event?.from.ip}`).toBe(setup.relayed.split(":")[0]);
    expect(event?.timeoutMs).toBeGreaterThanOrEqual(30_000);
    expect(connected(setup, "8.8.8.8:81").id).toBeGreaterThan(0);
  });

  test("that fails is 447, and can be tried again", () => {
    const setup = setUp();
    const { bench } = setup;
    const { event } = ask(setup);
    bench.server.handlePeerFailed(event!.id, bench.now);
    expect(codeOf(decodeStunMessage(bench.drain()[0]!.bytes))).toBe(447);
    expect(bench.server.gauges.peerConnections).toBe(0);
    expect(ask(setup).answers).toEqual([]);
  });

  test("to a peer that is being connected to, or is, is 446", () => {
    const setup = setUp();
    ask(setup);
    expect(codeOf(one(ask(setup).answers))).toBe(446);
    const other = setUp(setup.bench, "198.51.100.8:1");
    const { id } = connected(other);
    expect(codeOf(one(ask(other).answers))).toBe(446);
    expect(bindData(setup.bench.client("198.51.100.8:2").connect(), id)).toBe(0);
    expect(codeOf(one(ask(other).answers))).toBe(446);
  });

  test.each(["127.0.0.1:80", "10.0.0.1:80", "169.254.169.254:80", "192.0.2.1:22", "8.8.8.8:0"])(
    "to %s is 403, and nothing is connected",
    (peer) => {
      const setup = setUp();
      expect(codeOf(one(ask(setup, peer).answers))).toBe(403);
      expect(setup.bench.eventsOf("connectPeer")).toEqual([]);
    },
  );

  test("without a peer is 400, of another family 443, of a UDP allocation 400", () => {
    const setup = setUp();
    expect(setup.control.codeOf(StunMethod.connect)).toBe(400);
    expect(codeOf(one(ask(setup, "[2607:f8b0::8]:80").answers))).toBe(443);
    const udp = setup.bench.client("198.51.100.9:1").connect();
    udp.allocated();
    expect(udp.codeOf(StunMethod.connect, attributeValue(XOR_PEER_ADDRESS, transport(PEER)))).toBe(400);
  });

  test("of more connections than an allocation may have is 508", () => {
    const bench = new ServerBench({ limits: { ...DEFAULT_ALLOCATION_LIMITS, connections: 2 } });
    const setup = setUp(bench);
    connected(setup, "8.8.8.8:1");
    ask(setup, "8.8.8.8:2");
    expect(codeOf(one(ask(setup, "8.8.8.8:3").answers))).toBe(508);
  });

  test("whose answer comes after the allocation has ended is closed", () => {
    const setup = setUp();
    const { bench, control } = setup;
    const { event } = ask(setup);
    control.request(StunMethod.refresh, attributeValue(LIFETIME, 0));
    bench.server.handlePeerConnected(event!.id, 555, bench.now);
    bench.server.handlePeerConnected(9999, 556, bench.now);
    bench.drain();
    expect(closed(bench)).toEqual([555, 556]);
  });
});

describe("RFC 6062 §5.3: a peer that connects", () => {
  test("with a permission is announced with its address and an id", () => {
    const { bench, control, listener } = setUp();
    control.permit(PEER);
    bench.server.handlePeerAccepted(listener, 700, transport("8.8.8.8:4711"), bench.now);
    const [sent] = bench.drain();
    expect(sent?.socket).toBe(control.socket);
    const message = decodeStunMessage(sent!.bytes);
    expect([message.messageClass, message.method]).toEqual(["indication", StunMethod.connectionAttempt]);
    expect(`${message.get(XOR_PEER_ADDRESS)}`).toBe("8.8.8.8:4711");
    expect(bindData(bench.client("198.51.100.7:5001").connect(), message.get(CONNECTION_ID)!)).toBe(0);
  });

  test.each([
    ["without a permission", "9.9.9.9:1"],
    ["from an address that is forbidden", "10.0.0.1:1"],
  ])("%s is closed at once", (_name, from) => {
    const { bench, control, listener } = setUp();
    control.permit(PEER);
    bench.server.handlePeerAccepted(listener, 700, transport(from), bench.now);
    expect(bench.drain()).toEqual([]);
    expect(closed(bench)).toEqual([700]);
  });

  test("to what is no relay any more is closed", () => {
    const { bench } = setUp();
    bench.server.handlePeerAccepted(12_345, 700, transport(PEER), bench.now);
    bench.drain();
    expect(closed(bench)).toEqual([700]);
  });

  test("is another client of this server when it connects from there", () => {
    const setup = setUp();
    const { bench } = setup;
    const other = setUp(bench, "198.51.100.8:1");
    other.control.permit(setup.relayed);
    const { event } = ask(setup, other.relayed);
    bench.server.handlePeerAccepted(other.listener, 800, event!.from, bench.now);
    expect(bench.drain()).toHaveLength(1);
    // The same port without a connection of ours behind it is only one of our own.
    bench.server.handlePeerFailed(event!.id, bench.now);
    bench.server.handlePeerAccepted(other.listener, 801, event!.from, bench.now);
    bench.drain();
    expect(closed(bench)).toEqual([801]);
  });
});

describe("RFC 6062 §5.4: ConnectionBind", () => {
  test("joins the streams, with what the client has sent behind it", () => {
    const setup = setUp();
    const { bench } = setup;
    const { id, stream } = connected(setup);
    const data = bench.client("198.51.100.7:5001").connect();
    data.request(StunMethod.connectionBind, attributeValue(CONNECTION_ID, 1));
    const bytes = data.build(StunMethod.connectionBind, [attributeValue(CONNECTION_ID, id)]);
    const answers = data.send(new Uint8Array([...bytes, 0x47, 0x45, 0x54]));
    expect(codeOf(one(answers))).toBe(0);
    expect(bench.eventsOf("joinStreams")).toEqual([
      { type: "joinStreams", client: data.socket, peer: stream, early: Uint8Array.of(0x47, 0x45, 0x54) },
    ]);
    // From now on its bytes mean nothing here.
    expect(data.send(data.build(StunMethod.refresh, []))).toEqual([]);
  });

  test("of an unknown id, of none, or of one that is bound is 400", () => {
    const setup = setUp();
    const { id } = connected(setup);
    const data = setup.bench.client("198.51.100.7:5001").connect();
    expect(bindData(data, id ^ 1)).toBe(400);
    expect(data.codeOf(StunMethod.connectionBind)).toBe(400);
    expect(bindData(data, id)).toBe(0);
    expect(bindData(setup.bench.client("198.51.100.7:5002").connect(), id)).toBe(400);
  });

  test("by another user is 441, and the connection is still there for who asked for it", () => {
    const setup = setUp();
    const { id } = connected(setup);
    expect(bindData(setup.bench.client("198.51.100.8:1", "bob", "hidden").connect(), id)).toBe(441);
    expect(bindData(setup.bench.client("198.51.100.7:5001").connect(), id)).toBe(0);
  });

  test("over UDP, or on a connection that has an allocation, is 400", () => {
    const setup = setUp();
    const { id } = connected(setup);
    expect(bindData(setup.bench.client("198.51.100.7:5001"), id)).toBe(400);
    expect(bindData(setup.control, id)).toBe(400);
  });

  test("has 30 seconds", () => {
    const setup = setUp();
    const { bench } = setup;
    const { id, stream } = connected(setup);
    bench.pass(29_900);
    expect(closed(bench)).toEqual([]);
    bench.pass(200);
    expect(closed(bench)).toEqual([stream]);
    expect(bindData(bench.client("198.51.100.7:5001").connect(), id)).toBe(400);
  });
});

describe("RFC 6062 §5.5: the end", () => {
  function joined() {
    const setup = setUp();
    const { id, stream } = connected(setup);
    const data = setup.bench.client("198.51.100.7:5001").connect();
    bindData(data, id);
    return { ...setup, peer: stream, data: data.socket };
  }

  test("of the peer's connection ends the client's, and the other way round", () => {
    for (const first of ["peer", "data"] as const) {
      const setup = joined();
      setup.bench.server.handleStreamClosed(setup[first], setup.bench.now);
      setup.bench.drain();
      expect(closed(setup.bench)).toEqual([first === "peer" ? setup.data : setup.peer]);
      expect(setup.bench.server.gauges).toMatchObject({ peerConnections: 0, allocations: 1 });
    }
  });

  test("of the allocation ends both", () => {
    const { bench, control, peer, data } = joined();
    control.request(StunMethod.refresh, attributeValue(LIFETIME, 0));
    expect(closed(bench)).toEqual([peer, data]);
  });

  test("of the control connection ends the allocation, and with it both", () => {
    const { bench, control, peer, data, listener } = joined();
    bench.server.handleStreamClosed(control.socket, bench.now);
    bench.drain();
    expect(closed(bench)).toEqual([peer, data]);
    expect(bench.sockets.has(listener)).toBe(false);
    expect(bench.server.gauges).toEqual({
      allocations: 0,
      users: 0,
      reservations: 0,
      streams: 0,
      peerConnections: 0,
    });
  });

  test("does not come for a joined connection that is silent", () => {
    const { bench, control } = joined();
    for (let i = 0; i < 10; i++) {
      bench.pass(500_000);
      expect(control.codeOf(StunMethod.refresh)).toBe(0);
    }
    expect(closed(bench)).toEqual([]);
  });
});

describe("a client's stream", () => {
  test("carries several messages in one piece, and one in several", () => {
    const bench = new ServerBench();
    const client = bench.client().connect();
    client.allocated();
    const requests = [client.build(StunMethod.refresh, []), client.build(StunMethod.refresh, [])];
    const whole = Uint8Array.from(requests.flatMap((request) => [...request]));
    expect(client.send(whole)).toHaveLength(2);
    const answers = [...whole].flatMap((byte) => client.send(Uint8Array.of(byte)));
    expect(answers).toHaveLength(2);
  });

  test("from an IPv4 address in IPv6 form is from the IPv4 address", () => {
    const bench = new ServerBench();
    bench.server.handleStreamOpened(50, transport("[::ffff:198.51.100.7]:5000"), "tcp", bench.now);
    const request = new StunMessageBuilder()
      .start("request", StunMethod.binding, new Uint8Array(12))
      .finish();
    bench.server.handleStreamData(50, request, bench.now);
    const [sent] = bench.drain();
    expect(`${decodeStunMessage(sent!.bytes).get(XOR_MAPPED_ADDRESS)}`).toBe("198.51.100.7:5000");
  });

  test("that says nothing for 30 seconds is closed; with an allocation it may be silent", () => {
    const bench = new ServerBench();
    const silent = bench.client("198.51.100.7:1").connect();
    const asking = bench.client("198.51.100.7:2").connect();
    const working = bench.client("198.51.100.7:3").connect();
    working.allocated(attributeValue(LIFETIME, 3600));
    bench.pass(20_000);
    asking.permit(PEER);
    bench.pass(11_000);
    expect(closed(bench)).toEqual([silent.socket]);
    bench.pass(20_000);
    expect(closed(bench)).toEqual([silent.socket, asking.socket]);
    bench.pass(3_000_000);
    expect(closed(bench)).toHaveLength(2);
    // When its allocation has run out it is a stranger's again.
    bench.pass(640_000);
    expect(closed(bench).at(-1)).toBe(working.socket);
  });

  test.each([
    ["something else than STUN", Uint8Array.of(0x16, 3, 1, 0, 1)],
    [
      "ChannelData before an allocation, or GET",
      new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n".padEnd(30_000)),
    ],
    ["a frame that is longer than a stranger needs", Uint8Array.of(0, 3, 0x20, 0, 0x21, 0x12, 0xa4, 0x42)],
  ])("with %s is closed", (_name, bytes) => {
    const bench = new ServerBench();
    const client = bench.client().connect();
    client.send(bytes);
    expect(closed(bench)).toEqual([client.socket]);
    expect(bench.server.gauges.streams).toBe(0);
    expect(client.send(client.build(StunMethod.refresh, []))).toEqual([]);
  });

  test("with an allocation may carry long frames, and loses it when it breaks the framing", () => {
    const bench = new ServerBench();
    const client = bench.client().connect();
    const socket = socketAt(bench, client.allocated());
    client.bind(0x4000, PEER);
    const data = new Uint8Array(60_000).fill(7);
    bench.server.handleStreamData(client.socket, channelData(0x4000, data), bench.now);
    expect(bench.drain()[0]?.bytes).toEqual(data);
    client.send(Uint8Array.of(0xff));
    expect(bench.sockets.has(socket)).toBe(false);
    expect(closed(bench)).toEqual([client.socket]);
  });

  test("is refused when there are too many, in all or from one address", () => {
    const streams = { ...DEFAULT_CLIENT_STREAMS_OPTIONS, total: 3, perAddress: 2 };
    const bench = new ServerBench({ streams });
    const open = (stream: number, from: string) =>
      bench.server.handleStreamOpened(stream, transport(from), "tcp", bench.now);
    expect([open(1, "1.1.1.1:1"), open(2, "1.1.1.1:2"), open(3, "1.1.1.1:3")]).toEqual([true, true, false]);
    expect([open(4, "1.1.1.2:1"), open(5, "1.1.1.3:1")]).toEqual([true, false]);
    bench.server.handleStreamClosed(1, bench.now);
    expect(open(6, "1.1.1.1:4")).toBe(true);
  });
});
