/** Our TURN client against coturn, over UDP, TCP and TLS. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectTcp, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TransportAddress } from "@naru/webrtc/bytes";
import {
  runTurnAllocation,
  type TurnDriver,
  type TurnDriverOptions,
  TurnTcpDriver,
  type TurnTcpDriverOptions,
  UdpDriver,
} from "@naru/webrtc/driver";
import { createNodePlatform } from "@naru/webrtc/node";
import type { StreamHandler, StreamIo } from "@naru/webrtc/platform";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { NatBehaviorDiscovery, type NatBehaviorEvent } from "@naru/webrtc/stun";
import type { TurnAllocationEvent, TurnTcpAllocationEvent } from "@naru/webrtc/turn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram, missingPrograms } from "../support/requirements.ts";

const platform = createNodePlatform();
const SERVER_NAME = "turn.naru.example";
const CREDENTIALS = { username: "naru", password: "correct horse" };
const TRANSPORTS = ["udp", "tcp", "tls"] as const;

const missing = missingPrograms("turnserver", "openssl");
describe.skipIf(missing !== undefined)(`turnserver ${missing ?? ""}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "naru-coturn-"));
  const servers: ChildProcess[] = [];
  const ports = { plain: 0, tls: 0, alternate: 0 };
  let ca = "";
  let echo: Socket;
  let peer: TransportAddress;

  beforeAll(async () => {
    const certificate = createCertificate(folder);
    ca = readFileSync(certificate.certificate, "utf8");
    // Each with the next higher one free: coturn takes it as the alternate port of RFC 5780.
    ports.plain = await findFreePorts();
    ports.tls = await findFreePorts();
    ports.alternate = await findFreePorts();
    servers.push(
      startCoturn(folder, "main", [
        ...["--listening-ip", "127.0.0.1", "--listening-ip", "127.0.0.2", "--listening-ip", "::1"],
        ...["--relay-ip", "127.0.0.1", "--relay-ip", "::1"],
        ...["--listening-port", `${ports.plain}`, "--tls-listening-port", `${ports.tls}`],
        ...["--alt-listening-port", `${ports.plain + 1}`, "--alt-tls-listening-port", `${ports.tls + 1}`],
        ...["--cert", certificate.certificate, "--pkey", certificate.privateKey],
      ]),
      startCoturn(folder, "alternate", [
        ...["--listening-ip", "127.0.0.1", "--listening-port", `${ports.alternate}`, "--no-tls"],
        ...["--alternate-server", `127.0.0.1:${ports.plain}`],
      ]),
    );
    echo = createSocket("udp4", (message, from) => echo.send(message, from.port, from.address));
    await new Promise<void>((resolve) => echo.bind(0, "127.0.0.1", resolve));
    peer = parse(`127.0.0.1:${echo.address().port}`);
    await untilListening(ports.plain, ports.tls, ports.alternate);
  });

  afterAll(async () => {
    echo?.close();
    await Promise.all(servers.map(stop));
    rmSync(folder, { recursive: true });
  });

  function options(transport: (typeof TRANSPORTS)[number]): TurnDriverOptions {
    return {
      server: parse(`127.0.0.1:${transport === "tls" ? ports.tls : ports.plain}`),
      transport,
      credentials: CREDENTIALS,
      ...(transport === "tls" ? { serverName: SERVER_NAME, ca: [ca] } : {}),
    };
  }

  // → Allocate ← 401 → Allocate ← success → CreatePermission → Send → ChannelBind → ChannelData → Refresh 0
  test.each(TRANSPORTS)(
    "relays to a peer and back over %s, first in indications, then on a channel",
    async (transport) => {
      const client = new Client(options(transport));
      const { relayedAddresses, mappedAddress } = await client.event("allocated");
      expect(relayedAddresses.map(({ ip }) => `${ip}`)).toEqual(["127.0.0.1"]);
      expect(`${mappedAddress.ip}`).toBe("127.0.0.1");
      const packets = Array.from({ length: 40 }, (_, i) => `${i}`.repeat(i * 5));
      for (const packet of packets) expect(await client.echo(peer, packet)).toBe(packet);
      expect(await client.event("channelBound")).toMatchObject({ peer, channel: 0x4000 });
      expect(await client.close()).toMatchObject({ reason: "released" });
      expect(client.driver.allocation.counters).toEqual({
        ignored: 0,
        unmatched: 0,
        unpermitted: 0,
        droppedOutgoing: 0,
        droppedIncoming: 0,
      });
    },
  );

  test.each(TRANSPORTS)("refuses a wrong password over %s", async (transport) => {
    const client = new Client({ ...options(transport), credentials: { ...CREDENTIALS, password: "wrong" } });
    const { end } = await client.event("closed");
    expect(end).toMatchObject({ reason: "unauthorized", error: { code: 401 } });
  });

  test("two clients reach each other through their relayed addresses", async () => {
    const [alice, bob] = [new Client(options("udp")), new Client(options("tcp"))];
    const [atAlice] = (await alice.event("allocated")).relayedAddresses;
    const [atBob] = (await bob.event("allocated")).relayedAddresses;
    if (atAlice === undefined || atBob === undefined) throw new Error("no relayed address");
    bob.driver.allocation.permit([atAlice.ip], platform.now());
    bob.driver.pump();
    await bob.event("permissionGranted");
    alice.driver.send(atBob, new TextEncoder().encode("hello"));
    expect(await bob.received(1)).toEqual(["hello"]);
    await alice.close();
    await bob.close();
  });

  // No test of a dual allocation: coturn 4.6.1 knows ADDITIONAL-ADDRESS-FAMILY by the number of a draft, 0x8032.
  test("gives an IPv6 address", async () => {
    const client = new Client({ ...options("udp"), family: 6 });
    expect((await client.event("allocated")).relayedAddresses.map(({ family }) => family)).toEqual([6]);
    await client.close();
  });

  test("reserves the next port for the allocation that brings the token", async () => {
    const first = new Client({ ...options("udp"), port: "pair" });
    const { relayedAddresses, reservationToken } = await first.event("allocated");
    expect((relayedAddresses[0]?.port ?? 1) % 2).toBe(0);
    if (reservationToken === undefined) throw new Error("no token");
    const second = new Client({ ...options("udp"), reservationToken });
    const { relayedAddresses: others } = await second.event("allocated");
    expect(others[0]?.port).toBe((relayedAddresses[0]?.port ?? 0) + 1);
    await first.close();
    await second.close();
  });

  test("accepts the end of an allocation, so that its address is free", async () => {
    const client = new Client({ ...options("udp"), lifetimeSeconds: 600 });
    await client.event("allocated");
    expect(await client.close()).toMatchObject({ reason: "released", error: undefined });
  });

  test("sends us to another server, which relays", async () => {
    const client = new Client({ ...options("udp"), server: parse(`127.0.0.1:${ports.alternate}`) });
    await client.event("allocated");
    expect(client.driver.allocation.server.port).toBe(ports.plain);
    expect(await client.echo(peer, "through another")).toBe("through another");
    await client.close();
  });

  test("is not spoken to when its certificate is unknown, or for another name", async () => {
    const unknown = new Client({ ...options("tls"), ca: [] });
    const { end } = await unknown.event("closed");
    expect(end.reason).toBe("unreachable");
    expect(end.message).toMatch(/certificate/i);
    const other = new Client({ ...options("tls"), serverName: "other.example" });
    expect((await other.event("closed")).end.message).toContain("other.example");
  });

  test("on a port where nobody listens is unreachable over TCP", async () => {
    const port = await findFreePorts();
    const client = new Client({ ...options("tcp"), server: parse(`127.0.0.1:${port}`) });
    const { end } = await client.event("closed");
    expect(end).toMatchObject({ reason: "unreachable" });
    expect(end.message).toContain("ECONNREFUSED");
  });

  test.each(["tcp", "tls"] as const)(
    "relays TCP connections to peers and from them, over %s",
    async (transport) => {
      const { driver, event, streams } = runTcp({ ...options(transport), transport });
      const { relayedAddress } = await event("allocated");
      const { server, address } = await startTcpEcho();
      driver.connect(address);
      const outgoing = await streams.next();
      outgoing.io.write(new TextEncoder().encode("to the peer"));
      expect(await outgoing.read(11)).toBe("to the peer");

      driver.allocation.permit([address.ip], platform.now());
      driver.pump();
      await event("permissionGranted");
      const visitor = connectTcp(relayedAddress.port, `${relayedAddress.ip}`);
      visitor.write("from the peer");
      driver.accept((await event("connectionAttempt")).attempt);
      const incoming = await streams.next();
      expect(await incoming.read(13)).toBe("from the peer");
      incoming.io.close();
      visitor.destroy();
      outgoing.io.close();
      driver.close();
      expect((await event("closed")).end.reason).toBe("released");
      server.close();
    },
  );

  test("says in words that a peer could not be connected to", async () => {
    const { driver, event } = runTcp({ ...options("tcp"), transport: "tcp" });
    await event("allocated");
    const nobody = parse(`127.0.0.1:${await findFreePorts()}`);
    driver.connect(nobody);
    const failed = await event("connectionFailed");
    expect(failed).toMatchObject({ peer: nobody, error: { code: 447 } });
    expect(failed.message).toContain("could not connect to the peer");
    expect(() => driver.connect(nobody)).toThrow("wait 10 seconds");
    driver.close();
    await event("closed");
  });

  test("tells that there is no NAT on loopback (RFC 5780)", async () => {
    const found = new Promise<NatBehaviorEvent>((resolve, reject) => {
      const discovery = new NatBehaviorDiscovery(
        { crypto: platform.crypto, random: platform.random, log: SILENT_LOGGER },
        { server: parse(`127.0.0.1:${ports.plain}`), socket: 1 },
      );
      const driver = new UdpDriver<NatBehaviorEvent>(platform, discovery, {
        handleEvent(event) {
          driver.close();
          resolve(event);
        },
        handleError: reject,
      });
      driver.bind({ address: parse("127.0.0.1:0").ip, port: 0 }).then(() => {
        discovery.start(platform.now());
        driver.pump();
      }, reject);
    });
    expect(await found).toMatchObject({
      type: "discovered",
      report: { mapping: "endpointIndependent", filtering: "endpointIndependent" },
    });
  });
});

type OwnEvent = Exclude<TurnAllocationEvent, { type: "connect" | "disconnect" }>;

/** An allocation whose events and data can be waited for. */
class Client {
  readonly driver: TurnDriver;
  readonly #events: OwnEvent[] = [];
  readonly #data: string[] = [];
  #wake: () => void = () => undefined;

  constructor(options: TurnDriverOptions) {
    this.driver = runTurnAllocation(platform, options, {
      handleEvent: (event) => {
        this.#events.push(event);
        this.#wake();
      },
      handleData: ({ bytes }) => {
        this.#data.push(new TextDecoder().decode(bytes));
        this.#wake();
      },
      handleError: (error) => expect.unreachable(error.message),
    });
  }

  /** The first event of a type, which is waited for. */
  async event<Type extends OwnEvent["type"]>(type: Type): Promise<Extract<OwnEvent, { type: Type }>> {
    for (;;) {
      for (const found of this.#events) if (isOfType(found, type)) return found;
      await this.#change();
    }
  }

  /** Takes the next `count` packets. */
  async received(count: number): Promise<string[]> {
    while (this.#data.length < count) await this.#change();
    return this.#data.splice(0, count);
  }

  async echo(peer: TransportAddress, text: string): Promise<string | undefined> {
    expect(this.driver.send(peer, new TextEncoder().encode(text))).toBe(true);
    return (await this.received(1))[0];
  }

  async close(): Promise<Extract<OwnEvent, { type: "closed" }>["end"]> {
    this.driver.close();
    return (await this.event("closed")).end;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

type TcpEvent = Exclude<TurnTcpAllocationEvent, { type: "connect" | "disconnect" | "connected" }>;

/** A connection to a peer, as text. */
interface PeerStream {
  readonly io: StreamIo;
  read(length: number): Promise<string>;
}

function runTcp(options: TurnTcpDriverOptions): {
  driver: TurnTcpDriver;
  event<Type extends TcpEvent["type"]>(type: Type): Promise<Extract<TcpEvent, { type: Type }>>;
  streams: { next(): Promise<PeerStream> };
} {
  const events: TcpEvent[] = [];
  const streams: PeerStream[] = [];
  let wake: () => void = () => undefined;
  const change = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const driver = new TurnTcpDriver(platform, options, {
    handleEvent(event) {
      events.push(event);
      wake();
    },
    handleConnection(_connection, _peer, io): StreamHandler {
      let text = "";
      const read = async (length: number): Promise<string> => {
        while (text.length < length) await change();
        return text;
      };
      streams.push({ io, read });
      wake();
      return {
        handleData(bytes) {
          text += new TextDecoder().decode(bytes);
          wake();
        },
        handleDrain: () => undefined,
        handleClose: () => undefined,
      };
    },
    handleError: (error) => expect.unreachable(error.message),
  });
  return {
    driver,
    async event(type) {
      for (;;) {
        for (const found of events) if (isOfType(found, type)) return found;
        await change();
      }
    },
    streams: {
      async next() {
        for (;;) {
          const stream = streams.shift();
          if (stream !== undefined) return stream;
          await change();
        }
      },
    },
  };
}

function isOfType<Event extends { readonly type: string }, Type extends Event["type"]>(
  event: Event,
  type: Type,
): event is Extract<Event, { type: Type }> {
  return event.type === type;
}

function startCoturn(folder: string, name: string, options: readonly string[]): ChildProcess {
  const users = [
    "--lt-cred-mech",
    "--realm",
    "naru.example",
    "--user",
    `${CREDENTIALS.username}:${CREDENTIALS.password}`,
  ];
  const quiet = ["-n", "--no-cli", "--no-dtls", "--log-file", "stdout", "--allow-loopback-peers"];
  const files = ["--pidfile", join(folder, `${name}.pid`), "--userdb", join(folder, `${name}.users`)];
  return spawn(findProgram("turnserver") ?? "", [...quiet, ...users, ...files, ...options], {
    stdio: "ignore",
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

function createCertificate(folder: string): { certificate: string; privateKey: string } {
  const certificate = join(folder, "cert.pem");
  const privateKey = join(folder, "key.pem");
  execFileSync(
    findProgram("openssl") ?? "",
    [
      ...[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
      ],
      ...["-subj", `/CN=${SERVER_NAME}`, "-addext", `subjectAltName=DNS:${SERVER_NAME}`],
      ...["-keyout", privateKey, "-out", certificate],
    ],
    { stdio: "ignore" },
  );
  return { certificate, privateKey };
}

async function startTcpEcho(): Promise<{ server: Server; address: TransportAddress }> {
  const server = createServer((socket) => void socket.on("error", () => undefined).pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const info = server.address();
  if (info === null || typeof info === "string") throw new Error("the echo server has no port");
  return { server, address: parse(`127.0.0.1:${info.port}`) };
}

/** coturn says nothing when it is ready: it is when it accepts connections. */
async function untilListening(...ports: readonly number[]): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (const port of ports) {
    while (!(await isListening(port))) {
      if (Date.now() > deadline) throw new Error(`coturn does not listen on port ${port}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    const settle = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

/** A port that is free, as is the next one, for UDP. */
async function findFreePorts(): Promise<number> {
  for (;;) {
    const first = createSocket("udp4");
    await new Promise<void>((resolve) => first.bind(0, "127.0.0.1", resolve));
    const { port } = first.address();
    const second = createSocket("udp4");
    const isFree = await new Promise<boolean>((resolve) => {
      second.once("error", () => resolve(false));
      second.bind(port + 1, "127.0.0.1", () => resolve(true));
    });
    await Promise.all(
      [first, second].map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
    );
    if (isFree) return port;
  }
}

function parse(text: string): TransportAddress {
  const address = TransportAddress.parse(text);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  return address;
}
