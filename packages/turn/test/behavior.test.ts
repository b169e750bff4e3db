/** NAT behaviour discovery, RFC 5780: what the server answers, and what clients find out with it. */
import { TransportAddress } from "@naru/webrtc/bytes";
import { UdpDriver } from "@naru/webrtc/driver";
import { PacketArena } from "@naru/webrtc/kernel";
import { nodeCrypto } from "@naru/webrtc/node";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import {
  attributeValue,
  CHANGE_REQUEST,
  decodeStunMessage,
  MAPPED_ADDRESS,
  NatBehaviorDiscovery,
  type NatBehaviorEvent,
  OTHER_ADDRESS,
  PADDING,
  RESPONSE_ORIGIN,
  RESPONSE_PORT,
  type StunAttributeValue,
  StunMessageBuilder,
  StunMethod,
  XOR_MAPPED_ADDRESS,
} from "@naru/webrtc/stun";
import {
  createScenario,
  NAT_PRESETS,
  SeededRandom,
  type VirtualHost,
  type VirtualNetwork,
} from "@naru/webrtc/testing";
import { describe, expect, test } from "vitest";
import { BehaviorServer } from "../src/core.ts";
import { createTurnServer } from "../src/index.ts";
import { address, codeOf, transport } from "./server-bench.ts";

const scenario = createScenario({
  test,
  environment: process.env,
  file: import.meta.url,
  crypto: nodeCrypto,
});

const CLIENT = "8.8.8.8:4000";
const CLIENT_V6 = "[2600::8]:4000";
/** Sockets 1 to 4, and those of IPv6 behind them. */
const SOCKETS = ["192.0.2.1:3478", "192.0.2.1:3479", "192.0.2.2:3478", "192.0.2.2:3479"];
const SOCKETS_V6 = ["[2600::1]:3478", "[2600::1]:3479", "[2600::2]:3478", "[2600::2]:3479"];

function createServer(): BehaviorServer {
  const environment = { crypto: undefined, random: new SeededRandom("behavior"), log: SILENT_LOGGER };
  const server = new BehaviorServer(environment, new PacketArena(8));
  for (const [i, text] of [...SOCKETS, ...SOCKETS_V6].entries()) {
    server.addSocket({ socket: i + 1, address: transport(text) });
  }
  return server;
}

function ask(server: BehaviorServer, attributes: readonly StunAttributeValue[], from = CLIENT, socket = 1) {
  const bytes = new StunMessageBuilder()
    .start("request", StunMethod.binding, new Uint8Array(12).fill(9))
    .addAll(attributes)
    .finish();
  server.handleInput({ bytes, from: transport(from), socket }, 0);
  const slot = server.pollTransmit();
  if (slot === undefined) return undefined;
  const answer = decodeStunMessage(slot.bytes.slice(slot.start, slot.end));
  const seen = { answer, socket: slot.socket, to: `${slot.to}`, asked: bytes.length };
  slot.arena.release(slot);
  return seen;
}

describe("RFC 5780 §6.1", () => {
  test("an answer says where the request came from, where the answer comes from, and the other address", () => {
    const { answer, socket, to } = ask(createServer(), [])!;
    expect(`${answer.get(XOR_MAPPED_ADDRESS)}`).toBe(CLIENT);
    expect(`${answer.get(MAPPED_ADDRESS)}`).toBe(CLIENT);
    expect(`${answer.get(RESPONSE_ORIGIN)}`).toBe(SOCKETS[0]);
    expect(`${answer.get(OTHER_ADDRESS)}`).toBe(SOCKETS[3]);
    expect([socket, to]).toEqual([1, CLIENT]);
  });

  test.each([
    [false, false, 1],
    [false, true, 2],
    [true, false, 3],
    [true, true, 4],
  ])("CHANGE-REQUEST for address %s and port %s is answered from socket %s", (changeIp, changePort, from) => {
    const seen = ask(createServer(), [attributeValue(CHANGE_REQUEST, { changeIp, changePort })])!;
    expect(seen.socket).toBe(from);
    expect(`${seen.answer.get(RESPONSE_ORIGIN)}`).toBe(SOCKETS[from - 1]);
    // OTHER-ADDRESS is the other one as seen from where the request went to.
    expect(`${seen.answer.get(OTHER_ADDRESS)}`).toBe(SOCKETS[3]);
  });

  test("RESPONSE-PORT sends the answer to another port of the same address", () => {
    expect(ask(createServer(), [attributeValue(RESPONSE_PORT, 4001)])?.to).toBe("8.8.8.8:4001");
  });

  test("PADDING is answered by as much", () => {
    const { answer } = ask(createServer(), [attributeValue(PADDING, new Uint8Array(1500).fill(1))])!;
    expect(answer.get(PADDING)).toEqual(new Uint8Array(1500));
  });

  test("PADDING with RESPONSE-PORT is 400, as is what is malformed", () => {
    const server = createServer();
    const padding = attributeValue(PADDING, new Uint8Array(100));
    expect(codeOf(ask(server, [padding, attributeValue(RESPONSE_PORT, 4001)])!.answer)).toBe(400);
    expect(codeOf(ask(server, [attributeValue(RESPONSE_PORT, 0)])!.answer)).toBe(400);
    const malformed = { ...CHANGE_REQUEST, size: () => 2, encode: () => undefined };
    expect(
      codeOf(ask(server, [attributeValue(malformed, { changeIp: true, changePort: true })])!.answer),
    ).toBe(400);
  });

  test("what has to be understood and is not is 420", () => {
    const unknown = { type: 0x7777, name: "?", size: () => 0, encode: () => undefined, decode: () => true };
    expect(codeOf(ask(createServer(), [attributeValue(unknown, true)])!.answer)).toBe(420);
  });

  test("padding that does not fit a packet is not answered", () => {
    const server = createServer();
    expect(ask(server, [attributeValue(PADDING, new Uint8Array(5000))])).toBeUndefined();
    expect(ask(server, [])).toBeDefined();
  });
});

test("on a socket that is not one of the four it is a plain Binding server", () => {
  const { answer, socket } = ask(createServer(), [], CLIENT, 99)!;
  expect([answer.bytes.length, socket]).toEqual([32, 99]);
  expect(
    codeOf(
      ask(
        createServer(),
        [attributeValue(CHANGE_REQUEST, { changeIp: true, changePort: false })],
        CLIENT,
        99,
      )!.answer,
    ),
  ).toBe(420);
});

test("no answer is more than 3.6 times its question, and the address is always in it", () => {
  for (const [from, socket] of [
    [CLIENT, 1],
    [CLIENT_V6, 5],
  ] as const) {
    for (const attributes of [[], [attributeValue(CHANGE_REQUEST, { changeIp: true, changePort: true })]]) {
      const { answer, asked } = ask(createServer(), attributes, from, socket)!;
      expect(answer.bytes.length).toBeLessThanOrEqual(asked * 3.6);
      expect(answer.has(XOR_MAPPED_ADDRESS) && answer.has(OTHER_ADDRESS)).toBe(true);
    }
  }
});

test("one address gets a bounded number of answers", () => {
  const server = createServer();
  const answers = Array.from({ length: 1000 }, () => ask(server, [])).filter((seen) => seen !== undefined);
  expect(answers.length).toBe(400);
  expect(ask(server, [], "9.9.9.9:1")).toBeDefined();
});

const BEHAVIOURS = [
  ["fullCone", "endpointIndependent", "endpointIndependent"],
  ["addressRestricted", "endpointIndependent", "addressDependent"],
  ["portRestricted", "endpointIndependent", "addressAndPortDependent"],
  ["symmetric", "addressAndPortDependent", "addressAndPortDependent"],
] as const;

for (const [preset, mapping, filtering] of BEHAVIOURS) {
  scenario(`our client recognises a ${preset} NAT with our server`, { seeds: 5 }, async (network) => {
    const host = network.host("turn", { addresses: ["203.0.113.201", "203.0.113.202"] });
    const server = await network.complete(
      createTurnServer({
        platform: host,
        users: { alice: "secret" },
        discovery: {
          address: "203.0.113.201",
          port: 3478,
          alternateAddress: "203.0.113.202",
          alternatePort: 3479,
        },
      }),
    );
    expect(server.addresses).toHaveLength(4);
    const home = network.nat("home", NAT_PRESETS[preset]);
    const event = await discover(
      network,
      network.host("alice", { inside: home }),
      address("203.0.113.201", 3478),
    );
    expect(event).toMatchObject({ type: "discovered", report: { isTranslated: true, mapping, filtering } });
    server.close();
  });
}

async function discover(
  network: VirtualNetwork,
  host: VirtualHost,
  server: TransportAddress,
): Promise<NatBehaviorEvent> {
  const local = new TransportAddress(host.address(), 40_000);
  const core = new NatBehaviorDiscovery(
    { crypto: undefined, random: host.random, log: SILENT_LOGGER },
    { server, socket: 1, localAddress: local },
  );
  const found = new Promise<NatBehaviorEvent>((resolve, reject) => {
    const driver = new UdpDriver<NatBehaviorEvent>(host, core, { handleEvent: resolve, handleError: reject });
    void driver.bind({ address: local.ip, port: local.port }).then(() => {
      core.start(host.now());
      driver.pump();
    });
  });
  return network.complete(found);
}
