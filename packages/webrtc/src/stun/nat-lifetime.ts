import type { IncomingDatagram, OutgoingDatagram, SocketId, TransportAddress } from "../bytes/index.ts";
import {
  type Core,
  type Environment,
  InvalidStateError,
  type Millis,
  Queue,
  randomBytes,
} from "../sansio/index.ts";
import { XOR_MAPPED_ADDRESS } from "./attribute/address.ts";
import { RESPONSE_PORT } from "./attribute/channel-number.ts";
import { NO_AUTHENTICATION } from "./authenticator.ts";
import { TRANSACTION_ID_BYTES } from "./header.ts";
import { StunMessage, safeDecodeStunMessage } from "./message.ts";
import { StunMessageBuilder } from "./message-builder.ts";
import { StunMethod } from "./message-type.ts";
import { NAT_TEST_TIMING } from "./nat-behavior.ts";
import { DEFAULT_TRANSACTION_OPTIONS, type TransactionOptions } from "./transaction-timer.ts";
import { type StunOutcome, StunTransactions } from "./transactions.ts";

export interface NatLifetimeOptions {
  readonly server: TransportAddress;
  /** The socket whose mapping is tested, and another one that is asked by. */
  readonly sockets: readonly [tested: SocketId, asking: SocketId];
  /** The search begins between these. */
  readonly leastMs?: Millis;
  readonly mostMs?: Millis;
  /** It ends when the two bounds are as near as this. */
  readonly precisionMs?: Millis;
  readonly transaction?: Partial<Omit<TransactionOptions, "reliable">>;
}

export type NatLifetimeEvent =
  | {
      /** A mapping that is not used lasts at least so long and less than so long; `Infinity` when it outlasted every test. */
      readonly type: "discovered";
      readonly atLeastMs: Millis;
      readonly lessThanMs: Millis;
    }
  | { readonly type: "unreachable" }
  /** The server does not send answers to another port (RFC 5780 §5). */
  | { readonly type: "unsupported" };

/** NATs are found between 20 seconds and a few minutes; RFC 4787 §4.3 asks for 2 minutes at least. */
const DEFAULT_LEAST_MS = 0;
const DEFAULT_MOST_MS = 300_000;
const DEFAULT_PRECISION_MS = 5_000;

const MAX_WAITING = 8;

/** Opening the mapping from the tested socket, or asking for an answer to it by the other. */
type Step = "open" | "ask";

const NOTHING_MORE: ReadonlySet<number> = new Set();

/**
 * Finds out how long a NAT keeps a mapping that is not used (RFC 5780 §4.6), by a binary search that takes minutes: the
 * mapping of one socket is opened and left alone for a time, then another socket asks the server to answer to it.
 */
export class NatLifetimeDiscovery implements Core<IncomingDatagram, OutgoingDatagram, NatLifetimeEvent> {
  readonly #environment: Environment;
  readonly #options: NatLifetimeOptions;
  readonly #timing: TransactionOptions;
  readonly #transactions = new StunTransactions<Step>();
  readonly #transmits = new Queue<OutgoingDatagram>(MAX_WAITING);
  readonly #events = new Queue<NatLifetimeEvent>(MAX_WAITING);
  readonly #message = new StunMessage();
  readonly #precisionMs: Millis;
  #atLeastMs: Millis;
  #lessThanMs: Millis = Number.POSITIVE_INFINITY;
  #waitMs: Millis;
  /** The port that the NAT gave the tested socket. */
  #mappedPort = 0;
  #askAt: Millis = Number.POSITIVE_INFINITY;
  #isStarted = false;

  /** @throws {RangeError} unless 0 ≤ least < most, and the precision is above 0. */
  constructor(environment: Environment, options: NatLifetimeOptions) {
    const {
      leastMs = DEFAULT_LEAST_MS,
      mostMs = DEFAULT_MOST_MS,
      precisionMs = DEFAULT_PRECISION_MS,
    } = options;
    if (!(leastMs >= 0 && leastMs < mostMs && precisionMs > 0)) {
      throw new RangeError(
        `expected 0 <= leastMs < mostMs and precisionMs > 0, got ${leastMs}, ${mostMs}, ${precisionMs}`,
      );
    }
    this.#environment = environment;
    this.#options = options;
    this.#timing = { ...DEFAULT_TRANSACTION_OPTIONS, ...NAT_TEST_TIMING, ...options.transaction };
    this.#precisionMs = precisionMs;
    this.#atLeastMs = leastMs;
    this.#waitMs = mostMs;
  }

  /**
   * Begins; one event says what came of it.
   *
   * @throws {InvalidStateError} the second time.
   */
  start(now: Millis): void {
    if (this.#isStarted) throw new InvalidStateError("the discovery has been started; make a new one");
    this.#isStarted = true;
    this.#begin("open", now);
  }

  handleInput({ bytes, from, socket }: IncomingDatagram, now: Millis): void {
    if (!from.equals(this.#options.server)) return;
    const message = safeDecodeStunMessage(bytes, this.#message);
    if (typeof message === "string" || message.checkFingerprint() === "wrong") return;
    const outcome = this.#transactions.handleResponse(message, NOTHING_MORE, now);
    if (outcome !== undefined) this.#handleOutcome(outcome, message, socket, now);
  }

  handleTimeout(now: Millis): void {
    for (let due = this.#transactions.expire(now); due !== undefined; due = this.#transactions.expire(now)) {
      if (due.type === "send") this.#send(due.context, due.bytes);
      else this.#handleOutcome(due, undefined, this.#options.sockets[1], now);
    }
    if (this.#askAt > now) return;
    this.#askAt = Number.POSITIVE_INFINITY;
    this.#begin("ask", now);
  }

  pollTransmit(): OutgoingDatagram | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): NatLifetimeEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    return Math.min(this.#askAt, this.#transactions.next());
  }

  #begin(step: Step, now: Millis): void {
    const id = randomBytes(this.#environment.random, TRANSACTION_ID_BYTES);
    const builder = new StunMessageBuilder().start("request", StunMethod.binding, id);
    if (step === "ask") builder.add(RESPONSE_PORT, this.#mappedPort);
    const bytes = builder.addFingerprint().finish().slice();
    this.#transactions.start(bytes, step, NO_AUTHENTICATION, this.#timing, now);
    this.#send(step, bytes);
  }

  #handleOutcome(
    { context, type }: StunOutcome<Step>,
    message: StunMessage | undefined,
    socket: SocketId,
    now: Millis,
  ): void {
    if (context === "open") {
      const mapped = type === "success" ? message?.get(XOR_MAPPED_ADDRESS) : undefined;
      if (mapped === undefined) {
        this.#events.push({ type: "unreachable" });
        return;
      }
      this.#mappedPort = mapped.port;
      this.#askAt = now + this.#waitMs;
      return;
    }
    if (type === "refused") {
      this.#events.push({ type: "unsupported" });
      return;
    }
    // RFC 5780 §4.6: an answer at the asking socket means that the NAT gave it the port of the mapping that is gone.
    const isAlive = type === "success" && socket === this.#options.sockets[0];
    if (isAlive) this.#atLeastMs = this.#waitMs;
    else this.#lessThanMs = this.#waitMs;
    this.#next(now);
  }

  /** Halves what is left, or ends. Each round opens the mapping anew, as NATs that count outbound packets alone need it. */
  #next(now: Millis): void {
    if (
      this.#lessThanMs === Number.POSITIVE_INFINITY ||
      this.#lessThanMs - this.#atLeastMs <= this.#precisionMs
    ) {
      this.#events.push({
        type: "discovered",
        atLeastMs: this.#atLeastMs,
        lessThanMs: this.#lessThanMs,
      });
      return;
    }
    this.#waitMs = (this.#atLeastMs + this.#lessThanMs) / 2;
    this.#begin("open", now);
  }

  #send(step: Step, bytes: Uint8Array): void {
    const [tested, asking] = this.#options.sockets;
    const socket = step === "open" ? tested : asking;
    this.#transmits.push({ bytes, to: this.#options.server, socket });
  }
}
