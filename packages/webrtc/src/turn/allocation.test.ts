import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  address,
  CREDENTIALS,
  environment,
  MAPPED,
  PEER,
  RELAYED,
  SERVER,
  TurnBench,
} from "../../test/turn-bench.ts";
import { InvalidStateError } from "../sansio/index.ts";
import {
  ADDITIONAL_ADDRESS_FAMILY,
  ADDRESS_ERROR_CODE,
  ALTERNATE_DOMAIN,
  ALTERNATE_SERVER,
  DONT_FRAGMENT,
  EVEN_PORT,
  LIFETIME,
  REQUESTED_ADDRESS_FAMILY,
  REQUESTED_TRANSPORT,
  RESERVATION_TOKEN,
  SOFTWARE,
  StunMethod,
  UNKNOWN_ATTRIBUTES,
  XOR_PEER_ADDRESS,
} from "../stun/index.ts";
import { TurnAllocation, type TurnAllocationEvent, type TurnAllocationOptions } from "./index.ts";

type Bench = TurnBench<TurnAllocationEvent>;

function create(options: Partial<TurnAllocationOptions> = {}): { allocation: TurnAllocation; bench: Bench } {
  const allocation = new TurnAllocation(environment(), {
    server: SERVER,
    transport: "udp",
    credentials: CREDENTIALS,
    ...options,
  });
  return { allocation, bench: new TurnBench<TurnAllocationEvent>(allocation) };
}

function allocated(options: Partial<TurnAllocationOptions> = {}): {
  allocation: TurnAllocation;
  bench: Bench;
} {
  const { allocation } = create(options);
  return { allocation, bench: TurnBench.allocated<TurnAllocationEvent>(allocation) };
}

/** How it ended. */
function endOf(bench: Bench): string | undefined {
  return bench.eventsOf("closed")[0]?.end.reason;
}

describe("allocating", () => {
  // → Allocate   ← 401   → Allocate with credentials   ← success
  test("asks for a connection, meets the challenge, and tells the addresses", () => {
    const { allocation, bench } = create();
    bench.allocate();
    expect(bench.events).toEqual([
      { type: "connect", id: 1, server: SERVER, serverName: undefined },
      {
        type: "allocated",
        relayedAddresses: [RELAYED],
        mappedAddress: MAPPED,
        reservationToken: undefined,
        addressError: undefined,
      },
    ]);
    const [request] = bench.requests(StunMethod.allocate);
    expect(request?.isAuthenticated).toBe(true);
    expect(request?.message.get(REQUESTED_TRANSPORT)).toBe(17);
    expect(request?.message.get(SOFTWARE)).toBe("naru");
    expect(request?.message.has(REQUESTED_ADDRESS_FAMILY)).toBe(false);
    expect(allocation.state).toBe("allocated");
  });

  // RFC 8656 §7.1.
  test.each<[string, Partial<TurnAllocationOptions>, { type: number }[]]>([
    ["an IPv6 address", { family: 6 }, [REQUESTED_ADDRESS_FAMILY]],
    ["one of each family", { family: "both" }, [ADDITIONAL_ADDRESS_FAMILY]],
    ["an even port", { port: "even" }, [EVEN_PORT]],
    ["a pair of ports", { port: "pair" }, [EVEN_PORT]],
    ["the reserved port", { reservationToken: new Uint8Array(8) }, [RESERVATION_TOKEN]],
    ["no fragments", { dontFragment: true }, [DONT_FRAGMENT]],
    ["a longer life", { lifetimeSeconds: 3600 }, [LIFETIME]],
  ])("asks for %s with the attribute of RFC 8656 §7.1, and no other", (_, options, expected) => {
    const { bench } = create(options);
    bench.allocate();
    const { message } = bench.requests(StunMethod.allocate)[0] ?? {};
    const optional = [
      REQUESTED_ADDRESS_FAMILY,
      ADDITIONAL_ADDRESS_FAMILY,
      EVEN_PORT,
      RESERVATION_TOKEN,
      DONT_FRAGMENT,
      LIFETIME,
    ];
    expect(optional.filter((attribute) => message?.has(attribute))).toEqual(expected);
    expect(message?.get(EVEN_PORT) ?? false).toBe(options.port === "pair");
  });

  test.each<[Partial<TurnAllocationOptions>, typeof TypeError | typeof RangeError]>([
    [{ reservationToken: new Uint8Array(8), family: 6 }, TypeError],
    [{ reservationToken: new Uint8Array(8), port: "even" }, TypeError],
    [{ family: "both", port: "pair" }, TypeError],
    [{ transport: "tls" }, TypeError],
    [{ credentials: { username: "alice", password: "" } }, TypeError],
    [{ reservationToken: new Uint8Array(7) }, RangeError],
    [{ lifetimeSeconds: 0 }, RangeError],
    [{ lifetimeSeconds: 1.5 }, RangeError],
    [{ packetsBeforeChannel: 0 }, RangeError],
    [{ keepAliveMs: Number.NaN }, RangeError],
    [{ software: "x".repeat(510) }, RangeError],
  ])("%o is refused when it is made", (options, error) => {
    expect(() => create(options)).toThrow(error);
  });

  test("a second time is the caller's mistake", () => {
    const { allocation } = allocated();
    expect(() => allocation.allocate(0)).toThrow(InvalidStateError);
  });

  test("tells the token of the reserved port and the family that could not be had", () => {
    const { bench } = create({ family: "both" });
    const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    bench.fill = (_, builder) => {
      builder.add(RESERVATION_TOKEN, token);
      builder.add(ADDRESS_ERROR_CODE, { family: 6, code: 440, reason: "" });
    };
    bench.allocate();
    expect(bench.eventsOf("allocated")).toMatchObject([
      { reservationToken: token, addressError: { family: 6, code: 440 } },
    ]);
  });

  // RFC 8656 §7.3: "the client MUST delete the allocation".
  test.each<[string, (bench: Bench) => void]>([
    ["no relayed address", (bench) => (bench.relayed = [])],
    ["two of a family", (bench) => (bench.relayed = [RELAYED, address("192.0.2.1:50001")])],
    ["no life", (bench) => (bench.lifetime = 0)],
  ])("an answer with %s is of no use, and what it stands for is deleted", (_, spoil) => {
    const { bench } = create();
    spoil(bench);
    bench.allocate();
    expect(bench.requests(StunMethod.refresh).map(({ lifetime }) => lifetime)).toEqual([0]);
    expect(endOf(bench)).toBe("bad-answer");
    expect(bench.eventsOf("allocated")).toEqual([]);
  });

  // RFC 8656 §7.4.
  test.each([
    [400, "bad-request", 0],
    [403, "forbidden", 0],
    [420, "unsupported", 0],
    [440, "unsupported", 0],
    [441, "unauthorized", 0],
    [442, "unsupported", 0],
    [486, "quota-reached", 60_000],
    [500, "server-error", 0],
    [508, "no-capacity", 60_000],
  ] as const)("a %i ends it: %s", (code, reason, retryAfterMs) => {
    const { bench } = create();
    bench.verdict = () => code;
    bench.allocate();
    const [closed] = bench.eventsOf("closed");
    expect(closed?.end).toMatchObject({ reason, retryAfterMs, error: { code } });
    expect(closed?.end.message).toContain(`${code}`);
    expect(bench.requests(StunMethod.allocate)).toHaveLength(1);
  });

  test("credentials that are not accepted end it after one retry", () => {
    const { bench } = create({ credentials: { ...CREDENTIALS, password: "wrong" } });
    bench.allocate();
    expect(endOf(bench)).toBe("unauthorized");
  });

  test("a silent server ends it after 39.5 seconds", () => {
    const { bench } = create();
    bench.verdict = () => "silence";
    bench.allocate();
    bench.runUntil(39_499);
    expect(endOf(bench)).toBeUndefined();
    bench.runUntil(39_500);
    expect(endOf(bench)).toBe("no-answer");
    expect(bench.events.at(-2)?.type).toBe("disconnect");
  });

  test("a server that cannot set DF is asked again without (RFC 8656 §7.4)", () => {
    const { bench } = create({ dontFragment: true });
    bench.verdict = ({ message }) => (message.has(DONT_FRAGMENT) ? 420 : "success");
    bench.fill = ({ message }, builder) =>
      message.has(DONT_FRAGMENT) && builder.add(UNKNOWN_ATTRIBUTES, [DONT_FRAGMENT.type]);
    bench.allocate();
    expect(bench.requests(StunMethod.allocate)).toHaveLength(2);
    expect(bench.eventsOf("allocated")).toHaveLength(1);
  });
});

describe("another address", () => {
  // RFC 8656 §7.4: "SHOULD try three different client transport addresses before giving up on this server".
  test("is asked from when the server holds another's allocation, three in all", () => {
    const { bench } = create();
    bench.verdict = () => 437;
    bench.allocate();
    expect(bench.seen.map(({ socket }) => socket)).toEqual([7, 8, 9]);
    expect(bench.events.map(({ type }) => type)).toEqual([
      "connect",
      "disconnect",
      "connect",
      "disconnect",
      "connect",
      "disconnect",
      "closed",
    ]);
    expect(bench.eventsOf("closed")[0]?.end).toMatchObject({ reason: "mismatch", retryAfterMs: 120_000 });
  });

  test("may be the one that works", () => {
    const { bench } = create();
    bench.verdict = ({ socket }) => (socket === 7 ? 437 : "success");
    bench.allocate();
    expect(bench.eventsOf("allocated")).toHaveLength(1);
  });
});

describe("another server", () => {
  const OTHER = address("192.0.2.2:3478");

  test("is asked when the first one refers to it, with the same credentials (RFC 8489 §10)", () => {
    const { allocation, bench } = create();
    bench.verdict = () => (allocation.server.equals(SERVER) ? 300 : "success");
    bench.fill = (_, builder) => {
      if (!allocation.server.equals(SERVER)) return;
      builder.add(ALTERNATE_SERVER, address("[2001:db8::2]:3478")).add(ALTERNATE_SERVER, OTHER);
    };
    bench.allocate();
    expect(allocation.server).toEqual(OTHER);
    expect(bench.eventsOf("allocated")).toHaveLength(1);
    expect(bench.requests(StunMethod.allocate).every(({ isAuthenticated }) => isAuthenticated)).toBe(true);
  });

  test("has the certificate of the domain that is named, or of the one asked first", () => {
    for (const domain of ["other.example", undefined]) {
      const { allocation, bench } = create({ transport: "tls", serverName: "naru.example" });
      bench.verdict = () => (allocation.server.equals(SERVER) ? 300 : "success");
      bench.fill = (_, builder) => {
        if (!allocation.server.equals(SERVER)) return;
        builder.add(ALTERNATE_SERVER, OTHER);
        if (domain !== undefined) builder.add(ALTERNATE_DOMAIN, domain);
      };
      bench.allocate();
      const names = bench.events.map((event) => ("serverName" in event ? event.serverName : "-"));
      expect(names.filter((name) => name !== "-")).toEqual(["naru.example", domain ?? "naru.example"]);
    }
  });

  test("that was asked before ends it", () => {
    const { allocation, bench } = create();
    bench.verdict = () => 300;
    bench.fill = (_, builder) =>
      builder.add(ALTERNATE_SERVER, allocation.server.equals(SERVER) ? OTHER : SERVER);
    bench.allocate();
    expect(endOf(bench)).toBe("redirect-loop");
    expect(bench.requests(StunMethod.allocate)).toHaveLength(2);
  });

  test("after another without end ends it", () => {
    const { bench } = create();
    let port = 4000;
    bench.verdict = () => 300;
    bench.fill = (_, builder) => builder.add(ALTERNATE_SERVER, address(`192.0.2.2:${port++}`));
    bench.allocate();
    expect(endOf(bench)).toBe("redirect-loop");
    expect(bench.requests(StunMethod.allocate)).toHaveLength(6);
  });

  test("that is not named ends it", () => {
    const { bench } = create();
    bench.verdict = () => 300;
    bench.allocate();
    expect(endOf(bench)).toBe("bad-request");
  });
});

describe("a living allocation", () => {
  test("is refreshed a minute or so before it would expire, for as long as it is wanted", () => {
    const { allocation, bench } = allocated();
    bench.runUntil(24 * 3_600_000);
    const times = bench.requests(StunMethod.refresh).map(({ at }) => at);
    const gaps = times.map((at, i) => at - (times[i - 1] ?? 0));
    expect(gaps.every((gap) => gap > 480_000 && gap <= 540_000)).toBe(true);
    expect(new Set(gaps.map(Math.round)).size).toBeGreaterThan(20);
    expect(allocation.state).toBe("allocated");
  });

  test("with a short life is refreshed at half of it", () => {
    const { allocation, bench } = create({ lifetimeSeconds: 20 });
    bench.lifetime = 20;
    bench.allocate();
    bench.runUntil(60_000);
    expect(allocation.state).toBe("allocated");
    expect(bench.requests(StunMethod.refresh)[0]?.at).toBeGreaterThan(8_999);
    expect(bench.requests(StunMethod.refresh)[0]?.lifetime).toBe(20);
  });

  test("takes a new nonce in its stride", () => {
    const { allocation, bench } = allocated();
    let isStale = true;
    bench.verdict = () => {
      const verdict = isStale ? 438 : "success";
      isStale = false;
      bench.nonce = "nonce-2";
      return verdict;
    };
    bench.runUntil(600_001);
    expect(bench.requests(StunMethod.refresh)).toHaveLength(2);
    expect(allocation.state).toBe("allocated");
  });

  test("survives a server that is silent for less than its life", () => {
    const { allocation, bench } = allocated();
    bench.verdict = ({ at }) => (at < 590_000 ? "silence" : "success");
    bench.runUntil(700_000);
    expect(allocation.state).toBe("allocated");
  });

  test("expires when it cannot be refreshed in time", () => {
    const { bench } = allocated();
    bench.verdict = () => 500;
    bench.runUntil(599_999);
    expect(endOf(bench)).toBeUndefined();
    bench.runUntil(600_000);
    expect(endOf(bench)).toBe("expired");
  });

  // RFC 8656 §8.3, §5.
  test.each([StunMethod.refresh, StunMethod.createPermission, StunMethod.channelBind])(
    "is gone when the server says so in answer to method %i",
    (method) => {
      const { allocation, bench } = allocated({ packetsBeforeChannel: 1 });
      bench.verdict = (request) => (request.method === method ? 437 : "success");
      for (let i = 0; i < 4; i++) {
        allocation.send(PEER, new Uint8Array(1), bench.now);
        bench.drain();
      }
      bench.runUntil(600_001);
      expect(endOf(bench)).toBe("gone");
    },
  );

  test("keeps the NATs on its way open while nothing is sent", () => {
    const { bench } = allocated();
    bench.runUntil(60_000);
    expect(bench.packets).toHaveLength(4);
    // 0x0011 is a Binding indication.
    expect(bench.packets.every((bytes) => bytes[0] === 0x00 && bytes[1] === 0x11)).toBe(true);
  });

  test("sends nothing for the NATs over a stream, or while data flows", () => {
    const overTcp = allocated({ transport: "tcp" });
    overTcp.bench.runUntil(60_000);
    expect(overTcp.bench.packets).toEqual([]);
    const { allocation, bench } = allocated();
    for (let now = 0; now < 60_000; now += 10_000) {
      bench.runUntil(now);
      allocation.send(PEER, new Uint8Array(1), now);
    }
    bench.runUntil(60_000);
    expect(bench.packets.filter((bytes) => bytes[1] === 0x11)).toEqual([]);
  });
});

describe("the end", () => {
  test("by its owner deletes it at the server (RFC 8656 §8.1)", () => {
    const { allocation, bench } = allocated();
    allocation.close(bench.now);
    bench.drain();
    expect(bench.requests(StunMethod.refresh).map(({ lifetime }) => lifetime)).toEqual([0]);
    expect(bench.events.map(({ type }) => type)).toEqual(["disconnect", "closed"]);
    expect(endOf(bench)).toBe("released");
    expect(allocation.pollTimeout()).toBe(Number.POSITIVE_INFINITY);
  });

  test("does not wait long for a silent server", () => {
    const { allocation, bench } = allocated();
    bench.verdict = () => "silence";
    allocation.close(bench.now);
    bench.runUntil(3_000);
    expect(endOf(bench)).toBe("released");
  });

  test("before there is an allocation needs no server", () => {
    const { allocation, bench } = create();
    allocation.close(0);
    bench.drain();
    expect(endOf(bench)).toBe("released");
    expect(bench.seen).toEqual([]);
  });

  test("while it is being asked for deletes what comes of it", () => {
    const { allocation, bench } = create();
    bench.verdict = ({ method }) => (method === StunMethod.allocate ? "silence" : "success");
    bench.allocate();
    allocation.close(0);
    const [request] = bench.requests(StunMethod.allocate);
    if (request !== undefined) bench.answer(request, "success");
    bench.drain();
    expect(bench.requests(StunMethod.refresh).map(({ lifetime }) => lifetime)).toEqual([0]);
    expect(endOf(bench)).toBe("released");
    expect(bench.eventsOf("allocated")).toEqual([]);
  });

  test("comes with the connection's", () => {
    const { allocation, bench } = allocated();
    allocation.handleConnectionLost(bench.socket, "ECONNRESET", 5);
    bench.drain();
    expect(bench.eventsOf("closed")[0]?.end).toMatchObject({
      reason: "connection-lost",
      message: "the connection to the TURN server was lost (ECONNRESET)",
    });
    expect(bench.events.map(({ type }) => type)).toEqual(["closed"]);
  });

  test("comes when there is no connection, and the server is never asked", () => {
    const { allocation, bench } = create();
    bench.opensConnections = false;
    bench.allocate();
    allocation.handleConnectFailure(1, "connect ECONNREFUSED", 1);
    bench.drain();
    expect(bench.eventsOf("closed")[0]?.end.message).toContain("ECONNREFUSED");
    // A connection that comes too late is handed back.
    allocation.handleConnected(1, 99, 2);
    bench.drain();
    expect(bench.events.at(-1)).toEqual({ type: "disconnect", socket: 99 });
  });
});

describe("what is not the server's", () => {
  test("or comes by another socket is ignored", () => {
    const { allocation, bench } = allocated();
    const answer = new Uint8Array(20);
    bench.deliver(answer, address("192.0.2.9:3478"));
    bench.deliver(answer, SERVER, 99);
    bench.deliver(answer);
    expect(allocation.counters.ignored).toBe(3);
  });

  test("forged answers without the key change nothing", () => {
    const { allocation, bench } = allocated();
    bench.verdict = () => "silence";
    bench.runUntil(541_000);
    const [request] = bench.requests(StunMethod.refresh);
    if (request === undefined) throw new Error("no refresh was sent");
    bench.answer({ ...request, isAuthenticated: false }, 437);
    expect(allocation.counters.unmatched).toBe(1);
    expect(allocation.state).toBe("allocated");
  });

  test("no sequence of anything throws", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (inputs) => {
        const { allocation, bench } = allocated();
        allocation.send(PEER, new Uint8Array(3), 0);
        bench.drain();
        for (const bytes of inputs) bench.deliver(bytes);
        bench.drain();
        expect(bench.eventsOf("closed")).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

test("peers' addresses are named in requests as they are", () => {
  const { allocation, bench } = allocated();
  allocation.permit([PEER.ip], 0);
  bench.drain();
  expect(bench.requests(StunMethod.createPermission)[0]?.message.get(XOR_PEER_ADDRESS)?.ip).toEqual(PEER.ip);
});
