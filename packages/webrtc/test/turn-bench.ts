import { type IncomingDatagram, type SocketId, TransportAddress } from "../src/bytes/index.ts";
import type { Hmac } from "../src/crypto/index.ts";
import { nodeCrypto } from "../src/node/index.ts";
import { type Environment, type Millis, SILENT_LOGGER } from "../src/sansio/index.ts";
import {
  CHANNEL_NUMBER,
  decodeStunMessage,
  ERROR_CODE,
  LIFETIME,
  longTermKey,
  NONCE,
  REALM,
  type StunClass,
  type StunMessage,
  StunMessageBuilder,
  StunMethod,
  USERNAME,
  XOR_MAPPED_ADDRESS,
  XOR_PEER_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "../src/stun/index.ts";
import { SeededRandom } from "../src/testing/index.ts";
import type { TurnConnectionEvent, TurnTransmit } from "../src/turn/index.ts";

export const SERVER = address("192.0.2.1:3478");
export const MAPPED = address("198.51.100.7:40000");
export const RELAYED = address("192.0.2.1:50000");
export const PEER = address("203.0.113.5:6000");
export const CREDENTIALS = { username: "alice", password: "correct horse" };

const REALM_TEXT = "naru.example";
const KEY: Hmac = nodeCrypto.createHmac(
  "sha-1",
  longTermKey(nodeCrypto, CREDENTIALS.username, REALM_TEXT, CREDENTIALS.password),
);

/** What the test, in the server's place, does with a request: answer it, refuse it with a code, or be silent. */
export type Verdict = "success" | "silence" | number;

/** What the bench asks of a core under test: both kinds of allocation have it. */
export interface BenchedCore<Event> {
  allocate(now: Millis): void;
  handleConnected(id: number, socket: SocketId, now: Millis): void;
  handleInput(input: IncomingDatagram, now: Millis): void;
  handleTimeout(now: Millis): void;
  pollTransmit(): TurnTransmit | undefined;
  pollEvent(): Event | TurnConnectionEvent | undefined;
  pollTimeout(): Millis;
}

/** One request that arrived. */
export interface SeenRequest {
  readonly at: Millis;
  readonly method: number;
  /** Addresses of its peers, as text. */
  readonly peers: readonly string[];
  readonly lifetime: number | undefined;
  readonly channel: number | undefined;
  readonly isAuthenticated: boolean;
  readonly message: StunMessage;
  readonly socket: SocketId;
}

/** The other end of an allocation, played by the test: a clock, a server that answers at once, and what was seen. */
export class TurnBench<Event extends { readonly type: string }> {
  now: Millis = 0;
  /** Requests, in order. */
  readonly seen: SeenRequest[] = [];
  /** ChannelData and indications, in order, as they were sent. */
  readonly packets: Uint8Array[] = [];
  readonly events: (Event | TurnConnectionEvent)[] = [];
  readonly core: BenchedCore<Event>;
  /** What the server does; by default it answers everything. */
  verdict: (request: SeenRequest) => Verdict = () => "success";
  /** Adds to an answer that is no challenge what only this test knows. */
  fill: (request: SeenRequest, builder: StunMessageBuilder) => unknown = () => undefined;
  /** Asks for credentials before anything else, as nearly every server does. */
  wantsCredentials = true;
  nonce = "nonce-1";
  lifetime = 600;
  relayed: readonly TransportAddress[] = [RELAYED];
  /** Who is asked, and answers. */
  server = SERVER;
  /** Opens the connections that are asked for; those of a test that has its own reasons are left alone. */
  opensConnections = true;
  #nextSocket: SocketId = 7;

  constructor(core: BenchedCore<Event>) {
    this.core = core;
  }

  /** Allocates and forgets how. */
  static allocated<Event extends { readonly type: string }>(core: BenchedCore<Event>): TurnBench<Event> {
    const bench = new TurnBench(core);
    bench.allocate();
    bench.seen.length = 0;
    bench.events.length = 0;
    return bench;
  }

  allocate(): void {
    this.core.allocate(this.now);
    this.drain();
  }

  /** Drains the core, answers what it asks, until it has nothing more to say at this moment. */
  drain(): void {
    for (let turns = 0; turns < 200; turns++) {
      if (!this.#drainOnce()) return;
    }
    throw new Error("the core goes on and on at one moment");
  }

  /** Lets time pass, with everything that falls due. */
  runUntil(until: Millis): void {
    this.drain();
    for (let due = this.core.pollTimeout(); due <= until; due = this.core.pollTimeout()) {
      if (due < this.now) throw new Error(`the core wants ${due} at ${this.now}`);
      this.now = due;
      this.core.handleTimeout(due);
      this.drain();
    }
    this.now = until;
  }

  /** Hands bytes to the core as if the server had sent them. */
  deliver(bytes: Uint8Array, from: TransportAddress = this.server, socket: SocketId = this.socket): void {
    this.core.handleInput({ bytes, from, socket }, this.now);
  }

  /** The socket opened last. */
  get socket(): SocketId {
    return this.#nextSocket - 1;
  }

  /** The requests of one method seen so far. */
  requests(method: number): readonly SeenRequest[] {
    return this.seen.filter((request) => request.method === method);
  }

  /** Events of one type seen so far. */
  eventsOf<Type extends Event["type"]>(type: Type): readonly Extract<Event, { readonly type: Type }>[] {
    return this.events.flatMap((event) => (isOfType<Event, Type>(event, type) ? [event] : []));
  }

  /** Answers one request. */
  answer(request: SeenRequest, verdict: Verdict): void {
    if (verdict === "silence") return;
    const builder = startAnswer(request.message, verdict === "success" ? "success" : "error");
    const isChallenge = verdict === 401 || verdict === 438;
    if (verdict !== "success") {
      builder.add(ERROR_CODE, { code: verdict, reason: "" });
      // What challenges cannot be signed.
      if (isChallenge) builder.add(REALM, REALM_TEXT).add(NONCE, this.nonce);
    } else if (request.method === StunMethod.allocate) {
      for (const relayed of this.relayed) builder.add(XOR_RELAYED_ADDRESS, relayed);
      builder.add(XOR_MAPPED_ADDRESS, MAPPED).add(LIFETIME, this.lifetime);
    } else if (request.method === StunMethod.refresh) {
      builder.add(LIFETIME, request.lifetime === 0 ? 0 : this.lifetime);
    }
    if (!isChallenge) this.fill(request, builder);
    if (request.isAuthenticated && !isChallenge) builder.addIntegrity(KEY);
    this.deliver(builder.addFingerprint().finish().slice(), this.server, request.socket);
  }

  #drainOnce(): boolean {
    let hasMore = false;
    for (let out = this.core.pollTransmit(); out !== undefined; out = this.core.pollTransmit()) {
      hasMore = true;
      this.#take(out);
    }
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) {
      hasMore = true;
      this.events.push(event);
      if (isConnect(event) && this.opensConnections) {
        this.core.handleConnected(event.id, this.#nextSocket++, this.now);
      }
    }
    return hasMore;
  }

  #take(out: TurnTransmit): void {
    const bytes = "arena" in out ? out.bytes.slice(out.start, out.end) : out.bytes;
    if ("arena" in out) out.arena.release(out);
    if (out.to !== undefined) this.server = out.to;
    const isRequest = bytes[0]! >>> 6 === 0 && decodeStunMessage(bytes).messageClass === "request";
    if (!isRequest) {
      this.packets.push(bytes);
      return;
    }
    const message = decodeStunMessage(bytes);
    const request: SeenRequest = {
      at: this.now,
      method: message.method,
      peers: message.getAll(XOR_PEER_ADDRESS).map(String),
      lifetime: message.get(LIFETIME),
      channel: message.get(CHANNEL_NUMBER),
      isAuthenticated: message.has(USERNAME) && message.checkIntegrity(KEY) === "valid",
      message,
      socket: out.socket,
    };
    const isChallenged = this.wantsCredentials && !request.isAuthenticated;
    if (!isChallenged) this.seen.push(request);
    this.answer(request, isChallenged ? 401 : this.verdict(request));
  }
}

export function environment(seed = "turn"): Environment<typeof nodeCrypto> {
  return { crypto: nodeCrypto, random: new SeededRandom(seed), log: SILENT_LOGGER };
}

export function address(text: string): TransportAddress {
  const parsed = TransportAddress.parse(text);
  if (parsed === undefined) throw new Error(`"${text}" is no address`);
  return parsed;
}

function startAnswer(request: StunMessage, messageClass: StunClass): StunMessageBuilder {
  return new StunMessageBuilder().start(messageClass, request.method, request.transactionId);
}

function isConnect(event: {
  readonly type: string;
}): event is Extract<TurnConnectionEvent, { type: "connect" }> {
  return event.type === "connect";
}

function isOfType<Event extends { readonly type: string }, Type extends Event["type"]>(
  event: Event | TurnConnectionEvent,
  type: Type,
): event is Extract<Event, { readonly type: Type }> {
  return event.type === type;
}
