import fc from "fast-check";
import { expect, test } from "vitest";
import { type SocketId, TransportAddress } from "../src/bytes/index.ts";
import { UdpDriver } from "../src/driver/index.ts";
import { nodeCrypto } from "../src/node/index.ts";
import type { UdpIo } from "../src/platform/index.ts";
import { SILENT_LOGGER } from "../src/sansio/index.ts";
import {
  CHANGE_REQUEST,
  ERROR_CODE,
  NatBehaviorDiscovery,
  type NatBehaviorEvent,
  NatLifetimeDiscovery,
  type NatLifetimeEvent,
  OTHER_ADDRESS,
  RESPONSE_PORT,
  StunMessageBuilder,
  safeDecodeStunMessage,
  XOR_MAPPED_ADDRESS,
} from "../src/stun/index.ts";
import {
  createScenario,
  FIREWALL_PRESETS,
  NAT_PRESETS,
  SeededRandom,
  type VirtualHost,
  type VirtualNetwork,
} from "../src/testing/index.ts";

const scenario = createScenario({
  test,
  environment: process.env,
  file: import.meta.url,
  crypto: nodeCrypto,
});

const ADDRESSES = ["203.0.113.201", "203.0.113.202"];
const PORTS = [3478, 3479];

const BEHAVIOURS = [
  ["fullCone", "endpointIndependent", "endpointIndependent"],
  ["addressRestricted", "endpointIndependent", "addressDependent"],
  ["portRestricted", "endpointIndependent", "addressAndPortDependent"],
  ["symmetric", "addressAndPortDependent", "addressAndPortDependent"],
] as const;

for (const [preset, mapping, filtering] of BEHAVIOURS) {
  scenario(`a ${preset} NAT is recognised over a link that loses packets`, { seeds: 20 }, async (network) => {
    const server = await startServer(network);
    const home = network.nat("home", NAT_PRESETS[preset]);
    const alice = network.host("alice", { inside: home, link: { delayMs: 20, lossRate: 0.02 } });
    const event = await discover(network, alice, server);
    expect(event).toMatchObject({ type: "discovered", report: { isTranslated: true, mapping, filtering } });
  });
}

scenario("mapping by address alone is told from mapping by address and port", {}, async (network) => {
  const server = await startServer(network);
  const home = network.nat("home", { mapping: "addressDependent", filtering: "addressDependent" });
  const event = await discover(network, network.host("alice", { inside: home }), server);
  expect(event).toMatchObject({ report: { mapping: "addressDependent", filtering: "addressDependent" } });
});

scenario("without a NAT two tests are enough", {}, async (network) => {
  const server = await startServer(network);
  const event = await discover(network, network.host("alice"), server);
  expect(event).toMatchObject({
    report: { isTranslated: false, mapping: "endpointIndependent", filtering: "endpointIndependent" },
  });
  expect(network.packets.count).toBe(4);
});

scenario("a server with one address tells where we are seen, and no more", {}, async (network) => {
  const server = await startServer(network, { hasOther: false });
  const event = await discover(network, network.host("alice"), server);
  expect(event).toMatchObject({ type: "discovered", report: { mapping: undefined, filtering: undefined } });
});

scenario("a server that does not know CHANGE-REQUEST leaves the filtering unknown", {}, async (network) => {
  const server = await startServer(network, { refusesChange: true });
  const home = network.nat("home", NAT_PRESETS.symmetric);
  const event = await discover(network, network.host("alice", { inside: home }), server);
  expect(event).toMatchObject({ report: { mapping: "addressAndPortDependent", filtering: undefined } });
});

scenario(
  "a server that answers from where it was asked leaves the filtering unknown",
  {},
  async (network) => {
    const server = await startServer(network, { ignoresChange: true });
    const home = network.nat("home", NAT_PRESETS.fullCone);
    const event = await discover(network, network.host("alice", { inside: home }), server);
    expect(event).toMatchObject({ report: { mapping: "endpointIndependent", filtering: undefined } });
  },
);

scenario("where UDP is blocked it says so within seconds", {}, async (network) => {
  const server = await startServer(network);
  const office = network.router("office", { firewall: FIREWALL_PRESETS.blockUdp });
  const event = await discover(network, network.host("alice", { inside: office }), server);
  expect(event).toEqual({ type: "unreachable" });
  expect(network.now()).toBeLessThan(6_000);
});

scenario("the life of a mapping is found to within five seconds", { seeds: 5 }, async (network) => {
  const server = await startServer(network);
  const home = network.nat("home", { ...NAT_PRESETS.portRestricted, mappingTimeoutMs: 47_000 });
  const event = await findLifetime(network, network.host("alice", { inside: home }), server);
  expect(event.type).toBe("discovered");
  if (event.type !== "discovered") return;
  expect(event.atLeastMs).toBeLessThanOrEqual(47_000);
  expect(event.lessThanMs).toBeGreaterThanOrEqual(47_000);
  expect(event.lessThanMs - event.atLeastMs).toBeLessThanOrEqual(5_000);
});

scenario("a mapping that outlasts every test has no bound above", {}, async (network) => {
  const server = await startServer(network);
  const home = network.nat("home", { ...NAT_PRESETS.portRestricted, mappingTimeoutMs: 3_600_000 });
  const event = await findLifetime(network, network.host("alice", { inside: home }), server);
  expect(event).toEqual({
    type: "discovered",
    atLeastMs: 300_000,
    lessThanMs: Number.POSITIVE_INFINITY,
  });
});

scenario(
  "a server that does not know RESPONSE-PORT cannot tell the life of a mapping",
  {},
  async (network) => {
    const server = await startServer(network, { refusesChange: true });
    expect(await findLifetime(network, network.host("alice"), server)).toEqual({ type: "unsupported" });
  },
);

test("no sequence of anything throws, and one start has one event at most", () => {
  const server = new TransportAddress(hostAddress("203.0.113.201"), 3478);
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 12 }), (inputs) => {
      const core = new NatBehaviorDiscovery(
        { crypto: nodeCrypto, random: new SeededRandom("nat"), log: SILENT_LOGGER },
        { server, socket: 1 },
      );
      core.start(0);
      let sent = core.pollTransmit();
      let events = 0;
      for (const input of inputs) {
        const bytes = new Uint8Array(Math.max(input.length & ~3, 20));
        bytes.set(input.subarray(0, bytes.length));
        if (sent !== undefined) bytes.set(sent.bytes.subarray(4, 20), 4);
        bytes.set([1, 1, 0, bytes.length - 20]);
        core.handleInput({ bytes, from: server, socket: 1 }, 1);
        for (let out = core.pollTransmit(); out !== undefined; out = core.pollTransmit()) sent = out;
        while (core.pollEvent() !== undefined) events++;
      }
      expect(events).toBeLessThanOrEqual(1);
    }),
  );
});

interface ServerOptions {
  readonly hasOther?: boolean;
  readonly refusesChange?: boolean;
  readonly ignoresChange?: boolean;
}

/** A server with two addresses and two ports, as RFC 5780 §6 has it. @returns the first of the four. */
async function startServer(network: VirtualNetwork, options: ServerOptions = {}): Promise<TransportAddress> {
  const { hasOther = true, refusesChange = false, ignoresChange = false } = options;
  const host = network.host("server", { addresses: ADDRESSES });
  const sockets = new Map<string, UdpIo>();
  const builder = new StunMessageBuilder();
  for (const [i, ip] of ADDRESSES.entries()) {
    for (const [j, port] of PORTS.entries()) {
      const at = (changesIp: boolean, changesPort: boolean): TransportAddress =>
        new TransportAddress(
          hostAddress(ADDRESSES[changesIp ? 1 - i : i] ?? ip),
          PORTS[changesPort ? 1 - j : j] ?? port,
        );
      const socket = await host.bindUdp(
        { address: hostAddress(ip), port },
        {
          handleDatagram(bytes, from) {
            const message = safeDecodeStunMessage(bytes);
            if (typeof message === "string" || message.messageClass !== "request") return;
            const { changeIp = false, changePort = false } = message.get(CHANGE_REQUEST) ?? {};
            const responsePort = message.get(RESPONSE_PORT);
            const isRefused = refusesChange && (changeIp || changePort || responsePort !== undefined);
            builder.start(isRefused ? "error" : "success", message.method, message.transactionId);
            if (isRefused) builder.add(ERROR_CODE, { code: 420, reason: "" });
            else builder.add(XOR_MAPPED_ADDRESS, from);
            if (hasOther && !isRefused) builder.add(OTHER_ADDRESS, at(true, true));
            const out = isRefused || ignoresChange ? socket : sockets.get(at(changeIp, changePort).key);
            out?.send(
              builder.finish(),
              new TransportAddress(from.ip, isRefused ? from.port : (responsePort ?? from.port)),
            );
          },
          handleBatchEnd: () => undefined,
          handleError: fail,
        },
      );
      sockets.set(at(false, false).key, socket);
    }
  }
  return new TransportAddress(hostAddress(ADDRESSES[0] ?? ""), 3478);
}

async function discover(
  network: VirtualNetwork,
  host: VirtualHost,
  server: TransportAddress,
): Promise<NatBehaviorEvent> {
  const probe = new UdpDriver<NatBehaviorEvent>(host, idle(), { handleError: fail });
  const socket = await probe.bind({ address: host.address(), port: 0 });
  const localAddress = probe.localAddress(socket);
  probe.close();
  if (localAddress === undefined) throw new Error("there is no socket");
  const core = new NatBehaviorDiscovery(
    { crypto: undefined, random: host.random, log: SILENT_LOGGER },
    { server, socket: 1, localAddress },
  );
  const found = new Promise<NatBehaviorEvent>((resolve) => {
    const driver = new UdpDriver<NatBehaviorEvent>(host, core, { handleEvent: resolve, handleError: fail });
    void driver.bind({ address: host.address(), port: localAddress.port }).then(() => {
      core.start(host.now());
      driver.pump();
    });
  });
  return network.complete(found);
}

async function findLifetime(
  network: VirtualNetwork,
  host: VirtualHost,
  server: TransportAddress,
): Promise<NatLifetimeEvent> {
  const sockets: readonly [SocketId, SocketId] = [1, 2];
  const core = new NatLifetimeDiscovery(
    { crypto: undefined, random: host.random, log: SILENT_LOGGER },
    { server, sockets },
  );
  const found = new Promise<NatLifetimeEvent>((resolve) => {
    const driver = new UdpDriver<NatLifetimeEvent>(host, core, { handleEvent: resolve, handleError: fail });
    const bind = (): Promise<SocketId> => driver.bind({ address: host.address(), port: 0 });
    void bind()
      .then(bind)
      .then(() => {
        core.start(host.now());
        driver.pump();
      });
  });
  return network.complete(found, 3_600_000);
}

/** A core that does nothing, to have a socket by. */
function idle(): ConstructorParameters<typeof UdpDriver<NatBehaviorEvent>>[1] {
  return {
    handleInput: () => undefined,
    handleTimeout: () => undefined,
    pollTransmit: () => undefined,
    pollEvent: () => undefined,
    pollTimeout: () => Number.POSITIVE_INFINITY,
  };
}

function hostAddress(text: string): TransportAddress["ip"] {
  const address = TransportAddress.parse(`${text}:1`);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  return address.ip;
}

function fail(error: Error): never {
  throw error;
}
