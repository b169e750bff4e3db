/** Our TURN client and our TURN server, on the simulated network. */
import { TransportAddress } from "@naru/webrtc/bytes";
import {
  runTurnAllocation,
  type TurnDriver,
  type TurnDriverOptions,
  TurnTcpDriver,
} from "@naru/webrtc/driver";
import { nodeCrypto } from "@naru/webrtc/node";
import type { StreamIo, UdpIo } from "@naru/webrtc/platform";
import {
  createScenario,
  FIREWALL_PRESETS,
  NAT_PRESETS,
  type VirtualHost,
  type VirtualNetwork,
} from "@naru/webrtc/testing";
import type { TurnAllocationEvent, TurnTcpAllocationEvent } from "@naru/webrtc/turn";
import { expect, test } from "vitest";
import { createTurnServer, type TurnServerHandle } from "../src/index.ts";

const scenario = createScenario({
  test,
  environment: process.env,
  file: import.meta.url,
  crypto: nodeCrypto,
});

const CREDENTIALS = { username: "alice", password: "correct horse" };
const SERVER_NAME = "turn.example";
const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nturn.example\n-----END CERTIFICATE-----";
const PORTS = { udp: 3478, tcp: 3478, tls: 443 } as const;
const HOUR_MS = 3_600_000;

for (const transport of ["udp", "tcp", "tls"] as const) {
  scenario(
    `a packet goes through the relay and back over ${transport}, from behind a symmetric NAT`,
    { seeds: 10 },
    async (network) => {
      const { server, host } = await startServer(network);
      const home = network.nat("home", NAT_PRESETS.symmetric);
      const alice = network.host("alice", { inside: home, link: { delayMs: 30, lossRate: 0.05 } });
      const peer = await startEcho(network.host("bob"));
      const client = new Client(network, alice, optionsFor(host, transport));
      await client.until("allocated");
      // Some are lost on the way: like a call, it goes on until enough have come back.
      const isDone = (): boolean => client.data.length >= 30 && client.types().includes("channelBound");
      for (let i = 0; !isDone() && i < 200; i++) {
        client.driver.send(peer, Uint8Array.of(i));
        await network.run(20);
      }
      expect(isDone()).toBe(true);
      client.driver.close();
      await client.until("closed");
      expect(gauge(server, "naru_turn_allocations")).toBe(0);
    },
  );
}

scenario("where only the web is allowed, the relay is reached over TLS on port 443", {}, async (network) => {
  const { host } = await startServer(network);
  const office = network.nat("office", { ...NAT_PRESETS.portRestricted, firewall: FIREWALL_PRESETS.webOnly });
  const alice = network.host("alice", { inside: office });
  const overUdp = new Client(network, alice, optionsFor(host, "udp"));
  expect(await overUdp.end()).toMatchObject({ reason: "no-answer" });
  const overTls = new Client(network, alice, optionsFor(host, "tls"));
  const peer = await startEcho(network.host("bob"));
  await overTls.until("allocated");
  overTls.driver.send(peer, Uint8Array.of(1));
  await network.run(1_000);
  expect(overTls.data).toEqual(["1"]);
});

scenario("a certificate for another name is refused, in words", {}, async (network) => {
  const { host } = await startServer(network);
  const client = new Client(network, network.host("alice"), {
    ...optionsFor(host, "tls"),
    serverName: "other.example",
  });
  const end = await client.end();
  expect(end.reason).toBe("unreachable");
  expect(end.message).toContain("other.example");
});

// Allocation, permission, channel and nonce all expire in this time, several times over.
scenario("a call of three hours loses nothing to what expires", { seeds: 2 }, async (network) => {
  const { server, host } = await startServer(network);
  const home = network.nat("home", NAT_PRESETS.portRestricted);
  const peer = await startEcho(network.host("bob"));
  const client = new Client(network, network.host("alice", { inside: home }), optionsFor(host, "udp"));
  await client.until("allocated");
  let sent = 0;
  for (; sent * 5_000 < 3 * HOUR_MS; sent++) {
    expect(client.driver.send(peer, Uint8Array.of(sent & 0xff))).toBe(true);
    await network.run(5_000);
  }
  expect(client.data).toHaveLength(sent);
  expect(client.types()).toEqual(["allocated", "permissionGranted", "channelBound"]);
  expect(gauge(server, "naru_turn_allocations")).toBe(1);
});

scenario("an allocation without traffic outlives the mappings of its NAT", {}, async (network) => {
  const { host } = await startServer(network);
  const home = network.nat("home", { ...NAT_PRESETS.symmetric, mappingTimeoutMs: 30_000 });
  const bob = network.host("bob");
  const client = new Client(network, network.host("alice", { inside: home }), optionsFor(host, "udp"));
  const { relayedAddresses } = await client.until("allocated");
  client.driver.allocation.permit([bob.address()], network.now());
  client.driver.pump();
  await network.run(HOUR_MS);
  const socket = await openUdp(bob, () => undefined);
  const [relayed] = relayedAddresses;
  if (relayed === undefined) throw new Error("no relayed address");
  socket.send(Uint8Array.of(7), relayed);
  await network.run(1_000);
  expect(client.data).toEqual(["7"]);
  expect(client.types()).not.toContain("closed");
});

scenario(
  "two clients behind symmetric NATs reach each other through two relayed addresses",
  { seeds: 5 },
  async (network) => {
    const { host } = await startServer(network);
    const clients = ["alice", "bob"].map((name) => {
      const home = network.nat(`home of ${name}`, NAT_PRESETS.symmetric);
      return new Client(
        network,
        network.host(name, { inside: home }),
        optionsFor(host, name === "bob" ? "tcp" : "udp"),
      );
    });
    const [alice, bob] = clients;
    if (alice === undefined || bob === undefined) throw new Error("no clients");
    const [atAlice] = (await alice.until("allocated")).relayedAddresses;
    const [atBob] = (await bob.until("allocated")).relayedAddresses;
    if (atAlice === undefined || atBob === undefined) throw new Error("no relayed address");
    for (let i = 0; i < 30; i++) {
      alice.driver.send(atBob, Uint8Array.of(i));
      bob.driver.send(atAlice, Uint8Array.of(i));
      await network.run(20);
    }
    await network.run(1_000);
    // The first may come before the other side has its permission.
    expect(alice.data.length).toBeGreaterThan(25);
    expect(bob.data.length).toBeGreaterThan(25);
  },
);

scenario("one request gives an address of each family", {}, async (network) => {
  const { host } = await startServer(network);
  const client = new Client(network, network.host("alice"), { ...optionsFor(host, "udp"), family: "both" });
  const { relayedAddresses } = await client.until("allocated");
  expect(relayedAddresses.map(({ family }) => family).sort()).toEqual([4, 6]);
  const bob = network.host("bob", { addresses: ["203.0.113.77", "2001:db8::77"] });
  for (const family of [4, 6] as const)
    client.driver.send(await startEcho(bob, family), Uint8Array.of(family));
  await network.run(1_000);
  expect(client.data).toEqual(["4", "6"]);
});

scenario(
  "a peer that the relay does not allow is refused without harm to the others",
  {},
  async (network) => {
    const { host } = await startServer(network);
    const peer = await startEcho(network.host("bob"));
    const client = new Client(network, network.host("alice"), optionsFor(host, "udp"));
    await client.until("allocated");
    const forbidden = parse("10.0.0.1:9");
    client.driver.allocation.permit([forbidden.ip, peer.ip], network.now());
    client.driver.pump();
    expect(await client.until("permissionRefused")).toMatchObject({ ip: forbidden.ip, error: { code: 403 } });
    client.driver.send(peer, Uint8Array.of(1));
    await network.run(1_000);
    expect(client.data).toEqual(["1"]);
  },
);

scenario(
  "a server that is restarted has lost the allocation, and the client learns it",
  {},
  async (network) => {
    const { server, host } = await startServer(network);
    const overTcp = new Client(network, network.host("alice"), optionsFor(host, "tcp"));
    const overUdp = new Client(network, network.host("carol"), optionsFor(host, "udp"));
    await overTcp.until("allocated");
    await overUdp.until("allocated");
    await server.close();
    await listen(network, host);
    expect(await overTcp.end()).toMatchObject({ reason: "connection-lost" });
    overUdp.driver.send(parse("203.0.113.200:9"), Uint8Array.of(1));
    expect(await overUdp.end()).toMatchObject({ reason: "gone" });
  },
);

scenario("TCP connections are relayed to a peer and from one", { seeds: 5 }, async (network) => {
  const { host } = await startServer(network);
  const home = network.nat("home", NAT_PRESETS.symmetric);
  const alice = network.host("alice", { inside: home, link: { delayMs: 20, lossRate: 0.02 } });
  const bob = network.host("bob", { link: { delayMs: 10 } });
  const events: TurnTcpAllocationEvent[] = [];
  const received: string[] = [];
  const streams: StreamIo[] = [];
  const driver = new TurnTcpDriver(
    alice,
    { ...optionsFor(host, "tls"), transport: "tls" },
    {
      handleEvent: (event) => void events.push(event),
      handleConnection(_connection, _peer, stream) {
        streams.push(stream);
        return recordText(received, streams.length - 1);
      },
      handleError: fail,
    },
  );
  await network.runUntil(() => events.some(({ type }) => type === "allocated"), 10_000);
  // Whoever accepts at bob speaks first: his words may come in one piece with the answer to ConnectionBind.
  const listener = await bob.listenStream({ address: bob.address(), port: 8000 }, (stream) => {
    stream.write(new TextEncoder().encode("welcome"));
    return {
      handleData: (bytes) => void stream.write(bytes),
      handleDrain: () => undefined,
      handleClose: () => undefined,
    };
  });
  driver.connect(new TransportAddress(bob.address(), listener.localAddress.port));
  await network.runUntil(() => received[0] === "welcome", 10_000);
  streams[0]?.write(new TextEncoder().encode(", and thanks"));
  await network.runUntil(() => received[0] === "welcome, and thanks", 10_000);

  driver.allocation.permit([bob.address()], network.now());
  driver.pump();
  await network.runUntil(() => events.some(({ type }) => type === "permissionGranted"), 10_000);
  const allocated = events.find((event) => event.type === "allocated");
  if (allocated?.type !== "allocated") throw new Error("not allocated");
  const calling = bob.connectStream(
    { address: allocated.relayedAddress, timeoutMs: 10_000 },
    recordText([], 0),
  );
  const visitor = await network.complete(calling);
  visitor.write(new TextEncoder().encode("hello from outside"));
  await network.runUntil(() => events.some(({ type }) => type === "connectionAttempt"), 10_000);
  const attempt = events.find((event) => event.type === "connectionAttempt");
  if (attempt?.type === "connectionAttempt") driver.accept(attempt.attempt);
  await network.runUntil(() => received[1] === "hello from outside", 10_000);
  driver.close();
  await network.runUntil(() => events.some(({ type }) => type === "closed"), 10_000);
});

type OwnEvent = Exclude<TurnAllocationEvent, { type: "connect" | "disconnect" }>;

/** An allocation, with what came of it. */
class Client {
  readonly driver: TurnDriver;
  readonly events: OwnEvent[] = [];
  /** First byte of each packet. */
  readonly data: string[] = [];
  readonly #network: VirtualNetwork;

  constructor(network: VirtualNetwork, host: VirtualHost, options: TurnDriverOptions) {
    this.#network = network;
    this.driver = runTurnAllocation(host, options, {
      handleEvent: (event) => void this.events.push(event),
      handleData: ({ bytes }) => void this.data.push(`${bytes[0]}`),
      handleError: fail,
    });
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }

  async until<Type extends OwnEvent["type"]>(type: Type): Promise<Extract<OwnEvent, { type: Type }>> {
    await this.#network.runUntil(() => this.events.some((event) => event.type === type), 60_000);
    for (const found of this.events) if (isOfType(found, type)) return found;
    throw new Error(`no event ${type}`);
  }

  async end(): Promise<Extract<OwnEvent, { type: "closed" }>["end"]> {
    return (await this.until("closed")).end;
  }
}

function isOfType<Type extends OwnEvent["type"]>(
  event: OwnEvent,
  type: Type,
): event is Extract<OwnEvent, { type: Type }> {
  return event.type === type;
}

async function startServer(
  network: VirtualNetwork,
): Promise<{ server: TurnServerHandle; host: VirtualHost }> {
  network.trustCertificate(CERTIFICATE, SERVER_NAME);
  const host = network.host("server", { addresses: ["203.0.113.201", "2001:db8::201"] });
  return { server: await listen(network, host), host };
}

function listen(network: VirtualNetwork, host: VirtualHost): Promise<TurnServerHandle> {
  const address = host.address().toString();
  const tls = { certificate: CERTIFICATE, privateKey: "-" };
  return network.complete(
    createTurnServer({
      platform: host,
      users: { [CREDENTIALS.username]: CREDENTIALS.password },
      listen: [
        { transport: "udp", address, port: PORTS.udp },
        { transport: "tcp", address, port: PORTS.tcp },
        { transport: "tls", address, port: PORTS.tls, tls },
      ],
      // The simulated internet has the addresses of documentation, which are special.
      peers: { allow: ["203.0.113.0/24", "2001:db8::/32"] },
      onError: fail,
    }),
  );
}

function optionsFor<Transport extends "udp" | "tcp" | "tls">(
  host: VirtualHost,
  transport: Transport,
): TurnDriverOptions & { transport: Transport } {
  return {
    server: new TransportAddress(host.address(4), PORTS[transport]),
    transport,
    serverName: SERVER_NAME,
    credentials: CREDENTIALS,
  };
}

async function startEcho(host: VirtualHost, family: 4 | 6 = 4): Promise<TransportAddress> {
  const socket: UdpIo = await openUdp(host, (bytes, from) => socket.send(bytes.slice(), from), family);
  return socket.localAddress;
}

function openUdp(
  host: VirtualHost,
  handleDatagram: (bytes: Uint8Array, from: TransportAddress) => void,
  family: 4 | 6 = 4,
): Promise<UdpIo> {
  const handler = { handleDatagram, handleBatchEnd: () => undefined, handleError: fail };
  return host.bindUdp({ address: host.address(family), port: 0 }, handler);
}

function recordText(
  received: string[],
  index: number,
): { handleData(bytes: Uint8Array): void; handleDrain(): void; handleClose(): void } {
  received[index] = "";
  return {
    handleData: (bytes) => {
      received[index] += new TextDecoder().decode(bytes);
    },
    handleDrain: () => undefined,
    handleClose: () => undefined,
  };
}

/** Sum of a metric's samples. */
function gauge(server: TurnServerHandle, name: string): number {
  const metric = server.metrics().find((candidate) => candidate.name === name);
  if (metric === undefined) throw new Error(`no metric ${name}`);
  return metric.samples.reduce((sum, { value }) => sum + value, 0);
}

function parse(text: string): TransportAddress {
  const address = TransportAddress.parse(text);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  return address;
}

function fail(error: Error): never {
  throw error;
}
