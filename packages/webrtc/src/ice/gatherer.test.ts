import { describe, expect, test } from "vitest";
import { at } from "../../test/ice-bench.ts";
import { IpAddress } from "../bytes/index.ts";
import { nodeCrypto } from "../node/index.ts";
import { SILENT_LOGGER } from "../sansio/index.ts";
import { StunMessageBuilder, StunMethod, XOR_MAPPED_ADDRESS } from "../stun/index.ts";
import { SeededRandom } from "../testing/index.ts";
import { writeLocalCandidate } from "./candidate-attribute.ts";
import { IceGatherer, type IceGathererEvent, type IceGathererOptions, type LocalCandidate } from "./index.ts";

type Ask<Type extends IceGathererEvent["type"]> = Extract<IceGathererEvent, { type: Type }>;

const STUN = { urls: ["stun:192.0.2.100:3478"] };
const TURN = { urls: ["turn:192.0.2.200:3478?transport=tcp"], username: "u", credential: "p" };

/** The outside of a gatherer, played by the test. */
class Bench {
  readonly gatherer: IceGatherer;
  readonly events: IceGathererEvent[] = [];
  now = 0;
  #route = 1;

  constructor(options: IceGathererOptions, ...addresses: string[]) {
    const environment = { crypto: nodeCrypto, random: new SeededRandom("gather"), log: SILENT_LOGGER };
    this.gatherer = new IceGatherer(environment, { tcp: { active: false }, ...options });
    this.gatherer.start(interfaces(...addresses));
    this.drain();
  }

  drain(): this {
    for (let event = this.gatherer.pollEvent(); event !== undefined; event = this.gatherer.pollEvent()) {
      this.events.push(event);
    }
    return this;
  }

  /** Binds whatever is asked for and not bound yet. */
  bind(): this {
    for (const ask of this.take("bindUdp")) {
      const route = this.#route++;
      this.gatherer.handleBound(
        ask.id,
        route,
        at(ask.address.family === 6 ? `[${ask.address}]:1000` : `${ask.address}:1000`),
      );
    }
    return this.drain();
  }

  /** Answers the questions to STUN servers; they come one after the other. */
  answer(mapped: string): this {
    for (let i = 0; i < 20; i++) {
      this.gatherer.handleTimeout(this.now);
      for (let out = this.gatherer.pollTransmit(); out !== undefined; out = this.gatherer.pollTransmit()) {
        const bytes = new StunMessageBuilder()
          .start("success", StunMethod.binding, out.bytes, 8)
          .add(XOR_MAPPED_ADDRESS, at(mapped))
          .finish()
          .slice();
        expect(this.gatherer.receive({ bytes, from: out.to, socket: out.socket }, this.now)).toBe(true);
      }
      this.now += 5;
    }
    return this.drain();
  }

  /** Runs out every clock, with silence for an answer. */
  wait(): this {
    for (let at = this.gatherer.pollTimeout(); at < 1e9; at = this.gatherer.pollTimeout()) {
      this.now = Math.max(this.now, at);
      this.gatherer.handleTimeout(this.now);
      while (this.gatherer.pollTransmit() !== undefined);
    }
    return this.drain();
  }

  take<Type extends IceGathererEvent["type"]>(type: Type): Ask<Type>[] {
    const taken = this.events.filter((event): event is Ask<Type> => event.type === type);
    for (const event of taken) this.events.splice(this.events.indexOf(event), 1);
    return taken;
  }

  candidates(): LocalCandidate[] {
    return this.take("candidate").map(({ candidate }) => candidate);
  }
}

describe("host candidates", () => {
  test("are one for each address that is of use to others (RFC 8445 §5.1.1.1)", () => {
    const bench = new Bench(
      {},
      "127.0.0.1",
      "192.0.2.1",
      "169.254.1.1",
      "fe80::1",
      "2001:db8::1",
      "fec0::1",
      "::ffff:1.2.3.4",
    ).bind();
    expect(bench.candidates().map(({ address }) => `${address}`)).toEqual([
      "[2001:db8::1]:1000",
      "192.0.2.1:1000",
    ]);
    expect(bench.gatherer.state).toBe("complete");
  });

  test("are on loopback where there is nothing else, or when it is asked for", () => {
    expect(new Bench({}, "127.0.0.1").bind().candidates()).toHaveLength(1);
    expect(new Bench({ includesLoopback: true }, "127.0.0.1", "192.0.2.1").bind().candidates()).toHaveLength(
      2,
    );
  });

  test("are left out where the filter says so", () => {
    const bench = new Bench(
      { interfaceFilter: ({ name }) => name !== "if1" },
      "192.0.2.1",
      "192.0.2.2",
    ).bind();
    expect(bench.candidates().map(({ address }) => `${address.ip}`)).toEqual(["192.0.2.1"]);
  });

  test("have mDNS names for addresses, which are told nowhere else", () => {
    const bench = new Bench({ usesMdns: true, servers: [STUN] }, "192.168.1.2")
      .bind()
      .answer("198.51.100.1:7777");
    const [announce] = bench.take("announceName");
    const [host, reflexive] = bench.candidates().map(writeLocalCandidate);
    expect(host?.address).toBe(announce?.hostname);
    expect(host?.address).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.local$/,
    );
    expect(reflexive).toMatchObject({ address: "198.51.100.1", relatedAddress: "0.0.0.0", relatedPort: 9 });
    expect(JSON.stringify([host, reflexive])).not.toContain("192.168");
  });

  test("are hidden, and bound to no interface, where only the default route may be used (RFC 8828 §5.2)", () => {
    const bench = new Bench({ addressPolicy: "default-route", servers: [STUN] }, "192.168.1.2", "192.168.2.2")
      .bind()
      .answer("198.51.100.1:7777");
    const candidates = bench.candidates();
    expect(candidates.map(({ type, isExposed }) => [type, isExposed])).toEqual([
      ["host", false],
      ["srflx", true],
    ]);
    expect(`${candidates[1]?.relatedAddress}`).toBe("0.0.0.0:9");
  });

  test("that cannot be bound do not keep the end back", () => {
    const bench = new Bench({}, "192.0.2.1");
    for (const { id } of bench.take("bindUdp")) bench.gatherer.handleBindFailure(id, "EADDRNOTAVAIL");
    expect(bench.gatherer.state).toBe("complete");
  });

  test("over TCP connect by default, and listen when they are asked to (RFC 6544 §4.1)", () => {
    const bench = new Bench({ tcp: { active: true, passive: true } }, "192.0.2.1");
    const [ask] = bench.take("listenTcp");
    bench.gatherer.handleBound(ask?.id ?? 0, 9, at("192.0.2.1:2000"));
    const tcp = bench.drain().candidates();
    expect(tcp.map(({ tcpType, address, route }) => [tcpType, address.port, route])).toEqual([
      ["active", 9, undefined],
      ["passive", 2000, 9],
    ]);
  });
});

describe("server-reflexive candidates", () => {
  test("come from each server and base, and the redundant are left out (RFC 8445 §5.1.3)", () => {
    const servers = [{ urls: ["stun:192.0.2.100", "stun:192.0.2.101", "stun:192.0.2.100:3478"] }];
    const bench = new Bench({ servers }, "10.0.0.1").bind().answer("198.51.100.1:7777");
    const found = bench.candidates();
    expect(found.map(({ type }) => type)).toEqual(["host", "srflx"]);
    expect(found[1]).toMatchObject({ url: "stun:192.0.2.100", isExposed: true });
    expect(`${found[1]?.relatedAddress}`).toBe("10.0.0.1:1000");
    expect(found[0]?.foundation).not.toBe(found[1]?.foundation);
  });

  test("are none where the server sees what we see", () => {
    const bench = new Bench({ servers: [STUN] }, "192.0.2.1").bind().answer("192.0.2.1:1000");
    expect(bench.candidates().map(({ type }) => type)).toEqual(["host"]);
  });

  test("are none where the server lies", () => {
    for (const mapped of ["127.0.0.1:80", "0.0.0.0:80", "198.51.100.1:0", "[2001:db8::1]:80"]) {
      const bench = new Bench({ servers: [STUN] }, "10.0.0.1").bind().answer(mapped);
      expect(bench.candidates().map(({ type }) => type)).toEqual(["host"]);
    }
  });

  test("of a silent server are an error 701 after less than six seconds, and the end comes", () => {
    const bench = new Bench({ servers: [STUN] }, "10.0.0.1").bind().wait();
    expect(bench.now).toBeLessThan(6000);
    expect(bench.take("serverError").map(({ error }) => error)).toEqual([
      { url: STUN.urls[0], address: "10.0.0.1", port: 1000, errorCode: 701, errorText: expect.any(String) },
    ]);
    expect(bench.gatherer.state).toBe("complete");
  });

  test("wait for the server's name, and are an error when it has no address", () => {
    const bench = new Bench({ servers: [{ urls: ["stun:stun.example"] }] }, "10.0.0.1").bind();
    const [ask] = bench.take("resolve");
    expect(ask?.hostname).toBe("stun.example");
    expect(bench.gatherer.state).toBe("gathering");
    bench.gatherer.handleResolved(ask?.id ?? 0, []);
    expect(bench.drain().take("serverError")).toHaveLength(1);
    expect(bench.gatherer.state).toBe("complete");
  });

  test("are asked for with a pause between the questions (RFC 8445 §14.2)", () => {
    const bench = new Bench({ servers: [STUN] }, "10.0.0.1", "10.0.0.2", "10.0.0.3").bind();
    const sent: number[] = [];
    for (let now = 0; now < 50; now++) {
      bench.gatherer.handleTimeout(now);
      while (bench.gatherer.pollTransmit() !== undefined) sent.push(now);
    }
    expect(sent).toEqual([0, 5, 10]);
  });

  test("leave to others what is not the answer to a question", () => {
    const bench = new Bench({ servers: [STUN] }, "10.0.0.1").bind();
    bench.gatherer.handleTimeout(0);
    const question = bench.gatherer.pollTransmit();
    const bytes = new StunMessageBuilder()
      .start("success", StunMethod.binding, new Uint8Array(12))
      .finish()
      .slice();
    expect(bench.gatherer.receive({ bytes, from: at("192.0.2.100:3478"), socket: 1 }, 1)).toBe(false);
    const stolen = new StunMessageBuilder()
      .start("success", StunMethod.binding, question?.bytes ?? bytes, 8)
      .finish()
      .slice();
    expect(bench.gatherer.receive({ bytes: stolen, from: at("192.0.2.66:3478"), socket: 1 }, 1)).toBe(false);
    expect(bench.gatherer.receive({ bytes: stolen, from: at("192.0.2.100:3478"), socket: 2 }, 1)).toBe(false);
  });
});

describe("relayed candidates", () => {
  test("come from each server for each base, with what the relay is reached by", () => {
    const bench = new Bench({ servers: [TURN] }, "10.0.0.1").bind();
    const [ask] = bench.take("allocate");
    expect(ask).toMatchObject({
      transport: "tcp",
      serverName: "192.0.2.200",
      credentials: { username: "u" },
    });
    bench.gatherer.handleAllocated(ask?.id ?? 0, 50, [at("192.0.2.200:50000")], at("198.51.100.1:999"));
    const relay = bench.drain().candidates().at(-1);
    expect(relay).toMatchObject({ type: "relay", protocol: "udp", relayProtocol: "tcp", route: 50 });
    expect(`${relay?.relatedAddress}`).toBe("198.51.100.1:999");
    expect(bench.gatherer.state).toBe("complete");
  });

  test("that are refused are an error with the server's code", () => {
    const bench = new Bench({ servers: [TURN] }, "10.0.0.1").bind();
    const [ask] = bench.take("allocate");
    const error = { code: 486, reason: "Allocation Quota Reached" };
    bench.gatherer.handleAllocationEnd(ask?.id ?? 0, { reason: "quota-reached", message: "full", error });
    expect(bench.drain().take("serverError")[0]?.error).toMatchObject({
      errorCode: 486,
      errorText: error.reason,
    });
    expect(bench.gatherer.state).toBe("complete");
  });

  test("alone are gathered with the policy relay", () => {
    const bench = new Bench({ servers: [STUN, TURN], transportPolicy: "relay" }, "10.0.0.1");
    expect(bench.take("bindUdp")).toEqual([]);
    expect(bench.take("allocate")).toHaveLength(1);
  });

  test("over UDP are left out where a proxy is to be used (RFC 8828 §5.2)", () => {
    const servers = [TURN, { ...TURN, urls: ["turn:192.0.2.200"] }];
    const bench = new Bench({ servers, addressPolicy: "relay-tcp" }, "10.0.0.1");
    expect(bench.take("allocate").map(({ transport }) => transport)).toEqual(["tcp"]);
    expect(bench.take("bindUdp")).toEqual([]);
  });
});

describe("while it runs", () => {
  test("addresses that appear are gathered on, and those that go are closed with their relays", () => {
    const bench = new Bench({ servers: [TURN] }, "10.0.0.1").bind();
    const [ask] = bench.take("allocate");
    bench.gatherer.handleAllocated(ask?.id ?? 0, 50, [at("192.0.2.200:50000")], at("198.51.100.1:999"));
    bench.drain().candidates();
    bench.take("stateChange");
    bench.gatherer.setInterfaces(interfaces("10.0.0.2"));
    bench.drain();
    expect(bench.take("closeRoute").map(({ route }) => route)).toEqual([1, 50]);
    bench.bind();
    expect(bench.candidates().map(({ address }) => `${address}`)).toEqual(["10.0.0.2:1000"]);
    expect(bench.take("stateChange").map(({ state }) => state)).toEqual(["gathering"]);
    expect(bench.take("allocate").map(({ localAddress }) => `${localAddress}`)).toEqual(["10.0.0.2"]);
  });

  test("a socket that comes too late is closed", () => {
    const bench = new Bench({}, "10.0.0.1");
    const [ask] = bench.take("bindUdp");
    bench.gatherer.setInterfaces([]);
    bench.gatherer.handleBound(ask?.id ?? 0, 7, at("10.0.0.1:1000"));
    expect(
      bench
        .drain()
        .take("closeRoute")
        .map(({ route }) => route),
    ).toEqual([7]);
    expect(bench.candidates()).toEqual([]);
  });

  test("a restart tells everything again, with the same sockets, and asks the servers anew (RFC 8445 §9)", () => {
    const bench = new Bench({ servers: [STUN] }, "10.0.0.1").bind().answer("198.51.100.1:7777");
    bench.candidates();
    bench.gatherer.restart();
    bench.answer("198.51.100.1:8888");
    const told = bench.take("candidate");
    expect(told.map(({ generation, candidate }) => `${generation} ${candidate.address}`)).toEqual([
      "1 10.0.0.1:1000",
      "1 198.51.100.1:8888",
    ]);
    expect(bench.take("bindUdp")).toEqual([]);
    expect(bench.gatherer.state).toBe("complete");
  });

  test("closing closes what was opened", () => {
    const bench = new Bench({ usesMdns: true }, "10.0.0.1").bind();
    bench.gatherer.close();
    bench.drain();
    expect(bench.take("closeRoute")).toHaveLength(1);
    expect(bench.take("withdrawName")).toHaveLength(1);
    expect(bench.gatherer.pollTimeout()).toBe(Number.POSITIVE_INFINITY);
  });
});

test("a URL that is none of a server is the caller's mistake", () => {
  expect(() => new Bench({ servers: [{ urls: ["http://example.com"] }] })).toThrow(SyntaxError);
});

function interfaces(...addresses: string[]): { name: string; address: IpAddress }[] {
  return addresses.map((text, index) => {
    const address = IpAddress.parse(text);
    if (address === undefined) throw new Error(`${text} is no address`);
    return { name: `if${index}`, address };
  });
}
