import { TransportAddress } from "@naru/webrtc/bytes";
import { PacketArena } from "@naru/webrtc/kernel";
import { nodeCrypto } from "@naru/webrtc/node";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import {
  attributeValue,
  CHANNEL_NUMBER,
  DATA,
  DEFAULT_LONG_TERM_VERIFIER_OPTIONS,
  decodeStunMessage,
  ERROR_CODE,
  LongTermSession,
  REQUESTED_TRANSPORT,
  type StunAttributeValue,
  StunBindingServer,
  type StunMessage,
  StunMessageBuilder,
  StunMethod,
  XOR_PEER_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "@naru/webrtc/stun";
import { SeededRandom } from "@naru/webrtc/testing";
import { writeChannelDataHeader } from "@naru/webrtc/turn";
import {
  combineCredentials,
  createStaticUsers,
  PeerPolicy,
  SharedSecret,
  TurnServer,
  type TurnServerCoreOptions,
  type TurnServerEvent,
} from "../src/core.ts";

export const REALM = "naru";
export const SECRET = "a secret of sixteen bytes or more";
export const RELAY_V4 = "192.0.2.1";
export const RELAY_V6 = "2600:db8::1";
/** The calendar of every bench starts here. */
export const WALL_CLOCK = 1_800_000_000_000;
export const LISTENER = 1;

/** Asks of the server, by kind. */
export type EventOf<Type extends TurnServerEvent["type"]> = Extract<TurnServerEvent, { type: Type }>;

/** What left the server, copied. */
export interface Sent {
  readonly socket: number;
  readonly to: string;
  readonly bytes: Uint8Array;
}

/** The core alone, with whatever is outside of it played by the test: sockets are bound as asked unless it says otherwise. */
export class ServerBench {
  readonly server: TurnServer;
  readonly arena: PacketArena = new PacketArena(256);
  readonly secret: SharedSecret = new SharedSecret(nodeCrypto, SECRET);
  readonly sent: Sent[] = [];
  readonly events: TurnServerEvent[] = [];
  /** Relay sockets that are open, by id: where they are bound. */
  readonly sockets = new Map<number, { readonly transport: string; readonly address: TransportAddress }>();
  /** Answers for the asks to bind that come, instead of success. */
  refuseBind: (address: TransportAddress) => boolean = () => false;
  /** Asks to bind are kept unanswered. */
  holdsBinds = false;
  now = 1_000;
  nextId = 100;

  constructor(options: Partial<TurnServerCoreOptions> = {}) {
    const environment = { crypto: nodeCrypto, random: new SeededRandom("turn"), log: SILENT_LOGGER };
    this.server = new TurnServer(
      environment,
      this.arena,
      {
        relayAddresses: [RELAY_V4, RELAY_V6].map((text) => {
          const { ip } = address(text, 0);
          return { bind: ip, advertise: ip };
        }),
        credentials: combineCredentials([
          createStaticUsers(nodeCrypto, REALM, { alice: "secret", bob: "hidden" }),
          this.secret,
        ]),
        policy: new PeerPolicy(),
        binding: new StunBindingServer(environment, new PacketArena(64, 256)),
        authentication: { ...DEFAULT_LONG_TERM_VERIFIER_OPTIONS, realm: REALM },
        ...options,
      },
      this.now,
      WALL_CLOCK,
    );
    this.server.setOwnAddresses([address(RELAY_V4, 0).ip, address(RELAY_V6, 0).ip]);
  }

  client(from = "198.51.100.7:5000", username = "alice", password = "secret"): TestClient {
    return new TestClient(this, from, username, password);
  }

  /** Feeds a datagram and drains; the bytes are overwritten afterwards, as lent ones may be. */
  datagram(socket: number, from: string, bytes: Uint8Array): readonly Sent[] {
    const lent = bytes.slice();
    this.server.handleInput({ bytes: lent, from: transport(from), socket }, this.now);
    lent.fill(0xdb);
    return this.drain();
  }

  /** Lets time pass, and runs what is due. */
  pass(ms: number): readonly Sent[] {
    const end = this.now + ms;
    for (let at = this.server.pollTimeout(); at <= end; at = this.server.pollTimeout()) {
      this.now = Math.max(this.now, at);
      this.server.handleTimeout(this.now);
      this.drain();
    }
    this.now = end;
    return this.drain();
  }

  /** Takes what has come out since the last time. */
  drain(): readonly Sent[] {
    const fresh: Sent[] = [];
    for (;;) {
      for (let next = this.server.pollTransmit(); next !== undefined; next = this.server.pollTransmit()) {
        if ("arena" in next) {
          fresh.push({
            socket: next.socket,
            to: `${next.to}`,
            bytes: next.bytes.slice(next.start, next.end),
          });
          next.arena.release(next);
        } else fresh.push({ socket: next.socket, to: `${next.to}`, bytes: next.bytes.slice() });
      }
      const event = this.server.pollEvent();
      if (event === undefined) break;
      this.events.push(event);
      this.#handleEvent(event);
    }
    this.sent.push(...fresh);
    return fresh;
  }

  /** Events of one kind so far. */
  eventsOf<Type extends TurnServerEvent["type"]>(type: Type): readonly EventOf<Type>[] {
    return this.events.flatMap((event) => (isOf(event, type) ? [event] : []));
  }

  answerBind(ask: EventOf<"bindRelay">): void {
    if (this.refuseBind(ask.address)) {
      this.server.handleRelayFailed(ask.id, this.now);
      return;
    }
    const socket = this.nextId++;
    this.sockets.set(socket, { transport: ask.transport, address: ask.address });
    this.server.handleRelayBound(ask.id, socket, this.now);
  }

  #handleEvent(event: TurnServerEvent): void {
    if (event.type === "closeRelay") this.sockets.delete(event.socket);
    if (event.type === "bindRelay" && !this.holdsBinds) this.answerBind(event);
  }
}

function isOf<Type extends TurnServerEvent["type"]>(
  event: TurnServerEvent,
  type: Type,
): event is EventOf<Type> {
  return event.type === type;
}

/** A client of the bench: authenticates as clients do, and can do otherwise. */
export class TestClient {
  readonly bench: ServerBench;
  readonly from: string;
  readonly session: LongTermSession;
  /** Socket it talks to; for a stream its own. */
  socket: number = LISTENER;
  #isStream = false;
  #transaction = 0;

  constructor(bench: ServerBench, from: string, username: string, password: string) {
    this.bench = bench;
    this.from = from;
    this.session = new LongTermSession(nodeCrypto, { username, password });
  }

  /** Opens a stream instead of sending datagrams. */
  connect(transport_: "tcp" | "tls" = "tcp"): this {
    this.socket = this.bench.nextId++;
    this.#isStream = true;
    const isTaken = this.bench.server.handleStreamOpened(
      this.socket,
      transport(this.from),
      transport_,
      this.bench.now,
    );
    if (!isTaken) throw new Error("the server does not take the stream");
    return this;
  }

  /** What the server sends to this client because of `bytes`. */
  send(bytes: Uint8Array): readonly Uint8Array[] {
    const { bench } = this;
    let sent: readonly Sent[];
    if (this.#isStream) {
      bench.server.handleStreamData(this.socket, bytes.slice(), bench.now);
      sent = bench.drain();
    } else sent = bench.datagram(this.socket, this.from, bytes);
    return sent
      .filter(({ socket, to }) => socket === this.socket && to === this.from)
      .map(({ bytes }) => bytes);
  }

  /** A transaction id that nobody had. */
  transactionId(): Uint8Array {
    const id = new Uint8Array(12).fill(Number(this.from.split(":").at(-1)) & 0xff);
    id[10] = ++this.#transaction >> 8;
    id[11] = this.#transaction;
    return id;
  }

  build(method: number, attributes: readonly StunAttributeValue[], id = this.transactionId()): Uint8Array {
    const builder = new StunMessageBuilder().start("request", method, id).addAll(attributes);
    this.session.authenticator.authenticate(builder);
    return builder.finish().slice();
  }

  /** One request, without following a challenge. */
  once(method: number, ...attributes: readonly StunAttributeValue[]): StunMessage {
    return one(this.send(this.build(method, attributes)));
  }

  /** A request as a client makes it: challenged, it comes again. */
  request(method: number, ...attributes: readonly StunAttributeValue[]): StunMessage {
    const first = this.once(method, ...attributes);
    const code = first.get(ERROR_CODE)?.code;
    if (code !== 401 && code !== 438) return first;
    return this.session.handleChallenge(first) ? this.once(method, ...attributes) : first;
  }

  /** The error of a request; 0 when it succeeds. */
  codeOf(method: number, ...attributes: readonly StunAttributeValue[]): number {
    return codeOf(this.request(method, ...attributes));
  }

  /** An Allocate request for UDP, and more. */
  allocate(...more: readonly StunAttributeValue[]): StunMessage {
    return this.request(StunMethod.allocate, attributeValue(REQUESTED_TRANSPORT, 17), ...more);
  }

  /** Allocates and answers with the relayed address. */
  allocated(...more: readonly StunAttributeValue[]): TransportAddress {
    const relayed = this.allocate(...more).get(XOR_RELAYED_ADDRESS);
    if (relayed === undefined) throw new Error("no allocation");
    return relayed;
  }

  permit(...peers: readonly string[]): number {
    return this.codeOf(
      StunMethod.createPermission,
      ...peers.map((peer) => attributeValue(XOR_PEER_ADDRESS, transport(peer))),
    );
  }

  bind(channel: number, peer: string): number {
    return this.codeOf(
      StunMethod.channelBind,
      attributeValue(CHANNEL_NUMBER, channel),
      attributeValue(XOR_PEER_ADDRESS, transport(peer)),
    );
  }

  /** What leaves the server because of a Send indication. */
  sendIndication(peer: string, data: Uint8Array, ...more: readonly StunAttributeValue[]): readonly Sent[] {
    const bytes = new StunMessageBuilder()
      .start("indication", StunMethod.send, this.transactionId())
      .add(XOR_PEER_ADDRESS, transport(peer))
      .add(DATA, data)
      .addAll(more)
      .finish();
    return this.bench.datagram(this.socket, this.from, bytes);
  }

  /** What leaves the server because of ChannelData. */
  sendChannelData(channel: number, data: Uint8Array): readonly Sent[] {
    return this.bench.datagram(this.socket, this.from, channelData(channel, data));
  }
}

export function channelData(channel: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + data.length);
  writeChannelDataHeader(bytes, 0, channel, data.length);
  bytes.set(data, 4);
  return bytes;
}

/** The relay socket with that address; throws when there is none. */
export function socketAt(bench: ServerBench, relayed: TransportAddress): number {
  for (const [id, { address: bound }] of bench.sockets) if (bound.equals(relayed)) return id;
  throw new Error(`nothing is bound to ${relayed}`);
}

export function codeOf(response: StunMessage): number {
  return response.get(ERROR_CODE)?.code ?? 0;
}

export function one(answers: readonly Uint8Array[]): StunMessage {
  const [answer, ...more] = answers;
  if (answer === undefined || more.length > 0) throw new Error(`${answers.length} answers instead of one`);
  return decodeStunMessage(answer);
}

export function transport(text: string): TransportAddress {
  const parsed = TransportAddress.parse(text);
  if (parsed === undefined) throw new TypeError(`"${text}" is no transport address`);
  return parsed;
}

export function address(ip: string, port: number): TransportAddress {
  return transport(ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);
}
