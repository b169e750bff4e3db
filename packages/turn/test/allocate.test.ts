/** RFC 8656 §7: making allocations, error by error. */
import {
  ADDITIONAL_ADDRESS_FAMILY,
  ADDRESS_ERROR_CODE,
  attributeValue,
  DONT_FRAGMENT,
  ERROR_CODE,
  EVEN_PORT,
  LIFETIME,
  REQUESTED_ADDRESS_FAMILY,
  REQUESTED_TRANSPORT,
  RESERVATION_TOKEN,
  StunMessageBuilder,
  StunMethod,
  UNKNOWN_ATTRIBUTES,
  XOR_MAPPED_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "@naru/webrtc/stun";
import { describe, expect, test } from "vitest";
import { DEFAULT_QUOTA_OPTIONS } from "../src/core.ts";
import { codeOf, one, RELAY_V4, RELAY_V6, ServerBench, socketAt, WALL_CLOCK } from "./server-bench.ts";

const UDP = attributeValue(REQUESTED_TRANSPORT, 17);

describe("a request that is in order", () => {
  test("gets a relayed address, its own address and a lifetime, covered by integrity", () => {
    const bench = new ServerBench();
    const client = bench.client();
    const response = client.allocate();
    expect(response.messageClass).toBe("success");
    const relayed = response.get(XOR_RELAYED_ADDRESS);
    expect(`${relayed?.ip}`).toBe(RELAY_V4);
    expect(relayed?.port).toBeGreaterThanOrEqual(49_152);
    expect(`${response.get(XOR_MAPPED_ADDRESS)}`).toBe(client.from);
    expect(response.get(LIFETIME)).toBe(600);
    expect(client.session.authenticator.accepts(response, undefined)).toBe(true);
    expect(bench.server.gauges).toMatchObject({ allocations: 1, users: 1 });
  });

  test.each([
    [undefined, 600],
    [0, 600],
    [60, 600],
    [1800, 1800],
    [86_400, 3600],
    [0xffff_ffff, 3600],
  ])("that wants to live %s seconds lives %s", (wanted, granted) => {
    const client = new ServerBench().client();
    const more = wanted === undefined ? [] : [attributeValue(LIFETIME, wanted)];
    expect(client.allocate(...more).get(LIFETIME)).toBe(granted);
  });

  test("gets another port each time, and not the next one", () => {
    const bench = new ServerBench();
    const ports = Array.from(
      { length: 20 },
      (_, i) => bench.client(`198.51.100.7:${5000 + i}`).allocated().port,
    );
    expect(new Set(ports).size).toBe(20);
    const steps = ports.slice(1).map((port, i) => port - ports[i]!);
    expect(steps.filter((step) => step === 1).length).toBeLessThan(5);
  });

  // RFC 8656 §7.2: the stateless approach to repeated requests.
  test("and comes again gets the same answer, and no second allocation", () => {
    const bench = new ServerBench();
    const client = bench.client();
    client.permit("8.8.8.8:1");
    const bytes = client.build(StunMethod.allocate, [UDP]);
    const first = one(client.send(bytes));
    bench.pass(1_500);
    const again = one(client.send(bytes));
    expect(`${again.get(XOR_RELAYED_ADDRESS)}`).toBe(`${first.get(XOR_RELAYED_ADDRESS)}`);
    expect(again.get(LIFETIME)).toBe(599);
    expect(bench.server.gauges.allocations).toBe(1);
  });

  test("and comes again while its socket is being made is answered once", () => {
    const bench = new ServerBench();
    const client = bench.client();
    client.permit("8.8.8.8:1");
    bench.holdsBinds = true;
    const bytes = client.build(StunMethod.allocate, [UDP]);
    expect(client.send(bytes)).toEqual([]);
    expect(client.send(bytes)).toEqual([]);
    const [ask, ...more] = bench.eventsOf("bindRelay");
    expect(more).toEqual([]);
    if (ask !== undefined) bench.answerBind(ask);
    expect(bench.drain()).toHaveLength(1);
  });
});

describe("RFC 8656 §7.2, step by step", () => {
  test("2: a 5-tuple that has an allocation is 437", () => {
    const client = new ServerBench().client();
    client.allocated();
    expect(codeOf(client.allocate())).toBe(437);
  });

  test("3: no REQUESTED-TRANSPORT, or a malformed one, is 400", () => {
    const client = new ServerBench().client();
    expect(client.codeOf(StunMethod.allocate, attributeValue(LIFETIME, 600))).toBe(400);
    const malformed = { ...REQUESTED_TRANSPORT, size: () => 2, encode: () => undefined };
    expect(client.codeOf(StunMethod.allocate, attributeValue(malformed, 17))).toBe(400);
  });

  test.each([0, 1, 132, 255])("3: another protocol, %s, is 442", (protocol) => {
    const client = new ServerBench().client();
    expect(client.codeOf(StunMethod.allocate, attributeValue(REQUESTED_TRANSPORT, protocol))).toBe(442);
  });

  test("4: DONT-FRAGMENT cannot be honoured and is an attribute not understood", () => {
    const response = new ServerBench().client().allocate(attributeValue(DONT_FRAGMENT, true));
    expect(codeOf(response)).toBe(420);
    expect(response.get(UNKNOWN_ATTRIBUTES)).toEqual([DONT_FRAGMENT.type]);
  });

  test.each([
    ["EVEN-PORT", attributeValue(EVEN_PORT, false)],
    ["REQUESTED-ADDRESS-FAMILY", attributeValue(REQUESTED_ADDRESS_FAMILY, 4)],
    ["ADDITIONAL-ADDRESS-FAMILY", attributeValue(ADDITIONAL_ADDRESS_FAMILY, 6)],
  ])("5: a token together with %s is 400", (_name, other) => {
    const client = new ServerBench().client();
    const token = attributeValue(RESERVATION_TOKEN, new Uint8Array(8));
    expect(codeOf(client.allocate(token, other))).toBe(400);
  });

  test("5: a token that nobody was given is 508", () => {
    const client = new ServerBench().client();
    expect(codeOf(client.allocate(attributeValue(RESERVATION_TOKEN, new Uint8Array(8))))).toBe(508);
  });

  test("6: both address families attributes together are 400", () => {
    const client = new ServerBench().client();
    expect(
      codeOf(
        client.allocate(
          attributeValue(REQUESTED_ADDRESS_FAMILY, 6),
          attributeValue(ADDITIONAL_ADDRESS_FAMILY, 6),
        ),
      ),
    ).toBe(400);
  });

  test("7: an IPv6 address is given when it is wanted", () => {
    const relayed = new ServerBench().client().allocated(attributeValue(REQUESTED_ADDRESS_FAMILY, 6));
    expect(`${relayed.ip}`).toBe(RELAY_V6);
  });

  test("7: a family that the server does not have is 440", () => {
    const { ip } = relayOf(RELAY_V6);
    const bench = new ServerBench({ relayAddresses: [{ bind: ip, advertise: ip }] });
    expect(codeOf(bench.client().allocate())).toBe(440);
    expect(codeOf(bench.client().allocate(attributeValue(REQUESTED_ADDRESS_FAMILY, 4)))).toBe(440);
    expect(codeOf(bench.client().allocate(attributeValue(REQUESTED_ADDRESS_FAMILY, 6)))).toBe(0);
  });

  test("8: a pair of ports for two families is 400", () => {
    const client = new ServerBench().client();
    const both = [attributeValue(EVEN_PORT, true), attributeValue(ADDITIONAL_ADDRESS_FAMILY, 6)];
    expect(codeOf(client.allocate(...both))).toBe(400);
  });

  test("9: ADDITIONAL-ADDRESS-FAMILY for IPv4 is 400", () => {
    const client = new ServerBench().client();
    expect(codeOf(client.allocate(attributeValue(ADDITIONAL_ADDRESS_FAMILY, 4)))).toBe(400);
  });

  test("9: a dual allocation has an address of each family", () => {
    const response = new ServerBench().client().allocate(attributeValue(ADDITIONAL_ADDRESS_FAMILY, 6));
    expect(response.getAll(XOR_RELAYED_ADDRESS).map(({ ip }) => `${ip}`)).toEqual([RELAY_V4, RELAY_V6]);
    expect(response.has(ADDRESS_ERROR_CODE)).toBe(false);
  });

  test("9: where one family is not there, the other is given and the reason is said", () => {
    const { ip } = relayOf(RELAY_V4);
    const bench = new ServerBench({ relayAddresses: [{ bind: ip, advertise: ip }] });
    const response = bench.client().allocate(attributeValue(ADDITIONAL_ADDRESS_FAMILY, 6));
    expect(response.getAll(XOR_RELAYED_ADDRESS)).toHaveLength(1);
    expect(response.get(ADDRESS_ERROR_CODE)).toMatchObject({ family: 6, code: 440 });
  });

  test("9: where one family has no port, the other is given and the reason is said", () => {
    const bench = new ServerBench();
    bench.refuseBind = ({ family }) => family === 6;
    const response = bench.client().allocate(attributeValue(ADDITIONAL_ADDRESS_FAMILY, 6));
    expect(response.getAll(XOR_RELAYED_ADDRESS)).toHaveLength(1);
    expect(response.get(ADDRESS_ERROR_CODE)).toMatchObject({ family: 6, code: 508 });
  });

  test("10: more than the user's quota is 486, and what is given back can be had again", () => {
    const bench = new ServerBench({ quota: { ...DEFAULT_QUOTA_OPTIONS, perUser: 3 } });
    const clients = Array.from({ length: 4 }, (_, i) => bench.client(`198.51.100.${i + 1}:5000`));
    expect(clients.map((client) => codeOf(client.allocate()))).toEqual([0, 0, 0, 486]);
    expect(codeOf(bench.client("198.51.100.9:5000", "bob", "hidden").allocate())).toBe(0);
    clients[0]?.request(StunMethod.refresh, attributeValue(LIFETIME, 0));
    expect(codeOf(clients[3]!.allocate())).toBe(0);
  });

  test("10: an address has a quota too, an IPv6 /64 being one", () => {
    const bench = new ServerBench({ quota: { ...DEFAULT_QUOTA_OPTIONS, perAddress: 2 } });
    const from = ["198.51.100.1:1", "198.51.100.1:2", "198.51.100.1:3", "198.51.100.2:1"];
    const from6 = ["[2600::1]:1", "[2600::2]:1", "[2600::ffff:ffff:ffff:ffff]:1", "[2600:0:0:1::1]:1"];
    for (const addresses of [from, from6]) {
      expect(addresses.map((text) => codeOf(bench.client(text).allocate()))).toEqual([0, 0, 486, 0]);
    }
  });

  test("the server's own limit is 508", () => {
    const bench = new ServerBench({ quota: { ...DEFAULT_QUOTA_OPTIONS, total: 1 } });
    bench.client("198.51.100.1:1").allocated();
    expect(codeOf(bench.client("198.51.100.1:2").allocate())).toBe(508);
  });
});

describe("ports", () => {
  test("an even one is even", () => {
    const bench = new ServerBench();
    for (let i = 0; i < 20; i++) {
      const { port } = bench.client(`198.51.100.7:${i + 1}`).allocated(attributeValue(EVEN_PORT, false));
      expect(port % 2).toBe(0);
    }
  });

  test("with EVEN-PORT the next one is reserved, and given to who has the token", () => {
    const bench = new ServerBench();
    const response = bench.client("198.51.100.7:1").allocate(attributeValue(EVEN_PORT, true));
    const token = response.get(RESERVATION_TOKEN);
    if (token === undefined) throw new Error("no token");
    const { port } = response.get(XOR_RELAYED_ADDRESS)!;
    expect(port % 2).toBe(0);
    // RFC 8656 §7.2: from any 5-tuple, also over another transport.
    const other = bench.client("198.51.100.8:2").connect();
    expect(other.allocated(attributeValue(RESERVATION_TOKEN, token)).port).toBe(port + 1);
    // It is good once.
    expect(codeOf(bench.client("198.51.100.8:3").allocate(attributeValue(RESERVATION_TOKEN, token)))).toBe(
      508,
    );
  });

  test("a token is not good in other hands", () => {
    const bench = new ServerBench();
    const token = bench
      .client("198.51.100.7:1")
      .allocate(attributeValue(EVEN_PORT, true))
      .get(RESERVATION_TOKEN);
    if (token === undefined) throw new Error("no token");
    const bob = bench.client("198.51.100.8:1", "bob", "hidden");
    expect(codeOf(bob.allocate(attributeValue(RESERVATION_TOKEN, token)))).toBe(508);
  });

  test("a reserved port is held for 30 seconds, and what comes in on it meanwhile is nobody's", () => {
    const bench = new ServerBench();
    const response = bench.client("198.51.100.7:1").allocate(attributeValue(EVEN_PORT, true));
    const reserved = [...bench.sockets].find(([, { address }]) => address.port % 2 === 1)?.[0];
    if (reserved === undefined) throw new Error("nothing is reserved");
    // Not even a Binding request is answered there.
    const binding = new StunMessageBuilder()
      .start("request", StunMethod.binding, new Uint8Array(12))
      .finish();
    expect(bench.datagram(reserved, "8.8.8.8:53", binding)).toEqual([]);
    bench.pass(29_900);
    expect(bench.sockets.has(reserved)).toBe(true);
    bench.pass(200);
    expect(bench.sockets.has(reserved)).toBe(false);
    const token = attributeValue(RESERVATION_TOKEN, response.get(RESERVATION_TOKEN)!);
    expect(codeOf(bench.client("198.51.100.8:2").allocate(token))).toBe(508);
  });

  test("reserved ports count: EVEN-PORT is no way around the quota", () => {
    const bench = new ServerBench({ quota: { ...DEFAULT_QUOTA_OPTIONS, perUser: 3 } });
    const first = bench.client("198.51.100.7:1").allocate(attributeValue(EVEN_PORT, true));
    expect(first.has(RESERVATION_TOKEN)).toBe(true);
    const second = bench.client("198.51.100.7:2").allocate(attributeValue(EVEN_PORT, true));
    // There was room for the allocation, not for the port beside it.
    expect([codeOf(second), second.has(RESERVATION_TOKEN)]).toEqual([0, false]);
    expect(codeOf(bench.client("198.51.100.7:3").allocate())).toBe(486);
    expect(bench.sockets.size).toBe(3);
  });

  test("a port that something else holds is passed over, half of a pair as well", () => {
    const bench = new ServerBench();
    let refusals = 0;
    bench.refuseBind = () => ++refusals % 2 === 1 && refusals < 8;
    expect(bench.client("198.51.100.7:1").allocated().port).toBeGreaterThan(0);
    refusals = 0;
    expect(bench.client("198.51.100.7:2").allocated(attributeValue(EVEN_PORT, true)).port % 2).toBe(0);
    expect(bench.sockets.size).toBe(3);
  });

  test("when no port can be had the answer is 508, and nothing stays behind", () => {
    const bench = new ServerBench();
    bench.refuseBind = () => true;
    expect(codeOf(bench.client().allocate())).toBe(508);
    expect(bench.server.gauges).toMatchObject({ allocations: 0, users: 0 });
    expect(bench.eventsOf("bindRelay").length).toBeLessThan(20);
    bench.refuseBind = () => false;
    expect(codeOf(bench.client().allocate())).toBe(0);
  });

  test("when the range is used up the answer is 508", () => {
    const bench = new ServerBench({ ports: { first: 50_000, last: 50_002 } });
    const codes = [1, 2, 3, 4].map((port) => codeOf(bench.client(`198.51.100.7:${port}`).allocate()));
    expect(codes).toEqual([0, 0, 0, 508]);
  });

  test("a client that leaves while its socket is being made leaves none", () => {
    const bench = new ServerBench();
    const client = bench.client("198.51.100.7:1").connect();
    client.request(StunMethod.refresh);
    bench.holdsBinds = true;
    client.send(client.build(StunMethod.allocate, [UDP]));
    bench.server.handleStreamClosed(client.socket, bench.now);
    for (const ask of bench.eventsOf("bindRelay")) bench.answerBind(ask);
    bench.drain();
    expect(bench.sockets.size).toBe(0);
    expect(bench.server.gauges).toMatchObject({ allocations: 0, users: 0, streams: 0 });
  });

  test("an answer that nobody waits for is closed again", () => {
    const bench = new ServerBench();
    bench.server.handleRelayBound(999, 77, bench.now);
    bench.drain();
    expect(bench.eventsOf("closeRelay")).toEqual([{ type: "closeRelay", socket: 77 }]);
  });
});

describe("time-limited credentials", () => {
  const issued = (bench: ServerBench, user: string, ms: number) => {
    const { username, credential } = bench.secret.issue(user, WALL_CLOCK + ms);
    return (from: string) => bench.client(from, username, credential);
  };

  test("make allocations until they expire", () => {
    const bench = new ServerBench();
    const carol = issued(bench, "carol", 60_000);
    expect(codeOf(carol("198.51.100.1:1").allocate())).toBe(0);
    bench.pass(61_000);
    const late = carol("198.51.100.1:2").allocate();
    expect(late.get(ERROR_CODE)?.code).toBe(401);
    expect(bench.server.gauges.allocations).toBe(1);
  });

  test("refresh what lives after they have expired", () => {
    const bench = new ServerBench();
    const carol = issued(bench, "carol", 60_000)("198.51.100.1:1");
    carol.allocated();
    for (let i = 0; i < 10; i++) {
      bench.pass(500_000);
      expect(carol.codeOf(StunMethod.refresh)).toBe(0);
    }
    expect(carol.permit("8.8.8.8:1")).toBe(0);
  });

  test("whose text was changed are worth nothing", () => {
    const bench = new ServerBench();
    const { username, credential } = bench.secret.issue("carol", WALL_CLOCK + 60_000);
    const later = username.replace(/^\d+/, (seconds) => `${Number(seconds) + 3600}`);
    expect(codeOf(bench.client("198.51.100.1:1", later, credential).allocate())).toBe(401);
    const mallory = username.replace("carol", "mallory");
    expect(codeOf(bench.client("198.51.100.1:1", mallory, credential).allocate())).toBe(401);
  });

  test("of one user share his quota, whenever they were made", () => {
    const bench = new ServerBench({ quota: { ...DEFAULT_QUOTA_OPTIONS, perUser: 2 } });
    const codes = [1, 2, 3].map((i) =>
      codeOf(issued(bench, "carol", i * 60_000)(`198.51.100.1:${i}`).allocate()),
    );
    expect(codes).toEqual([0, 0, 486]);
  });

  test("of a revoked user end his allocations at once and make no more", () => {
    const bench = new ServerBench();
    const carol = issued(bench, "carol", 3_600_000);
    const dave = issued(bench, "dave", 3_600_000)("198.51.100.2:1");
    const relayed = carol("198.51.100.1:1").allocated();
    carol("198.51.100.1:2").allocate(attributeValue(EVEN_PORT, true));
    dave.allocated();
    const socket = socketAt(bench, relayed);
    bench.server.revoke("carol", bench.now);
    bench.drain();
    expect(bench.sockets.has(socket)).toBe(false);
    expect(bench.sockets.size).toBe(1);
    expect(codeOf(carol("198.51.100.1:3").allocate())).toBe(401);
    expect(dave.codeOf(StunMethod.refresh)).toBe(0);
    bench.server.reinstate("carol");
    expect(codeOf(carol("198.51.100.1:4").allocate())).toBe(0);
  });

  test("follow the calendar when it is set", () => {
    const bench = new ServerBench();
    const carol = issued(bench, "carol", 60_000);
    bench.server.setWallClock(WALL_CLOCK + 120_000, bench.now);
    expect(codeOf(carol("198.51.100.1:1").allocate())).toBe(401);
  });
});

function relayOf(ip: string) {
  const bench = new ServerBench();
  const family = ip.includes(":") ? 6 : 4;
  return bench.client().allocated(attributeValue(REQUESTED_ADDRESS_FAMILY, family));
}
