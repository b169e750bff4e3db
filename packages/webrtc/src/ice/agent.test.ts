import { describe, expect, test } from "vitest";
import { at, hostCandidate, IceBench, relayCandidate } from "../../test/ice-bench.ts";
import { nodeCrypto } from "../node/index.ts";
import { SILENT_LOGGER } from "../sansio/index.ts";
import {
  decodeStunMessage,
  NOMINATION,
  StunMessageBuilder,
  StunMethod,
  USE_CANDIDATE,
} from "../stun/index.ts";
import { SeededRandom } from "../testing/index.ts";
import { IceAgent, MAX_CANDIDATES, MAX_PAIRS } from "./index.ts";

describe("two agents", () => {
  test("with a host candidate each connect in one round trip and complete", () => {
    const bench = direct();
    expect(bench.runUntil(() => bench.a.agent.state === "completed", 1000)).toBeLessThanOrEqual(45);
    bench.run(100);
    expect(bench.a.states).toEqual(["checking", "completed"]);
    expect(bench.b.agent.state).toBe("completed");
    expect(bench.a.agent.selectedPair?.isNominated).toBe(true);
    expect(bench.b.agent.selectedPair?.isNominated).toBe(true);
    expect(`${bench.a.agent.selectedPair?.remote.address}`).toBe("192.0.2.2:2000");
  });

  test("learn an address that nobody named from a check (RFC 8445 §7.3.1.3)", () => {
    const bench = new IceBench().introduce();
    bench.a.mapped.set(1, at("198.51.100.1:9999"));
    bench.add(bench.a, hostCandidate("10.0.0.1:1000", 1));
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
    bench.end().run(500);
    expect(bench.b.agent.selectedPair?.remote).toMatchObject({ type: "prflx" });
    expect(`${bench.b.agent.selectedPair?.remote.address}`).toBe("198.51.100.1:9999");
    // RFC 8445 §7.2.5.3.1: and the other side learns its own.
    expect(bench.a.agent.selectedPair?.local).toMatchObject({ type: "prflx", isExposed: false });
    expect(bench.a.agent.state).toBe("completed");
  });

  test("that both control settle it, and both sides know (RFC 8445 §7.3.1.1)", () => {
    for (const role of ["controlling", "controlled"] as const) {
      const bench = direct({ role }, { role });
      bench.run(1000);
      expect(new Set([bench.a.agent.role, bench.b.agent.role]).size).toBe(2);
      expect([bench.a.agent.state, bench.b.agent.state]).toEqual(["completed", "completed"]);
    }
  });

  test("prefer the better pair, and nominate it without waiting when nothing better is left", () => {
    const bench = new IceBench().introduce();
    bench.add(bench.a, relayCandidate("203.0.113.1:5000", 2));
    bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1));
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
    bench.end();
    const took = bench.runUntil(() => bench.a.agent.state === "completed", 1000);
    expect(took).toBeLessThan(50);
    expect(bench.a.agent.selectedPair?.local.type).toBe("host");
  });

  test("wait half a second before they settle for a relay while a direct pair is open, and carry data meanwhile", () => {
    const bench = new IceBench().introduce();
    bench.passes = ({ from, to }) => [from, to].some((address) => address.equals(at("203.0.113.1:5000")));
    bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1));
    bench.add(bench.a, relayCandidate("203.0.113.1:5000", 2));
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
    bench.end().run(200);
    expect(bench.a.agent.state).toBe("connected");
    expect(bench.a.agent.selectedPair).toMatchObject({ isNominated: false, local: { type: "relay" } });
    bench.run(400);
    expect(bench.a.agent.selectedPair).toMatchObject({ isNominated: true, local: { type: "relay" } });
    expect(bench.b.agent.selectedPair?.isNominated).toBe(true);
  });

  test("answer checks that come before the other side's parameters, and act on them later (RFC 8445 §7.3)", () => {
    const bench = new IceBench();
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
    bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1), false);
    bench.a.agent.setRemoteParameters(bench.b.agent.localParameters, 0);
    bench.run(200);
    expect(bench.a.agent.state).toBe("connected");
    expect(bench.b.agent.state).toBe("new");
    expect(bench.b.agent.isValidated(1, at("192.0.2.1:1000"))).toBe(true);
    expect(bench.b.agent.isValidated(1, at("192.0.2.1:1001"))).toBe(false);
    bench.b.agent.setRemoteParameters(bench.a.agent.localParameters, bench.now);
    bench.run(100);
    expect(bench.b.agent.state).toBe("connected");
  });

  test("repeat lost checks: at 30 percent loss each way they connect", () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = new SeededRandom(`loss ${seed}`);
      const bench = direct();
      bench.passes = () => random.unit() >= 0.3;
      const both = (): boolean => [bench.a, bench.b].every(({ agent }) => agent.selectedPair?.isNominated);
      bench.runUntil(both, 14_000);
    }
  });
});

describe("a path that changes", () => {
  test("is followed within 2.5 s when the controlling side's NAT forgets it", () => {
    const bench = behindNat("a");
    bench.run(3000);
    bench.a.mapped.set(1, at("198.51.100.2:7777"));
    const took = bench.runUntil(
      () => `${bench.b.agent.selectedPair?.remote.address}` === "198.51.100.2:7777",
      5000,
    );
    expect(took).toBeLessThanOrEqual(2500);
  });

  test("is followed within 2.5 s when the controlled side's NAT forgets it", () => {
    for (let offset = 0; offset < 2000; offset += 100) {
      const bench = behindNat("b");
      bench.run(3000 + offset);
      bench.b.mapped.set(1, at("198.51.100.2:7777"));
      const isBack = (): boolean => `${bench.a.agent.selectedPair?.remote.address}` === "198.51.100.2:7777";
      expect(bench.runUntil(isBack, 5000)).toBeLessThanOrEqual(2500);
    }
  });

  test("leads to the other interface when a route is removed, without a state but connected", () => {
    const bench = twoWays();
    bench.run(1000);
    const { route } = bench.a.agent.selectedPair ?? {};
    expect(route).toBe(1);
    bench.a.agent.removeRoute(1, bench.now);
    expect(bench.a.agent.selectedPair?.route).toBe(2);
    bench.a.routes.delete(1);
    bench.run(3000);
    expect(bench.b.agent.selectedPair?.remote.address.toString()).toBe("192.0.2.11:1001");
    expect(bench.a.states).not.toContain("disconnected");
  });

  test("that dies is left by the controlling side for one that lives, and the controlled side follows", () => {
    for (const renomination of [true, false]) {
      const bench = twoWays(renomination);
      bench.run(3000);
      bench.passes = ({ from, to }) => ![from, to].some((address) => address.equals(at("192.0.2.1:1000")));
      const both = (): boolean =>
        [bench.a, bench.b].every(({ agent }) => agent.selectedPair !== undefined && usesSecond(agent));
      expect(bench.runUntil(both, 10_000)).toBeLessThan(4500);
      expect(bench.a.states).not.toContain("disconnected");
    }
  });

  test("is disconnected after 5 s and failed after 30 s of silence (RFC 7675 §5.1)", () => {
    const bench = direct();
    bench.run(10_000);
    bench.passes = () => false;
    const silentAt = bench.now;
    bench.runUntil(() => bench.a.agent.state === "disconnected", 8000);
    expect(bench.now - silentAt).toBeGreaterThan(3000);
    expect(bench.now - silentAt).toBeLessThanOrEqual(5050);
    bench.runUntil(() => bench.a.agent.state === "failed", 30_000);
    expect(bench.now - silentAt).toBeGreaterThan(27_900);
    expect(bench.now - silentAt).toBeLessThanOrEqual(30_050);
    expect(bench.a.agent.selectedPair).toBeUndefined();
    const { length } = bench.sent;
    bench.run(60_000);
    expect(bench.sent.length).toBe(length);
  });

  test("comes back by itself within 30 s", () => {
    const bench = direct();
    bench.run(3000);
    bench.passes = () => false;
    bench.run(20_000);
    bench.passes = () => true;
    expect(bench.runUntil(() => bench.a.agent.state === "completed", 2000)).toBeLessThan(700);
  });
});

describe("nomination", () => {
  test("moves to a better pair that comes up later when both can renominate, with NOMINATION", () => {
    const bench = new IceBench().introduce({
      a: { supportsRenomination: true },
      b: { supportsRenomination: true },
    });
    bench.add(bench.a, relayCandidate("203.0.113.1:5000", 2));
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
    bench.end().run(1000);
    expect(bench.b.agent.selectedPair?.isNominated).toBe(true);
    bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1));
    bench.run(1500);
    expect(bench.a.agent.selectedPair).toMatchObject({ local: { type: "host" }, isNominated: true });
    expect(`${bench.b.agent.selectedPair?.remote.address}`).toBe("192.0.2.1:1000");
    const values = bench.sent.flatMap(({ bytes }) => decodeStunMessage(bytes).get(NOMINATION) ?? []);
    expect(new Set(values)).toEqual(new Set([1, 2]));
  });

  test("stays where it is when the other side knows nothing of renomination (RFC 8445 §8.1.1)", () => {
    const bench = new IceBench().introduce();
    bench.add(bench.a, relayCandidate("203.0.113.1:5000", 2));
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
    bench.end().run(1000);
    bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1));
    bench.run(3000);
    expect(bench.a.agent.selectedPair?.local.type).toBe("relay");
  });

  test("is repeated on the selected pair only, every two seconds at most", () => {
    const bench = twoWays();
    bench.run(2000);
    const before = bench.sent.length;
    bench.run(20_000);
    const nominating = bench.sent
      .slice(before)
      .filter(({ bytes }) => decodeStunMessage(bytes).has(USE_CANDIDATE));
    expect(nominating.length).toBeGreaterThanOrEqual(10);
    expect(nominating.length).toBeLessThanOrEqual(13);
    expect(new Set(nominating.map(({ from }) => `${from}`))).toEqual(new Set(["192.0.2.1:1000"]));
  });
});

describe("a restart", () => {
  test("keeps the old pair until the new generation has one (RFC 8445 §9)", () => {
    const bench = direct();
    bench.run(1000);
    const old = bench.a.agent.selectedPair;
    bench.a.agent.restart(bench.now);
    bench.b.agent.restart(bench.now);
    bench.run(300);
    expect(bench.a.agent.selectedPair).toBe(old);
    expect(bench.a.agent.state).toBe("connected");
    bench.introduce();
    bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1));
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
    bench.end().run(500);
    expect(bench.a.agent.selectedPair).not.toBe(old);
    expect([bench.a.agent.state, bench.b.agent.state]).toEqual(["completed", "completed"]);
    expect([...bench.a.states, ...bench.b.states]).not.toContain("disconnected");
    bench.run(60_000);
    expect(bench.a.agent.state).toBe("completed");
    expect(bench.a.agent.pairs()).toHaveLength(1);
  });

  test("leads out of failed", () => {
    const bench = direct();
    bench.passes = () => false;
    bench.run(16_000);
    expect([bench.a.agent.state, bench.b.agent.state]).toEqual(["failed", "failed"]);
    bench.passes = () => true;
    bench.run(30_000);
    expect(bench.a.agent.state).toBe("failed");
    bench.a.agent.restart(bench.now);
    bench.b.agent.restart(bench.now);
    bench.introduce();
    bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1));
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
    bench.end().run(500);
    expect([bench.a.agent.state, bench.b.agent.state]).toEqual(["completed", "completed"]);
  });
});

describe("a lite agent (RFC 8445 §2.5)", () => {
  test("only answers, and takes what the full one nominates", () => {
    const bench = new IceBench({ role: "controlled" }, { isLite: true });
    bench.introduce({ b: { isLite: true } });
    expect(bench.a.agent.role).toBe("controlling");
    bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1), false);
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
    bench.run(60_000);
    expect(bench.a.agent.state).toBe("connected");
    expect(bench.b.agent.state).toBe("connected");
    expect(bench.b.agent.selectedPair?.isNominated).toBe(true);
    const asked = bench.sent.filter(({ from, bytes }) => {
      return from.port === 2000 && decodeStunMessage(bytes).messageClass === "request";
    });
    expect(asked).toEqual([]);
  });

  test("with a lite peer uses the best pair unchecked", () => {
    const bench = new IceBench({ isLite: true }, { isLite: true });
    bench.introduce({ a: { isLite: true }, b: { isLite: true } });
    bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1));
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
    bench.end().run(120_000);
    expect(bench.a.agent.state).toBe("completed");
    expect(`${bench.a.agent.selectedPair?.remote.address}`).toBe("192.0.2.2:2000");
    expect(bench.sent).toEqual([]);
  });
});

describe("what a hostile network may send", () => {
  test("changes nothing when its integrity is wrong", () => {
    const bench = direct();
    bench.run(1000);
    const { usernameFragment } = bench.b.agent.localParameters;
    const forger = agent("forger");
    forger.setRemoteParameters({ usernameFragment, password: "x".repeat(24) }, 0);
    forger.addLocalCandidate(hostCandidate("192.0.2.66:6666", 1), 0);
    forger.addRemoteCandidate(attribute("192.0.2.2:2000"), 0);
    const before = JSON.stringify(bench.b.agent.pairs(), replacer);
    const forged = forger.pollTransmit();
    expect(forged).toBeDefined();
    for (const from of ["192.0.2.66:6666", "192.0.2.1:1000"]) {
      bench.b.agent.handleInput(
        { bytes: forged?.bytes ?? new Uint8Array(), from: at(from), socket: 1 },
        bench.now,
      );
    }
    expect(JSON.stringify(bench.b.agent.pairs(), replacer)).toBe(before);
    expect(bench.b.agent.isValidated(1, at("192.0.2.66:6666"))).toBe(false);
    expect(bench.b.agent.counters.unauthenticated).toBe(2);
  });

  test("is answered with few errors, however much it is", () => {
    const target = agent("target");
    const bytes = new StunMessageBuilder()
      .start("request", StunMethod.binding, new Uint8Array(12))
      .addFingerprint()
      .finish()
      .slice();
    for (let i = 0; i < 10_000; i++)
      target.handleInput({ bytes, from: at("192.0.2.66:6666"), socket: 1 }, i / 10);
    let answers = 0;
    while (target.pollTransmit() !== undefined) answers++;
    expect(answers).toBeLessThanOrEqual(20);
    expect(target.counters.limited).toBe(10_000 - answers);
  });

  test("is ignored without FINGERPRINT (RFC 8445 §7.1)", () => {
    const target = agent("target");
    const bytes = new StunMessageBuilder()
      .start("request", StunMethod.binding, new Uint8Array(12))
      .finish()
      .slice();
    target.handleInput({ bytes, from: at("192.0.2.66:6666"), socket: 1 }, 0);
    expect(target.counters.ignored).toBe(1);
    expect(target.pollTransmit()).toBeUndefined();
  });

  test("gets an answer that repeats nothing of it, but names what has to be understood", () => {
    const bench = direct();
    bench.passes = ({ bytes }) => {
      const message = decodeStunMessage(bytes);
      if (message.messageClass === "success") expect(message.attributeTypes).toEqual([0x20, 0x8, 0x8028]);
      return true;
    };
    bench.run(1000);
    expect(bench.a.agent.state).toBe("completed");
  });

  test("answers from elsewhere are not believed, and fail nothing (RFC 8445 §7.2.5.2.1)", () => {
    const bench = direct();
    bench.passes = ({ bytes, from, to }) => {
      if (decodeStunMessage(bytes).messageClass === "success") {
        const side = to.port === 1000 ? bench.a : bench.b;
        side.agent.handleInput({ bytes: bytes.slice(), from: at(`${from.ip}:6666`), socket: 1 }, bench.now);
      }
      return true;
    };
    bench.run(1000);
    expect(bench.a.agent.state).toBe("completed");
    expect(bench.a.agent.counters.unmatched).toBeGreaterThan(0);
  });

  test("a thousand candidates become a hundred, and a hundred pairs", () => {
    const bench = new IceBench().introduce();
    for (let i = 1; i <= 5; i++) bench.add(bench.a, hostCandidate(`192.0.2.${i}:1000`, i), false);
    for (let i = 1; i <= 1000; i++) bench.a.agent.addRemoteCandidate(attribute(`198.51.100.1:${i}`), 0);
    expect(bench.a.agent.remoteCandidates).toHaveLength(MAX_CANDIDATES);
    expect(bench.a.agent.pairs()).toHaveLength(MAX_PAIRS);
    bench.run(10_000);
    // RFC 8445 §14.3: a packet each 20 ms at first, and few repetitions.
    expect(bench.sent.length).toBeLessThan(MAX_PAIRS * 7);
    bench.run(1000);
    expect(bench.a.agent.pairs().length).toBeLessThanOrEqual(MAX_PAIRS);
  });

  test("names that are no mDNS names, multicast addresses and port 0 are of no use", () => {
    const target = agent("target");
    for (const address of [
      "example.com",
      "224.0.0.1",
      "255.255.255.255",
      "0.0.0.0",
      "ff02::1",
      "x.y.local",
    ]) {
      expect(target.addRemoteCandidate({ ...attribute("192.0.2.2:2000"), address }, 0)).toBeTypeOf("string");
    }
    expect(target.addRemoteCandidate(attribute("192.0.2.2:0"), 0)).toBe("port 0");
    expect(target.remoteCandidates).toEqual([]);
    expect(target.pollEvent()).toBeUndefined();
  });
});

describe("the state", () => {
  test("becomes failed within 15 s when nothing answers, and the facts say why", () => {
    const bench = direct();
    bench.passes = () => false;
    bench.runUntil(() => bench.a.agent.state === "failed", 15_000);
    expect(bench.a.states).toEqual(["checking", "failed"]);
    expect(bench.a.agent.facts()).toMatchObject({
      pairs: 1,
      answersReceived: 0,
      hadValidPair: false,
      tried: { "host host": { checked: 1, valid: 0 } },
    });
  });

  test("is closed by close, which ends everything", () => {
    const bench = direct();
    bench.run(500);
    bench.a.agent.close();
    bench.drain();
    expect(bench.a.agent.pollTimeout()).toBe(Number.POSITIVE_INFINITY);
    const { length } = bench.sent;
    bench.b.agent.close();
    bench.run(5000);
    expect(bench.sent.length).toBe(length);
    expect(bench.a.states.at(-1)).toBe("closed");
    expect(() => bench.a.agent.restart(bench.now)).toThrow(/closed/);
  });

  test("stays new until there is something to check with", () => {
    const bench = new IceBench().introduce();
    bench.run(60_000);
    expect(bench.a.agent.state).toBe("new");
  });
});

describe("an mDNS candidate", () => {
  test("is used when its name is resolved, and only then", () => {
    const bench = new IceBench().introduce();
    const name = "4d2b4d1c-2c9f-4d1a-9c1e-0d1f5b3b9a10.local";
    bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1), false);
    bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1, { hostname: name }));
    bench.run(100);
    expect(bench.sent).toEqual([]);
    const ask = bench.a.events.find((event) => event.type === "resolve");
    expect(ask).toMatchObject({ hostname: name });
    bench.a.agent.handleResolved(ask?.type === "resolve" ? ask.id : 0, at("192.0.2.2:2000").ip, bench.now);
    bench.run(200);
    expect(bench.a.agent.selectedPair?.remote.hostname).toBe(name);
  });
});

function direct(...options: ConstructorParameters<typeof IceBench>): IceBench {
  const bench = new IceBench(...options).introduce();
  bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1));
  bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
  return bench.end();
}

/** One side is behind a NAT that lets in only what it knows; the other is public. */
function behindNat(side: "a" | "b"): IceBench {
  const bench = new IceBench().introduce();
  const hidden = side === "a" ? bench.a : bench.b;
  const open = side === "a" ? bench.b : bench.a;
  hidden.mapped.set(1, at("198.51.100.1:5555"));
  bench.add(hidden, hostCandidate("10.0.0.1:1000", 1));
  bench.add(open, hostCandidate("192.0.2.2:2000", 1));
  return bench.end();
}

/** The controlling side has two interfaces. */
function twoWays(renomination = true): IceBench {
  const more = renomination ? { supportsRenomination: true } : {};
  const bench = new IceBench().introduce({ a: more, b: more });
  bench.add(bench.a, hostCandidate("192.0.2.1:1000", 1));
  bench.add(bench.a, hostCandidate("192.0.2.11:1001", 2));
  bench.add(bench.b, hostCandidate("192.0.2.2:2000", 1));
  return bench.end();
}

function usesSecond({ selectedPair }: IceAgent): boolean {
  return selectedPair?.local.address.port === 1001 || selectedPair?.remote.address.port === 1001;
}

function agent(seed: string): IceAgent {
  const environment = { crypto: nodeCrypto, random: new SeededRandom(seed), log: SILENT_LOGGER };
  return new IceAgent(environment, { role: "controlling" });
}

function attribute(address: string): {
  foundation: string;
  component: number;
  transport: string;
  priority: number;
  address: string;
  port: number;
  type: string;
} {
  const { ip, port } = at(address);
  const priority = 2_130_706_431;
  return { foundation: "1", component: 1, transport: "udp", priority, address: `${ip}`, port, type: "host" };
}

function replacer(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}
