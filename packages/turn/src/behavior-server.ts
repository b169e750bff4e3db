import { type IncomingDatagram, type SocketId, TransportAddress } from "@naru/webrtc/bytes";
import type { PacketArena, PacketSlot } from "@naru/webrtc/kernel";
import { type Core, type Environment, type Millis, Queue } from "@naru/webrtc/sansio";
import {
  AnswerLimiter,
  type AnswerLimiterOptions,
  attributeValue,
  CHANGE_REQUEST,
  DEFAULT_ANSWER_LIMITER_OPTIONS,
  ERROR_CODE,
  MAPPED_ADDRESS,
  OTHER_ADDRESS,
  PADDING,
  RESPONSE_ORIGIN,
  RESPONSE_PORT,
  type StunAttributeValue,
  StunBindingServer,
  StunErrorNumber,
  StunMessage,
  StunMessageBuilder,
  StunMethod,
  type StunServerCounters,
  safeDecodeStunMessage,
  UNKNOWN_ATTRIBUTES,
  XOR_MAPPED_ADDRESS,
} from "@naru/webrtc/stun";

/** One of the four sockets: each of two addresses with each of two ports (RFC 5780 §6). */
export interface BehaviorSocket {
  readonly socket: SocketId;
  /** As clients see it. */
  readonly address: TransportAddress;
}

/** Attributes that have to be understood for NAT behaviour discovery (RFC 5780 §7). */
const UNDERSTOOD: ReadonlySet<number> = new Set(
  [CHANGE_REQUEST, RESPONSE_PORT, PADDING].map(({ type }) => type),
);

/** Answers waiting between two drains: more than a receive batch brings. */
const MAX_WAITING = 1024;

const MAX_UNKNOWN_NAMED = 8;

/** An answer is at most so many times as long as its question: its address may be forged. */
const MAX_AMPLIFICATION = 3.6;

const HEADER_BYTES = 20;

/** Of an address attribute, with its own header. */
const ADDRESS_ATTRIBUTE_BYTES = { 4: 12, 6: 24 } as const;

/**
 * Answers Binding requests so that a client can tell what its NAT does (RFC 5780 §6): from the other address or port, to
 * another port, as long as the request. On sockets that are not among the four it is a plain Binding server.
 */
export class BehaviorServer implements Core<IncomingDatagram, PacketSlot, never> {
  readonly counters: StunServerCounters;
  readonly #plain: StunBindingServer;
  readonly #arena: PacketArena;
  readonly #limiter: AnswerLimiter;
  readonly #sockets: BehaviorSocket[] = [];
  readonly #message = new StunMessage();
  readonly #builder = new StunMessageBuilder();
  readonly #transmits = new Queue<PacketSlot>(MAX_WAITING);

  /** @param arena - Of slots as large as the largest answer with PADDING shall be. */
  constructor(
    environment: Environment,
    arena: PacketArena,
    limits: AnswerLimiterOptions = DEFAULT_ANSWER_LIMITER_OPTIONS,
  ) {
    this.#arena = arena;
    this.#plain = new StunBindingServer(environment, arena, limits);
    this.counters = this.#plain.counters;
    this.#limiter = new AnswerLimiter(limits, environment.random);
  }

  /** Adds one of the four sockets. */
  addSocket(socket: BehaviorSocket): void {
    this.#sockets.push(socket);
  }

  handleInput(datagram: IncomingDatagram, now: Millis): void {
    const here = this.#sockets.find(({ socket }) => socket === datagram.socket);
    if (here === undefined) {
      this.#plain.handleInput(datagram, now);
      return;
    }
    const message = safeDecodeStunMessage(datagram.bytes, this.#message);
    const isRequest =
      typeof message !== "string" &&
      message.method === StunMethod.binding &&
      message.messageClass === "request" &&
      message.checkFingerprint() !== "wrong";
    if (!isRequest) {
      this.counters.ignored++;
      return;
    }
    if (!this.#limiter.allow(datagram.from.ip, now)) {
      this.counters.limited++;
      return;
    }
    this.#answer(here, datagram, message);
  }

  /** Nothing ever waits. */
  handleTimeout(): void {}

  pollTransmit(): PacketSlot | undefined {
    return this.#transmits.shift() ?? this.#plain.pollTransmit();
  }

  pollEvent(): undefined {
    return undefined;
  }

  pollTimeout(): Millis {
    return Number.POSITIVE_INFINITY;
  }

  #answer(here: BehaviorSocket, { bytes, from }: IncomingDatagram, message: StunMessage): void {
    const unknown = message.unknownAttributes(UNDERSTOOD);
    if (unknown.length > 0) {
      this.#send(here, from, message, "error", [
        attributeValue(ERROR_CODE, { code: StunErrorNumber.unknownAttribute, reason: "" }),
        attributeValue(UNKNOWN_ATTRIBUTES, unknown.slice(0, MAX_UNKNOWN_NAMED)),
      ]);
      return;
    }
    const change = message.get(CHANGE_REQUEST);
    const responsePort = message.get(RESPONSE_PORT);
    const padding = message.get(PADDING);
    const source = this.#socketFor(here, change?.changeIp ?? false, change?.changePort ?? false);
    const isMalformed =
      (change === undefined && message.has(CHANGE_REQUEST)) ||
      (responsePort === undefined && message.has(RESPONSE_PORT)) ||
      // RFC 5780 §7.6: a long answer goes to who asked, never to another port.
      (padding !== undefined && responsePort !== undefined) ||
      responsePort === 0;
    if (isMalformed || source === undefined) {
      this.#send(here, from, message, "error", [
        attributeValue(ERROR_CODE, { code: StunErrorNumber.badRequest, reason: "" }),
      ]);
      return;
    }
    const to = responsePort === undefined ? from : new TransportAddress(from.ip, responsePort);
    this.#send(source, to, message, "success", this.#attributes(here, source, from, bytes.length, padding));
  }

  /** What the answer says: what matters most first, as far as it may be long. */
  #attributes(
    here: BehaviorSocket,
    source: BehaviorSocket,
    from: TransportAddress,
    requestBytes: number,
    padding: Uint8Array | undefined,
  ): readonly StunAttributeValue[] {
    const other = this.#socketFor(here, true, true);
    const wanted = [
      attributeValue(XOR_MAPPED_ADDRESS, from),
      ...(other === undefined ? [] : [attributeValue(OTHER_ADDRESS, other.address)]),
      attributeValue(RESPONSE_ORIGIN, source.address),
      attributeValue(MAPPED_ADDRESS, from),
    ];
    const room = requestBytes * MAX_AMPLIFICATION - HEADER_BYTES;
    const values = wanted.slice(0, Math.max(1, Math.floor(room / ADDRESS_ATTRIBUTE_BYTES[from.family])));
    if (padding === undefined) return values;
    // RFC 5780 §6.1: as long as the request, so that it is fragmented on the same paths.
    return [...values, attributeValue(PADDING, new Uint8Array(padding.length))];
  }

  /** The socket with the same address and port, or the others of either. */
  #socketFor(here: BehaviorSocket, changeIp: boolean, changePort: boolean): BehaviorSocket | undefined {
    return this.#sockets.find(
      ({ address }) =>
        address.family === here.address.family &&
        address.ip.equals(here.address.ip) !== changeIp &&
        (address.port === here.address.port) !== changePort,
    );
  }

  #send(
    source: BehaviorSocket,
    to: TransportAddress,
    request: StunMessage,
    messageClass: "success" | "error",
    attributes: readonly StunAttributeValue[],
  ): void {
    const slot = this.#arena.acquire();
    if (slot === undefined) {
      this.counters.dropped++;
      return;
    }
    const fits = attributes.reduce(
      (total, { attribute, value }) => total + 8 + attribute.size(value),
      HEADER_BYTES,
    );
    if (fits > slot.bytes.length) {
      slot.arena.release(slot);
      this.counters.dropped++;
      return;
    }
    this.#builder.useTarget(slot.bytes).start(messageClass, StunMethod.binding, request.transactionId);
    slot.end = this.#builder.addAll(attributes).end;
    slot.to = to;
    slot.socket = source.socket;
    if (!this.#transmits.push(slot)) {
      slot.arena.release(slot);
      this.counters.dropped++;
      return;
    }
    if (messageClass === "success") this.counters.answered++;
    else this.counters.refused++;
  }
}
