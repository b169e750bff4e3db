import type { IncomingDatagram } from "../bytes/index.ts";
import type { PacketArena, PacketSlot } from "../kernel/index.ts";
import { type Core, type Environment, type Millis, Queue } from "../sansio/index.ts";
import {
  AnswerLimiter,
  type AnswerLimiterOptions,
  DEFAULT_ANSWER_LIMITER_OPTIONS,
} from "./answer-limiter.ts";
import { XOR_MAPPED_ADDRESS } from "./attribute/address.ts";
import { ERROR_CODE } from "./attribute/error-code.ts";
import { UNKNOWN_ATTRIBUTES } from "./attribute/unknown-attributes.ts";
import { StunErrorNumber } from "./error-number.ts";
import { TRANSACTION_ID_OFFSET } from "./header.ts";
import { StunMessage, safeDecodeStunMessage } from "./message.ts";
import { StunMessageBuilder } from "./message-builder.ts";
import { type StunClass, StunMethod } from "./message-type.ts";

/** What the server did since it was made. */
export interface StunServerCounters {
  /** Binding requests answered with an address. */
  answered: number;
  /** Requests refused with an error. */
  refused: number;
  /** Datagrams that are no STUN request for this server. */
  ignored: number;
  /** Answers withheld because one address asked too often, or the arena was full. */
  limited: number;
}

/** No attribute of a Binding request has to be understood to answer it. */
const UNDERSTOOD: ReadonlySet<number> = new Set();

/** Answers waiting to be sent between two drains: more than a receive batch brings. */
const MAX_WAITING = 1024;

/** Attribute types named in a 420 answer: enough to see what is wrong, few enough that the answer stays small. */
const MAX_UNKNOWN_NAMED = 8;

/**
 * Tells clients their reflexive address (RFC 8489 §12): no authentication, no state, and an answer that is as small as it can
 * be, 32 bytes for IPv4 and 44 for IPv6, since whoever forges a source address aims it at a victim.
 *
 * A transmit is an arena slot with its destination; whoever sends it releases it.
 */
export class StunBindingServer implements Core<IncomingDatagram, PacketSlot, never> {
  readonly counters: StunServerCounters = { answered: 0, refused: 0, ignored: 0, limited: 0 };
  readonly #arena: PacketArena;
  readonly #limiter: AnswerLimiter;
  readonly #message = new StunMessage();
  readonly #builder = new StunMessageBuilder();
  readonly #transmits = new Queue<PacketSlot>(MAX_WAITING);

  constructor(
    environment: Environment,
    arena: PacketArena,
    limits: AnswerLimiterOptions = DEFAULT_ANSWER_LIMITER_OPTIONS,
  ) {
    this.#arena = arena;
    this.#limiter = new AnswerLimiter(limits, environment.random);
  }

  handleInput({ bytes, from }: IncomingDatagram, now: Millis): void {
    const message = safeDecodeStunMessage(bytes, this.#message);
    if (
      typeof message === "string" ||
      message.method !== StunMethod.binding ||
      message.messageClass !== "request"
    ) {
      this.counters.ignored++;
      return;
    }
    if (!this.#limiter.allow(from.ip, now)) {
      this.counters.limited++;
      return;
    }
    // RFC 8489 §6.3.1: required attributes that are not understood are answered with 420.
    const unknown = message.unknownAttributes(UNDERSTOOD);
    if (unknown.length > 0) {
      this.counters.refused++;
      this.#answer("error", from, (builder) =>
        builder
          .add(ERROR_CODE, { code: StunErrorNumber.unknownAttribute, reason: "" })
          .add(UNKNOWN_ATTRIBUTES, unknown.slice(0, MAX_UNKNOWN_NAMED)),
      );
      return;
    }
    this.counters.answered++;
    this.#answer("success", from, (builder) => builder.add(XOR_MAPPED_ADDRESS, from));
  }

  /** Nothing ever waits. */
  handleTimeout(): void {}

  pollTransmit(): PacketSlot | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): undefined {
    return undefined;
  }

  pollTimeout(): Millis {
    return Number.POSITIVE_INFINITY;
  }

  #answer(
    messageClass: StunClass,
    to: IncomingDatagram["from"],
    fill: (builder: StunMessageBuilder) => StunMessageBuilder,
  ): void {
    const slot = this.#arena.acquire();
    if (slot === undefined) {
      this.counters.limited++;
      return;
    }
    this.#builder.useTarget(slot.bytes, slot.start);
    fill(this.#builder.start(messageClass, StunMethod.binding, this.#message.bytes, TRANSACTION_ID_OFFSET));
    slot.end = this.#builder.end;
    slot.to = to;
    if (this.#transmits.push(slot)) return;
    this.#arena.release(slot);
    this.counters.limited++;
  }
}
