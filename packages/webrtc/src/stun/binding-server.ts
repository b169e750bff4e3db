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
import { StunMethod } from "./message-type.ts";

/** What the server did since it was made. */
export interface StunServerCounters {
  /** Binding requests answered with an address. */
  answered: number;
  /** Requests refused with an error. */
  refused: number;
  /** Datagrams that are no Binding request. */
  ignored: number;
  /** Answers withheld because their address asked too often. */
  limited: number;
  /** Answers lost because the arena or the queue was full. */
  dropped: number;
}

/** Beyond RFC 8489 itself, no attribute has to be understood to answer a Binding request. */
const NOTHING_MORE: ReadonlySet<number> = new Set();

/** Answers waiting to be sent between two drains: more than a receive batch brings. */
const MAX_WAITING = 1024;

/** Attribute types named in a 420 answer: enough to see what is wrong, few enough that the answer stays small. */
const MAX_UNKNOWN_NAMED = 8;

/** A reason phrase would make the answer worth more to whoever forges the source address. */
const UNKNOWN_ATTRIBUTE_ERROR = { code: StunErrorNumber.unknownAttribute, reason: "" };

/**
 * Tells clients their reflexive address (RFC 8489 §12): no authentication, no state, and an answer that is as small as it can
 * be, 32 bytes for IPv4 and 44 for IPv6, since whoever forges a source address aims it at a victim.
 *
 * A transmit is an arena slot; it leaves by the socket that the request came in on.
 */
export class StunBindingServer implements Core<IncomingDatagram, PacketSlot, never> {
  readonly counters: StunServerCounters = { answered: 0, refused: 0, ignored: 0, limited: 0, dropped: 0 };
  readonly #arena: PacketArena;
  readonly #limiter: AnswerLimiter;
  readonly #message = new StunMessage();
  readonly #builder = new StunMessageBuilder();
  readonly #transmits = new Queue<PacketSlot>(MAX_WAITING);

  /** @param arena - Of slots with at least 64 bytes. */
  constructor(
    environment: Environment,
    arena: PacketArena,
    limits: AnswerLimiterOptions = DEFAULT_ANSWER_LIMITER_OPTIONS,
  ) {
    this.#arena = arena;
    this.#limiter = new AnswerLimiter(limits, environment.random);
  }

  handleInput(datagram: IncomingDatagram, now: Millis): void {
    const message = safeDecodeStunMessage(datagram.bytes, this.#message);
    if (typeof message === "string" || !isBindingRequest(message)) {
      this.counters.ignored++;
      return;
    }
    if (!this.#limiter.allow(datagram.from.ip, now)) {
      this.counters.limited++;
      return;
    }
    // RFC 8489 §6.3.1: required attributes that are not understood are answered with 420.
    const unknown = message.unknownAttributes(NOTHING_MORE);
    if (unknown.length === 0) this.#answer(datagram);
    else this.#refuse(datagram, unknown);
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

  #answer(request: IncomingDatagram): void {
    const slot = this.#arena.acquire();
    if (slot !== undefined) {
      this.#builder
        .useTarget(slot.bytes, slot.start)
        .start("success", StunMethod.binding, request.bytes, TRANSACTION_ID_OFFSET)
        .add(XOR_MAPPED_ADDRESS, request.from);
    }
    if (this.#send(slot, request)) this.counters.answered++;
  }

  #refuse(request: IncomingDatagram, unknown: readonly number[]): void {
    const slot = this.#arena.acquire();
    if (slot !== undefined) {
      this.#builder
        .useTarget(slot.bytes, slot.start)
        .start("error", StunMethod.binding, request.bytes, TRANSACTION_ID_OFFSET)
        .add(ERROR_CODE, UNKNOWN_ATTRIBUTE_ERROR)
        .add(UNKNOWN_ATTRIBUTES, unknown.slice(0, MAX_UNKNOWN_NAMED));
    }
    if (this.#send(slot, request)) this.counters.refused++;
  }

  /** Queues what has been built into `slot`; counts it as dropped when there is no room. */
  #send(slot: PacketSlot | undefined, request: IncomingDatagram): boolean {
    if (slot === undefined) {
      this.counters.dropped++;
      return false;
    }
    slot.end = this.#builder.end;
    slot.to = request.from;
    slot.socket = request.socket;
    if (this.#transmits.push(slot)) return true;
    this.#arena.release(slot);
    this.counters.dropped++;
    return false;
  }
}

function isBindingRequest(message: StunMessage): boolean {
  return (
    message.method === StunMethod.binding &&
    message.messageClass === "request" &&
    // RFC 8489 §7.3: with a wrong FINGERPRINT it is not STUN. Without one it is (§12).
    message.checkFingerprint() !== "wrong"
  );
}
