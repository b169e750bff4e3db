/** What a client asks of its allocation: RFC 8656 §5, §8, §10, §12. */
import {
  ADDITIONAL_ADDRESS_FAMILY,
  attributeValue,
  CHANNEL_NUMBER,
  LIFETIME,
  REQUESTED_ADDRESS_FAMILY,
  StunMessageBuilder,
  StunMethod,
  XOR_PEER_ADDRESS,
} from "@naru/webrtc/stun";
import { describe, expect, test } from "vitest";
import { RELAY_V4, ServerBench, socketAt, type TestClient, transport } from "./server-bench.ts";

const PEER = "8.8.8.8:53";
const PEER_V6 = "[2607:f8b0::8]:53";
const HELLO = Uint8Array.of(1, 2, 3);

function allocatedClient(bench = new ServerBench(), from?: string): TestClient {
  const client = bench.client(from);
  client.allocated();
  return client;
}

describe("RFC 8656 §5: every request", () => {
  test.each([
    ["Refresh", StunMethod.refresh],
    ["CreatePermission", StunMethod.createPermission],
    ["ChannelBind", StunMethod.channelBind],
    ["Connect", StunMethod.connect],
  ])("%s without an allocation is 437", (_name, method) => {
    const client = new ServerBench().client();
    client.permit(PEER);
    expect(client.codeOf(method)).toBe(437);
  });

  test.each([
    ["Refresh", StunMethod.refresh],
    ["CreatePermission", StunMethod.createPermission],
    ["ChannelBind", StunMethod.channelBind],
  ])("%s by another user on the same 5-tuple is 441", (_name, method) => {
    const bench = new ServerBench();
    const alice = allocatedClient(bench);
    const bob = bench.client(alice.from, "bob", "hidden");
    expect(bob.codeOf(method, attributeValue(XOR_PEER_ADDRESS, transport(PEER)))).toBe(441);
    expect(alice.codeOf(StunMethod.refresh)).toBe(0);
  });

  test("with the right password from another 5-tuple reaches nobody's allocation", () => {
    const bench = new ServerBench();
    const client = allocatedClient(bench, "198.51.100.7:5000");
    for (const from of ["198.51.100.7:5001", "198.51.100.8:5000"]) {
      const thief = bench.client(from);
      expect(thief.permit(PEER)).toBe(437);
      expect(thief.codeOf(StunMethod.refresh, attributeValue(LIFETIME, 0))).toBe(437);
    }
    const stream = bench.client("198.51.100.7:5000").connect();
    expect(stream.permit(PEER)).toBe(437);
    expect(client.codeOf(StunMethod.refresh)).toBe(0);
  });

  test("with an attribute that has to be understood and is not is 420", () => {
    const client = allocatedClient();
    const unknown = { type: 0x7777, name: "?", size: () => 0, encode: () => undefined, decode: () => true };
    expect(client.codeOf(StunMethod.refresh, attributeValue(unknown, true))).toBe(420);
  });

  test("of a method that nobody knows is not answered", () => {
    const client = allocatedClient();
    expect(client.send(client.build(0x0ff, []))).toEqual([]);
  });
});

describe("RFC 8656 §8.2: Refresh", () => {
  test("makes the allocation live on, and without it it ends with all that it has", () => {
    const bench = new ServerBench();
    const client = bench.client();
    const socket = socketAt(bench, client.allocated());
    bench.pass(599_000);
    expect(client.request(StunMethod.refresh, attributeValue(LIFETIME, 1200)).get(LIFETIME)).toBe(1200);
    bench.pass(1_199_000);
    expect(bench.sockets.has(socket)).toBe(true);
    bench.pass(1_100);
    expect(bench.sockets.has(socket)).toBe(false);
    expect(bench.server.gauges).toMatchObject({ allocations: 0, users: 0 });
    expect(client.permit(PEER)).toBe(437);
  });

  test("with zero ends it at once, and again is 437", () => {
    const bench = new ServerBench();
    const client = allocatedClient(bench);
    expect(client.request(StunMethod.refresh, attributeValue(LIFETIME, 0)).get(LIFETIME)).toBe(0);
    expect(bench.sockets.size).toBe(0);
    expect(client.codeOf(StunMethod.refresh, attributeValue(LIFETIME, 0))).toBe(437);
    client.allocated();
  });

  test("of a family that the allocation does not have is 443", () => {
    const client = allocatedClient();
    expect(client.codeOf(StunMethod.refresh, attributeValue(REQUESTED_ADDRESS_FAMILY, 6))).toBe(443);
    expect(client.codeOf(StunMethod.refresh, attributeValue(REQUESTED_ADDRESS_FAMILY, 4))).toBe(0);
  });

  // RFC 8656 §8.1: deleting one must not touch the other.
  test("of one family of two ends that one, with its permissions and channels alone", () => {
    const bench = new ServerBench();
    const client = allocatedClient(bench);
    client.request(StunMethod.refresh, attributeValue(LIFETIME, 0));
    client.allocated(attributeValue(ADDITIONAL_ADDRESS_FAMILY, 6));
    expect(client.bind(0x4000, PEER)).toBe(0);
    expect(client.bind(0x4001, PEER_V6)).toBe(0);
    const end6 = [attributeValue(REQUESTED_ADDRESS_FAMILY, 6), attributeValue(LIFETIME, 0)] as const;
    expect(client.codeOf(StunMethod.refresh, ...end6)).toBe(0);
    expect(bench.sockets.size).toBe(1);
    expect(client.sendChannelData(0x4000, HELLO)).toHaveLength(1);
    expect(client.sendChannelData(0x4001, HELLO)).toHaveLength(0);
    expect(client.permit(PEER_V6)).toBe(443);
    expect(client.codeOf(StunMethod.refresh, ...end6)).toBe(443);
    expect(client.codeOf(StunMethod.refresh, attributeValue(LIFETIME, 0))).toBe(0);
    expect(bench.server.gauges.allocations).toBe(0);
  });

  test("of one family of two lets the other run out", () => {
    const bench = new ServerBench();
    const client = bench.client();
    client.allocated(attributeValue(ADDITIONAL_ADDRESS_FAMILY, 6));
    bench.pass(500_000);
    expect(client.codeOf(StunMethod.refresh, attributeValue(REQUESTED_ADDRESS_FAMILY, 4))).toBe(0);
    bench.pass(101_000);
    expect([...bench.sockets.values()].map(({ address }) => `${address.ip}`)).toEqual([RELAY_V4]);
  });
});

describe("RFC 8656 §10.2: CreatePermission", () => {
  test("without a peer, or with one that is malformed, is 400", () => {
    const client = allocatedClient();
    expect(client.permit()).toBe(400);
    const malformed = { ...XOR_PEER_ADDRESS, size: () => 5, encode: () => undefined };
    const peers = [
      attributeValue(XOR_PEER_ADDRESS, transport(PEER)),
      attributeValue(malformed, transport(PEER)),
    ];
    expect(client.codeOf(StunMethod.createPermission, ...peers)).toBe(400);
    expect(client.sendIndication(PEER, HELLO)).toEqual([]);
  });

  test("for a peer of another family is 443", () => {
    expect(allocatedClient().permit(PEER_V6)).toBe(443);
  });

  test("is all or nothing", () => {
    const client = allocatedClient();
    expect(client.permit(PEER, "10.0.0.1:1")).toBe(403);
    expect(client.sendIndication(PEER, HELLO)).toEqual([]);
    expect(client.permit(PEER, "8.8.4.4:1", "1.1.1.1:0")).toBe(0);
    expect(client.sendIndication(PEER, HELLO)).toHaveLength(1);
  });

  test("lasts five minutes and counts the address, not the port", () => {
    const bench = new ServerBench();
    const client = allocatedClient(bench);
    client.permit("8.8.8.8:0");
    expect(client.sendIndication("8.8.8.8:1", HELLO)).toHaveLength(1);
    bench.pass(299_000);
    expect(client.sendIndication("8.8.8.8:65535", HELLO)).toHaveLength(1);
    // A Send indication does not refresh it (RFC 8656 §11.2).
    bench.pass(1_100);
    expect(client.sendIndication("8.8.8.8:1", HELLO)).toHaveLength(0);
    client.permit(PEER);
    expect(client.sendIndication("8.8.8.8:1", HELLO)).toHaveLength(1);
  });

  test("has room for 32 addresses, and for more when some have run out", () => {
    const bench = new ServerBench();
    const client = allocatedClient(bench);
    const peers = Array.from({ length: 33 }, (_, i) => `8.8.8.${i}:1`);
    expect(client.permit(...peers)).toBe(508);
    expect(client.permit(...peers.slice(0, 32))).toBe(0);
    expect(client.permit(peers[32]!)).toBe(508);
    expect(client.permit(peers[0]!, peers[0]!)).toBe(0);
    bench.pass(300_100);
    expect(client.permit(peers[32]!)).toBe(0);
  });
});

describe("RFC 8656 §12.2: ChannelBind", () => {
  test("without its attributes is 400", () => {
    const client = allocatedClient();
    expect(client.codeOf(StunMethod.channelBind, attributeValue(CHANNEL_NUMBER, 0x4000))).toBe(400);
    expect(client.codeOf(StunMethod.channelBind, attributeValue(XOR_PEER_ADDRESS, transport(PEER)))).toBe(
      400,
    );
  });

  test.each([0, 1, 0x3fff, 0x8000, 0xffff])("of number %s is 400", (channel) => {
    expect(allocatedClient().bind(channel, PEER)).toBe(400);
  });

  // RFC 5766 §11: clients older than RFC 8656 choose from a larger range.
  test.each([0x4000, 0x4fff, 0x5000, 0x7fff])("of number %s is right", (channel) => {
    expect(allocatedClient().bind(channel, PEER)).toBe(0);
  });

  test("of a number with another peer, or of a peer with another number, is 400", () => {
    const client = allocatedClient();
    expect(client.bind(0x4000, PEER)).toBe(0);
    expect(client.bind(0x4000, "8.8.8.8:54")).toBe(400);
    expect(client.bind(0x4001, PEER)).toBe(400);
    expect(client.bind(0x4000, PEER)).toBe(0);
    expect(client.bind(0x4001, "8.8.8.8:54")).toBe(0);
  });

  test("lasts ten minutes; then number and peer are free", () => {
    const bench = new ServerBench();
    const client = bench.client();
    client.allocated(attributeValue(LIFETIME, 3600));
    client.bind(0x4000, PEER);
    bench.pass(599_000);
    expect(client.bind(0x4000, "8.8.8.8:54")).toBe(400);
    bench.pass(1_100);
    expect(client.bind(0x4000, "8.8.8.8:54")).toBe(0);
    expect(client.bind(0x4001, PEER)).toBe(0);
  });

  test("installs the permission, which runs out before it and can be installed again", () => {
    const bench = new ServerBench();
    const client = allocatedClient(bench);
    client.bind(0x4000, PEER);
    expect(client.sendIndication("8.8.8.8:1", HELLO)).toHaveLength(1);
    bench.pass(301_000);
    expect(client.sendChannelData(0x4000, HELLO)).toHaveLength(0);
    client.permit(PEER);
    expect(client.sendChannelData(0x4000, HELLO)).toHaveLength(1);
  });

  test("of a peer of another family is 443, of a forbidden one 403, and nothing is installed", () => {
    const client = allocatedClient();
    expect(client.bind(0x4000, PEER_V6)).toBe(443);
    expect(client.bind(0x4000, "127.0.0.1:1")).toBe(403);
    expect(client.sendChannelData(0x4000, HELLO)).toHaveLength(0);
    expect(client.bind(0x4000, PEER)).toBe(0);
  });

  test("of more than 64 peers is 508, until some have run out", () => {
    const bench = new ServerBench();
    const client = bench.client();
    client.allocated(attributeValue(LIFETIME, 3600));
    const codes = Array.from({ length: 65 }, (_, i) => client.bind(0x4000 + i, `8.8.8.8:${i + 1}`));
    expect(codes.filter((code) => code === 0)).toHaveLength(64);
    expect(codes.at(-1)).toBe(508);
    bench.pass(600_100);
    expect(client.bind(0x4100, "8.8.8.8:99")).toBe(0);
  });

  test("of a 33rd address is 508: a channel is no way around the limit of permissions", () => {
    const client = allocatedClient();
    const codes = Array.from({ length: 33 }, (_, i) => client.bind(0x4000 + i, `8.8.8.${i}:1`));
    expect(codes.at(31)).toBe(0);
    expect(codes.at(32)).toBe(508);
  });
});

test("a request with a wrong FINGERPRINT is not answered, and one without integrity never reaches an allocation", () => {
  const bench = new ServerBench();
  const client = allocatedClient(bench);
  const builder = new StunMessageBuilder().start("request", StunMethod.refresh, client.transactionId());
  client.session.authenticator.authenticate(builder.add(LIFETIME, 0));
  const bytes = builder.addFingerprint().finish().slice();
  bytes[bytes.length - 1]! ^= 1;
  expect(client.send(bytes)).toEqual([]);
  const bare = new StunMessageBuilder()
    .start("request", StunMethod.refresh, client.transactionId())
    .add(LIFETIME, 0)
    .finish();
  client.send(bare);
  expect(bench.server.gauges.allocations).toBe(1);
});
