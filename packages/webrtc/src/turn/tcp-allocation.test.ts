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
import { InvalidStateError } from "../sansio/index.ts";
import {
  CONNECTION_ID,
  DONT_FRAGMENT,
  EVEN_PORT,
  REQUESTED_TRANSPORT,
  RESERVATION_TOKEN,
  StunMessageBuilder,
  StunMethod,
  XOR_PEER_ADDRESS,
} from "../stun/index.ts";
import { PERMISSION_LIFETIME_MS, TurnTcpAllocation, type TurnTcpAllocationEvent } from "./index.ts";

type Bench = TurnBench<TurnTcpAllocationEvent>;

const CONTROL = 7;

function create(): { allocation: TurnTcpAllocation; bench: Bench } {
  const allocation = new TurnTcpAllocation(environment(), {
    server: SERVER,
    transport: "tcp",
    credentials: CREDENTIALS,
  });
  const bench = new TurnBench<TurnTcpAllocationEvent>(allocation);
  bench.fill = ({ method }, builder) => method === StunMethod.connect && builder.add(CONNECTION_ID, 0xabcd);
  return { allocation, bench };
}

function allocated(): { allocation: TurnTcpAllocation; bench: Bench } {
  const made = create();
  made.bench.allocate();
  made.bench.seen.length = 0;
  made.bench.events.length = 0;
  return made;
}

/** A peer connects to the relayed address, and the server tells it. */
function attempt(bench: Bench, connectionId = 77, peer = PEER): void {
  bench.drain();
  const builder = new StunMessageBuilder()
    .start("indication", StunMethod.connectionAttempt, new Uint8Array(12))
    .add(CONNECTION_ID, connectionId)
    .add(XOR_PEER_ADDRESS, peer);
  bench.deliver(builder.finish().slice(), SERVER, CONTROL);
  bench.drain();
}

// RFC 6062 §4.1.
test("the allocation is for TCP, and asks for nothing that TCP has not", () => {
  const { bench } = create();
  bench.allocate();
  const { message } = bench.requests(StunMethod.allocate)[0] ?? {};
  expect(message?.get(REQUESTED_TRANSPORT)).toBe(6);
  for (const attribute of [DONT_FRAGMENT, EVEN_PORT, RESERVATION_TOKEN]) {
    expect(message?.has(attribute)).toBe(false);
  }
  expect(bench.eventsOf("allocated")).toMatchObject([{ relayedAddress: RELAYED }]);
});

test("it is refreshed like any other", () => {
  const { allocation, bench } = allocated();
  bench.runUntil(3_600_000);
  expect(bench.requests(StunMethod.refresh).length).toBeGreaterThan(5);
  expect(allocation.state).toBe("allocated");
});

describe("a connection to a peer", () => {
  // → Connect   ← CONNECTION-ID   (another stream)   → ConnectionBind   ← success
  test("takes another stream to the same server, on which it is bound (RFC 6062 §4.3)", () => {
    const { allocation, bench } = allocated();
    const connection = allocation.connect(PEER, 0);
    bench.drain();
    expect(bench.seen.map(({ method, socket, peers }) => [method, socket, peers])).toEqual([
      [StunMethod.connect, CONTROL, [`${PEER}`]],
      [StunMethod.connectionBind, CONTROL + 1, []],
    ]);
    expect(bench.seen[1]?.message.get(CONNECTION_ID)).toBe(0xabcd);
    // With what was agreed on the control connection: nobody is challenged again.
    expect(bench.seen.every(({ isAuthenticated }) => isAuthenticated)).toBe(true);
    expect(bench.events).toEqual([
      { type: "connect", id: connection, server: SERVER, serverName: undefined },
      { type: "connected", connection, peer: PEER, socket: CONTROL + 1 },
    ]);
  });

  test("is asked for once at a time, and only while there is an allocation", () => {
    const { allocation, bench } = allocated();
    bench.verdict = () => "silence";
    allocation.connect(PEER, 0);
    expect(() => allocation.connect(PEER, 0)).toThrow(InvalidStateError);
    allocation.connect(address("203.0.113.6:1"), 0);
    expect(() => create().allocation.connect(PEER, 0)).toThrow(InvalidStateError);
  });

  test("that the relay could not make is not asked for again for ten seconds (RFC 6062 §4.3)", () => {
    const { allocation, bench } = allocated();
    bench.verdict = () => 447;
    const connection = allocation.connect(PEER, 0);
    bench.drain();
    expect(bench.events).toMatchObject([
      { type: "connectionFailed", connection, peer: PEER, error: { code: 447 } },
    ]);
    expect(() => allocation.connect(PEER, 9_999)).toThrow("wait 10 seconds");
    expect(allocation.connect(PEER, 10_000)).toBeGreaterThan(connection);
  });

  test.each([
    [403, "does not allow"],
    [446, "has a connection to the peer already"],
    [500, "problem of its own"],
  ])("that is refused with %i fails in words", (code, words) => {
    const { allocation, bench } = allocated();
    bench.verdict = () => code;
    allocation.connect(PEER, 0);
    bench.drain();
    expect(bench.eventsOf("connectionFailed")[0]?.message).toContain(words);
  });

  test("whose stream is not to be had, or is lost, or refused, fails and is closed", () => {
    const { allocation, bench } = allocated();
    bench.opensConnections = false;
    const first = allocation.connect(PEER, 0);
    bench.drain();
    allocation.handleConnectFailure(first, "ECONNREFUSED", 0);
    const second = allocation.connect(PEER, 0);
    bench.drain();
    bench.verdict = () => "silence";
    allocation.handleConnected(second, 20, 0);
    bench.drain();
    allocation.handleConnectionLost(20, "ECONNRESET", 0);
    bench.verdict = () => "success";
    const third = allocation.connect(PEER, 0);
    bench.drain();
    bench.verdict = () => 400;
    allocation.handleConnected(third, 21, 0);
    bench.drain();
    expect(bench.eventsOf("connectionFailed").map(({ message }) => message)).toEqual([
      "the TURN server cannot be reached (ECONNREFUSED)",
      "the connection to the TURN server was lost (ECONNRESET)",
      "the TURN server did not understand the request (400)",
    ]);
    expect(bench.events.filter(({ type }) => type === "disconnect")).toEqual([
      { type: "disconnect", socket: 21 },
    ]);
    expect(allocation.state).toBe("allocated");
  });

  test("is one of 32 at most, which leave room for refreshing", () => {
    const { allocation, bench } = allocated();
    bench.verdict = ({ method }) => (method === StunMethod.connect ? "silence" : "success");
    for (let i = 0; i < 32; i++) allocation.connect(address(`203.0.113.6:${i + 1}`), 0);
    expect(() => allocation.connect(PEER, 0)).toThrow(InvalidStateError);
    allocation.permit([PEER.ip], 0);
    bench.drain();
    expect(bench.requests(StunMethod.createPermission)).toHaveLength(1);
  });

  test("ends with the allocation while it is being made", () => {
    const { allocation, bench } = allocated();
    bench.opensConnections = false;
    const connection = allocation.connect(PEER, 0);
    bench.drain();
    allocation.handleConnectionLost(CONTROL, undefined, 0);
    bench.drain();
    expect(bench.events.map(({ type }) => type)).toEqual(["connect", "connectionFailed", "closed"]);
    // Too late: it is handed back.
    allocation.handleConnected(connection, 30, 1);
    bench.drain();
    expect(bench.events.at(-1)).toEqual({ type: "disconnect", socket: 30 });
  });
});

describe("a connection from a peer", () => {
  test("is announced when the peer is permitted, and bound when it is accepted (RFC 6062 §4.4)", () => {
    const { allocation, bench } = allocated();
    allocation.permit([PEER.ip], 0);
    attempt(bench);
    const [announced] = bench.eventsOf("connectionAttempt");
    expect(announced).toMatchObject({ peer: PEER });
    allocation.accept(announced?.attempt ?? 0, 10);
    bench.drain();
    expect(bench.requests(StunMethod.connectionBind)[0]?.message.get(CONNECTION_ID)).toBe(77);
    expect(bench.eventsOf("connected")).toMatchObject([{ connection: announced?.attempt, peer: PEER }]);
  });

  test("from a peer that is not permitted, or not any more, is not", () => {
    const { allocation, bench } = allocated();
    attempt(bench);
    allocation.permit([PEER.ip], 0);
    bench.drain();
    allocation.release(PEER.ip);
    bench.runUntil(PERMISSION_LIFETIME_MS + 1);
    attempt(bench);
    expect(bench.eventsOf("connectionAttempt")).toEqual([]);
    expect(allocation.counters.refusedAttempts).toBe(2);
  });

  test("that nobody accepts is over after 30 seconds, without a word", () => {
    const { allocation, bench } = allocated();
    allocation.permit([PEER.ip], 0);
    attempt(bench);
    const [announced] = bench.eventsOf("connectionAttempt");
    expect(announced).toBeDefined();
    bench.runUntil(30_000);
    allocation.accept(announced?.attempt ?? 0, bench.now);
    bench.drain();
    expect(bench.requests(StunMethod.connectionBind)).toEqual([]);
    expect(bench.eventsOf("connectionFailed")).toEqual([]);
  });

  test("is one of 32 at most", () => {
    const { allocation, bench } = allocated();
    allocation.permit([PEER.ip], 0);
    for (let i = 0; i < 100; i++) attempt(bench, i);
    expect(bench.eventsOf("connectionAttempt")).toHaveLength(32);
    expect(allocation.counters.refusedAttempts).toBe(68);
    expect(() => allocation.connect(PEER, 0)).toThrow(InvalidStateError);
  });

  test("without a peer or an id is none", () => {
    const { allocation, bench } = allocated();
    allocation.permit([PEER.ip], 0);
    const builder = new StunMessageBuilder().start(
      "indication",
      StunMethod.connectionAttempt,
      new Uint8Array(12),
    );
    bench.deliver(builder.finish().slice(), SERVER, CONTROL);
    bench.deliver(builder.add(XOR_PEER_ADDRESS, PEER).finish().slice(), SERVER, CONTROL);
    expect(allocation.counters.ignored).toBe(2);
  });
});
