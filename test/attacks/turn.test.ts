/** Our TURN server with its default settings, on real sockets, asked for everything it must refuse. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { createTurnServer, type TurnServerHandle } from "@naru/turn";
import { TransportAddress } from "@naru/webrtc/bytes";
import { nodeCrypto } from "@naru/webrtc/node";
import {
  attributeValue,
  CHANNEL_NUMBER,
  DATA,
  decodeStunMessage,
  ERROR_CODE,
  LIFETIME,
  LongTermSession,
  REQUESTED_ADDRESS_FAMILY,
  REQUESTED_TRANSPORT,
  type StunAttributeValue,
  type StunMessage,
  StunMessageBuilder,
  StunMethod,
  XOR_PEER_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "@naru/webrtc/stun";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readCorpus } from "../fuzz/corpus.ts";
import { Chance, nextInput } from "../fuzz/mutate.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { delay, eventually, freePort } from "../support/server.ts";

const SECRET = "a secret for tests only";
const UDP = attributeValue(REQUESTED_TRANSPORT, 17);
const TCP = attributeValue(REQUESTED_TRANSPORT, 6);
const IPV6 = attributeValue(REQUESTED_ADDRESS_FAMILY, 6);
/** What a stranger may get out of the server for each byte he puts in. */
const MAX_AMPLIFICATION = 3.6;
const IDLE_TIMEOUT_MS = 1_000;

let server: TurnServerHandle;
let port = 0;
const clients: Client[] = [];

beforeAll(async () => {
  port = await freePort();
  server = await createTurnServer({
    secret: SECRET,
    users: { alice: "secret", bob: "hidden" },
    relay: [{ address: "127.0.0.1" }, { address: "::1" }],
    streams: { idleTimeoutMs: IDLE_TIMEOUT_MS, perAddress: 64 },
    listen: [
      { transport: "udp", address: "127.0.0.1", port },
      { transport: "tcp", address: "127.0.0.1", port },
    ],
  });
});

afterAll(() => server?.close());

afterEach(async () => {
  for (const client of clients.splice(0)) await client.leave();
  // Whatever was done to it, it serves.
  const bystander = await Client.open("127.0.9.9", "bob", "hidden");
  expect(await bystander.allocate()).toBe(0);
  await bystander.leave();
  clients.splice(0);
});

describe("a forbidden peer is refused, whatever way it is asked for", () => {
  const FORBIDDEN_IPV4 = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.1.2.3",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
  ];
  const hex = (v4: string): string => {
    const [a = 0, b = 0, c = 0, d = 0] = v4.split(".").map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  };
  const ENCODINGS: readonly ((v4: string) => string)[] = [
    (v4) => `::ffff:${v4}`,
    (v4) => `::${v4}`,
    (v4) => `64:ff9b::${v4}`,
    (v4) => `64:ff9b:1::${v4}`,
    (v4) => `2002:${hex(v4)}::`,
    (v4) => `2001:0:${hex(v4)}::1`,
    (v4) => `2a00:1::5efe:${v4}`,
  ];
  const FORBIDDEN_IPV6 = [
    ...":: ::1 100::1 2001:db8::1 3fff::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1".split(" "),
    ...FORBIDDEN_IPV4.flatMap((v4) => ENCODINGS.map((encode) => encode(v4))),
  ];

  test.each([
    ["IPv4", FORBIDDEN_IPV4, []],
    ["IPv6, with every IPv4 address in seven encodings", FORBIDDEN_IPV6, [IPV6]],
  ] as const)(
    "by permission, channel and Send indication: %s",
    async (_name, peers, family) => {
      const canary = await Canary.open();
      const client = await Client.open();
      expect(await client.allocate(...family)).toBe(0);
      // Our own relay's address may be permitted: what is behind it is decided packet by packet.
      const isOwn = (ip: string): boolean => ip === "127.0.0.1" || ip === "::1";
      for (const ip of peers) {
        const peer = attributeValue(XOR_PEER_ADDRESS, at(ip, canary.port));
        expect([ip, await client.codeOf(StunMethod.createPermission, peer)]).toEqual([
          ip,
          isOwn(ip) ? 0 : 403,
        ]);
        const bind = await client.codeOf(
          StunMethod.channelBind,
          attributeValue(CHANNEL_NUMBER, 0x4000),
          peer,
        );
        expect([ip, bind]).toEqual([ip, 403]);
        client.send(
          new StunMessageBuilder()
            .start("indication", StunMethod.send, client.transactionId())
            .addAll([peer, attributeValue(DATA, Uint8Array.of(1))])
            .finish(),
        );
      }
      await delay(200);
      expect(canary.received).toBe(0);
      await canary.close();
    },
    120_000,
  );

  test("by a TCP connection", async () => {
    const listener = createServer(() => expect.unreachable("it was reached"));
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    for (const [peers, family] of [
      [FORBIDDEN_IPV4, []],
      [FORBIDDEN_IPV6, [IPV6]],
    ] as const) {
      const client = await Client.overTcp();
      expect(await client.codeOf(StunMethod.allocate, TCP, ...family)).toBe(0);
      for (const ip of peers) {
        const peer = attributeValue(XOR_PEER_ADDRESS, at(ip, address.port));
        expect([ip, await client.codeOf(StunMethod.connect, peer)]).toEqual([ip, 403]);
      }
    }
    listener.close();
  }, 120_000);

  test("our own ports, and a peer's packet from one of them", async () => {
    const canary = await Canary.open();
    const client = await Client.open();
    const relayed = await client.allocated();
    await client.codeOf(StunMethod.createPermission, attributeValue(XOR_PEER_ADDRESS, relayed));
    canary.socket.send(Uint8Array.of(1), relayed.port, "127.0.0.1");
    await delay(200);
    expect(client.unasked).toBe(0);
    await canary.close();
  });
});

describe("before authentication", () => {
  test("no answer is more than 3.6 times as long as its question, in whatever it is asked", async () => {
    const client = await Client.open("127.0.0.50");
    const chance = new Chance(7);
    const pool = [...readCorpus("turn-server"), ...readCorpus("stun"), ...readCorpus("stun-server")];
    let longest = 0;
    for (let i = 0; i < 300; i++) {
      const bytes = i % 2 === 0 ? nextInput(pool, 600, chance) : questionOf(i, chance);
      const answer = await client.exchange(bytes, 15);
      if (answer !== undefined) longest = Math.max(longest, answer.length / bytes.length);
    }
    expect(longest).toBeGreaterThan(1);
    expect(longest).toBeLessThanOrEqual(MAX_AMPLIFICATION);
  });

  test("a flood of requests from one address is answered a bounded number of times; others are served meanwhile", async () => {
    const flood = await Client.open("127.0.0.51");
    let sent = 0;
    const started = performance.now();
    for (let i = 0; i < 20_000; i++) {
      const bytes = questionOf(1, new Chance(i + 1));
      sent += bytes.length;
      flood.send(bytes);
      if (i % 200 === 0) await delay(1);
      if (i !== 10_000) continue;
      const other = await Client.open("127.0.0.52");
      expect(await other.allocate()).toBe(0);
    }
    await delay(300);
    const seconds = (performance.now() - started) / 1000;
    expect(flood.unasked).toBeGreaterThan(0);
    expect(flood.unasked).toBeLessThan(400 + 100 * (seconds + 1));
    expect(flood.receivedBytes).toBeLessThan(sent);
  });

  test("a flood of wrong passwords is refused the same way, and costs the right one nothing", async () => {
    const guesser = await Client.open("127.0.0.53", "alice", "guess");
    expect(await guesser.allocate()).toBe(401);
    const right = await Client.open("127.0.0.54");
    const bytes = guesser.build(StunMethod.allocate, [UDP]);
    for (let i = 0; i < 5_000; i++) {
      guesser.send(bytes);
      if (i % 100 === 0) await delay(1);
    }
    expect(await right.allocate()).toBe(0);
    expect(guesser.unasked).toBeLessThan(4_000);
  });
});

describe("credentials", () => {
  const credential = (user: string, lifetimeMs: number) => server.issueCredential(user, lifetimeMs);

  test("that have expired make nothing", async () => {
    const { username, credential: password } = credential("carol", -1_000);
    expect(await (await Client.open("127.0.0.60", username, password)).allocate()).toBe(401);
  });

  test("of another realm, another secret or nobody make nothing", async () => {
    const other = await createTurnServer({
      secret: "another secret than theirs",
      relay: [{ address: "127.0.0.1" }],
    });
    const { username, credential: password } = other.issueCredential("carol", 60_000);
    other.close();
    expect(await (await Client.open("127.0.0.61", username, password)).allocate()).toBe(401);
    expect(await (await Client.open("127.0.0.61", "nobody", "x")).allocate()).toBe(401);
    const stranger = await Client.open("127.0.0.62");
    await stranger.codeOf(StunMethod.createPermission, UDP);
    const foreign = new StunMessageBuilder().start("request", StunMethod.allocate, stranger.transactionId());
    stranger.session.authenticator.authenticate(foreign.add(REQUESTED_TRANSPORT, 17));
    const bytes = foreign.finish().slice();
    // REALM is "naru": four bytes that occur once.
    const realm = Buffer.from(bytes).indexOf("naru");
    bytes.set(new TextEncoder().encode("evil"), realm);
    const answer = await stranger.exchange(bytes, 500);
    expect(answer && decodeStunMessage(answer).get(ERROR_CODE)?.code).toBe(401);
  });

  test("that were stolen reach no allocation but the thief's own, and die with their user", async () => {
    const { username, credential: password } = credential("dave", 60_000);
    const victim = await Client.open("127.0.0.63", username, password);
    expect(await victim.allocate()).toBe(0);
    const thief = await Client.open("127.0.0.64", username, password);
    expect(await thief.codeOf(StunMethod.refresh, attributeValue(LIFETIME, 0))).toBe(437);
    expect(
      await thief.codeOf(StunMethod.createPermission, attributeValue(XOR_PEER_ADDRESS, at("8.8.8.8", 1))),
    ).toBe(437);
    expect(await thief.allocate()).toBe(0);
    server.revoke("dave");
    for (const client of [victim, thief]) {
      expect(await client.codeOf(StunMethod.refresh, attributeValue(LIFETIME, 600))).toBe(437);
      expect(await client.allocate()).toBe(401);
    }
  });

  test("replayed from another port are stale: the nonce is the first one's", async () => {
    const first = await Client.open("127.0.0.65");
    await first.codeOf(StunMethod.createPermission, UDP);
    const bytes = first.build(StunMethod.allocate, [UDP]);
    const second = await Client.open("127.0.0.65");
    const answer = await second.exchange(bytes, 500);
    expect(answer && decodeStunMessage(answer).get(ERROR_CODE)?.code).toBe(438);
  });
});

test("one user gets 48 allocations, however many he asks for", async () => {
  const { username, credential } = server.issueCredential("greedy", 60_000);
  const codes: number[] = [];
  for (let i = 0; i < 60; i++) {
    const client = await Client.open("127.0.0.70", username, credential);
    codes.push(await client.allocate());
  }
  expect(codes.filter((code) => code === 0)).toHaveLength(48);
  expect(codes.slice(48)).toEqual(Array.from({ length: 12 }, () => 486));
});

test("thirty thousand malformed datagrams later, some of them signed, it serves and has kept nothing", async () => {
  const chance = new Chance(11);
  const pool = [...readCorpus("turn-server"), ...readCorpus("stun"), ...readCorpus("turn-client")];
  const client = await Client.open("127.0.0.71");
  expect(await client.allocate()).toBe(0);
  for (let i = 0; i < 30_000; i++) {
    const input = nextInput(pool, 1_400, chance);
    if (i % 3 === 0)
      client.send(client.build(1 + chance.below(15), [attributeValue(raw(chance, input), undefined)]));
    else client.send(input);
    if (i % 100 === 99) await delay(1);
  }
  await delay(300);
  const gauges = Object.fromEntries(
    server
      .metrics()
      .flatMap(({ name, type, samples }) => (type === "gauge" ? [[name, samples[0]?.value]] : [])),
  );
  expect(gauges["naru_turn_allocations"]).toBeLessThanOrEqual(2);
  expect(
    await client.codeOf(StunMethod.createPermission, attributeValue(XOR_PEER_ADDRESS, at("8.8.8.8", 1))),
  ).toBe(0);
}, 120_000);

describe("a TCP connection", () => {
  test("that says nothing, or half a message, is closed in time, and only so many are open at once", async () => {
    const connections = await Promise.all(Array.from({ length: 80 }, () => RawConnection.open(port)));
    await delay(100);
    // Those above the limit of one address are closed at once.
    expect(connections.filter(({ isClosed }) => isClosed).length).toBeGreaterThanOrEqual(16);
    for (const connection of connections.slice(0, 20)) connection.send(Uint8Array.of(0, 3, 0, 100));
    await eventually(
      "all are closed",
      () => connections.every(({ isClosed }) => isClosed),
      10 * IDLE_TIMEOUT_MS,
    );
    expect(gauge("naru_turn_streams")).toBe(0);
  });

  test("that drips a message byte by byte without end is closed in time", async () => {
    const connection = await RawConnection.open(port);
    const message = new StunMessageBuilder()
      .start("request", StunMethod.allocate, new Uint8Array(12))
      .add(DATA, new Uint8Array(1000))
      .finish();
    for (let i = 0; i < 60 && !connection.isClosed; i++) {
      connection.send(message.slice(i, i + 1));
      await delay(100);
    }
    expect(connection.isClosed).toBe(true);
  });

  test.each([
    ["a giant frame", Uint8Array.of(0x00, 0x03, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42)],
    ["a giant channel", Uint8Array.of(0x40, 0x00, 0xff, 0xff, 0, 0, 0, 0)],
    ["HTTP", new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    ["TLS", Uint8Array.of(0x16, 0x03, 0x01, 0x00, 0x10)],
    ["nonsense", new Uint8Array(100_000).fill(0xaa)],
  ])("with %s is closed at once", async (_name, bytes) => {
    const connection = await RawConnection.open(port);
    connection.send(bytes);
    await eventually("it is closed", () => connection.isClosed, IDLE_TIMEOUT_MS / 2);
  });

  test("that does not read what it is sent costs a bounded amount of memory", async () => {
    const [a, b] = [
      await Client.overTcp("alice", "secret"),
      await Client.open("127.0.0.80", "bob", "hidden"),
    ];
    const [atA, atB] = [await a.allocated(), await b.allocated()];
    await a.codeOf(StunMethod.createPermission, attributeValue(XOR_PEER_ADDRESS, atB));
    await b.codeOf(
      StunMethod.channelBind,
      attributeValue(CHANNEL_NUMBER, 0x4000),
      attributeValue(XOR_PEER_ADDRESS, atA),
    );
    a.stopReading();
    const before = process.memoryUsage().rss;
    const packet = new Uint8Array(1204);
    packet.set([0x40, 0x00, 0x04, 0xb0]);
    for (let i = 0; i < 40_000; i++) {
      b.send(packet);
      if (i % 50 === 49) await delay(1);
    }
    // 48 MB were sent; what waits for one stream is at most a quarter of a megabyte.
    expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000);
    const dropped = server.metrics().find(({ name }) => name === "naru_turn_dropped_total");
    const sample = (reason: string): number =>
      dropped?.samples.find(({ labels }) => labels["reason"] === reason)?.value ?? 0;
    expect(sample("slow stream") + sample("bandwidth")).toBeGreaterThan(0);
  }, 120_000);
});

function gauge(name: string): number {
  return server.metrics().find((metric) => metric.name === name)?.samples[0]?.value ?? Number.NaN;
}

/** A request of some method without credentials, as short as can be or with something in it. */
function questionOf(i: number, chance: Chance): Uint8Array {
  const methods = Object.values(StunMethod);
  const method = i === 1 ? StunMethod.allocate : (methods[i % methods.length] ?? StunMethod.binding);
  const id = Uint8Array.from({ length: 12 }, () => chance.below(256));
  const builder = new StunMessageBuilder().start("request", method, id);
  if (i === 1 || chance.below(2) === 0) builder.add(REQUESTED_TRANSPORT, 17);
  return builder.finish().slice();
}

/** An attribute with any type and any value. */
function raw(chance: Chance, bytes: Uint8Array) {
  const type = chance.below(2) === 0 ? chance.below(0x30) : chance.below(0x10000);
  const size = Math.min(bytes.length, 500);
  return {
    type,
    name: "raw",
    size: () => size,
    encode: (_value: undefined, target: Uint8Array, offset: number) =>
      target.set(bytes.subarray(0, size), offset),
    decode: () => undefined,
  };
}

function at(ip: string, portNumber: number): TransportAddress {
  const address = TransportAddress.parse(ip.includes(":") ? `[${ip}]:${portNumber}` : `${ip}:${portNumber}`);
  if (address === undefined) throw new Error(`"${ip}" is no address`);
  return address;
}

/** Counts what reaches a port of this machine that nobody should reach. */
class Canary {
  readonly socket: Socket;
  received = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("message", () => this.received++);
  }

  static async open(): Promise<Canary> {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new Canary(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  async close(): Promise<void> {
    this.socket.close();
    await once(this.socket, "close");
  }
}

/** A TURN client that can do wrong, over UDP from any loopback address, or over TCP. */
class Client {
  readonly session: LongTermSession;
  readonly #udp: Socket | undefined;
  readonly #tcp: RawConnection | undefined;
  #tcpRead = 0;
  #waiting: { readonly transactionId: Uint8Array; resolve(bytes: Uint8Array): void } | undefined;
  /** What came without being waited for. */
  unasked = 0;
  receivedBytes = 0;

  private constructor(
    username: string,
    password: string,
    udp: Socket | undefined,
    tcp: RawConnection | undefined,
  ) {
    this.session = new LongTermSession(nodeCrypto, { username, password });
    this.#udp = udp;
    this.#tcp = tcp;
    udp?.on("message", (bytes) => {
      this.receivedBytes += bytes.length;
      const waiting = this.#waiting;
      // Of a flood, answers come later than one waits for them.
      const isAnswer = waiting !== undefined && bytes.subarray(8, 20).equals(waiting.transactionId);
      if (!isAnswer) {
        this.unasked++;
        return;
      }
      this.#waiting = undefined;
      waiting.resolve(new Uint8Array(bytes));
    });
    clients.push(this);
  }

  static async open(host = "127.0.0.20", username = "alice", password = "secret"): Promise<Client> {
    const socket = createSocket("udp4").bind(0, host);
    await once(socket, "listening");
    return new Client(username, password, socket, undefined);
  }

  static async overTcp(username = "alice", password = "secret"): Promise<Client> {
    return new Client(username, password, undefined, await RawConnection.open(port));
  }

  transactionId(): Uint8Array {
    return crypto.getRandomValues(new Uint8Array(12));
  }

  build(method: number, attributes: readonly StunAttributeValue[]): Uint8Array {
    const builder = new StunMessageBuilder()
      .start("request", method, this.transactionId())
      .addAll(attributes);
    this.session.authenticator.authenticate(builder);
    return builder.finish().slice();
  }

  send(bytes: Uint8Array): void {
    if (this.#udp !== undefined) this.#udp.send(bytes, port, "127.0.0.1");
    else this.#tcp?.send(bytes);
  }

  /** Sends and waits for one answer, for so long. */
  async exchange(bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array | undefined> {
    if (this.#tcp !== undefined) return this.#exchangeTcp(this.#tcp, bytes, timeoutMs);
    const answer = new Promise<Uint8Array | undefined>((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting = undefined;
        resolve(undefined);
      }, timeoutMs);
      this.#waiting = {
        transactionId: bytes.slice(8, 20),
        resolve(received) {
          clearTimeout(timer);
          resolve(received);
        },
      };
    });
    this.send(bytes);
    return answer;
  }

  /** A request as clients make it. @returns 0 for success, else the error. */
  async codeOf(method: number, ...attributes: readonly StunAttributeValue[]): Promise<number> {
    const response = await this.request(method, ...attributes);
    return response.get(ERROR_CODE)?.code ?? 0;
  }

  async request(method: number, ...attributes: readonly StunAttributeValue[]): Promise<StunMessage> {
    for (let i = 0; ; i++) {
      const answer = await this.exchange(this.build(method, attributes), 5_000);
      if (answer === undefined) throw new Error("no answer");
      const response = decodeStunMessage(answer);
      const code = response.get(ERROR_CODE)?.code;
      const isChallenge = code === 401 || code === 438;
      if (!isChallenge || i === 2 || !this.session.handleChallenge(response)) return response;
    }
  }

  allocate(...more: readonly StunAttributeValue[]): Promise<number> {
    return this.codeOf(StunMethod.allocate, UDP, ...more);
  }

  async allocated(): Promise<TransportAddress> {
    const relayed = (await this.request(StunMethod.allocate, UDP)).get(XOR_RELAYED_ADDRESS);
    if (relayed === undefined) throw new Error("no allocation");
    return relayed;
  }

  stopReading(): void {
    this.#tcp?.pause();
  }

  /** Gives back what it has, and goes. */
  async leave(): Promise<void> {
    if (this.#udp !== undefined) {
      await this.exchange(this.build(StunMethod.refresh, [attributeValue(LIFETIME, 0)]), 100);
      this.#udp.close();
    }
    this.#tcp?.destroy();
  }

  async #exchangeTcp(
    tcp: RawConnection,
    bytes: Uint8Array,
    timeoutMs: number,
  ): Promise<Uint8Array | undefined> {
    tcp.send(bytes);
    const end = performance.now() + timeoutMs;
    while (performance.now() < end) {
      const received = tcp.bytes.subarray(this.#tcpRead);
      const length =
        received.length < 4 ? Number.POSITIVE_INFINITY : 20 + ((received[2]! << 8) | received[3]!);
      if (received.length >= length) {
        this.#tcpRead += length;
        return received.slice(0, length);
      }
      await delay(1);
    }
    return undefined;
  }
}
