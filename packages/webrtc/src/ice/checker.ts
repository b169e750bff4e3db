import type { IncomingDatagram, OutgoingDatagram } from "../bytes/index.ts";
import { type Millis, Queue, type RandomSource } from "../sansio/index.ts";
import {
  DEFAULT_TRANSACTION_OPTIONS,
  type StunMessage,
  StunMessageBuilder,
  type StunOutcome,
  StunTransactions,
} from "../stun/index.ts";
import type { IceRole, IceTimings } from "./agent-options.ts";
import type { CandidatePair } from "./candidate-pair.ts";
import {
  type Arrival,
  CheckAuthenticator,
  type CheckContent,
  encodeCheck,
  ICE_ATTRIBUTES,
} from "./check-message.ts";

/** A check that was sent. */
export interface SentCheck {
  readonly pair: CandidatePair;
  /** One that keeps a valid pair: sent once, never repeated (RFC 7675 §5.1). */
  readonly isLiveness: boolean;
  readonly role: IceRole;
  readonly isNominating: boolean;
}

export type CheckOutcome = StunOutcome<SentCheck>;

/** A silent selected pair is asked twice a second, and each check may be answered for five: never more than so many. */
const MAX_IN_FLIGHT = 12;

/** One turn sends one paced check, and repeats what is due: every pair at most, with room for answers. */
const MAX_TRANSMITS = 512;

/** Over TCP the answer comes or the connection is gone; a silent middlebox is not waited for longer. */
const RELIABLE_TIMEOUT_MS: Millis = 7_000;

/** Makes and sends checks, repeats them, and matches answers to them. What follows from an outcome is the agent's. */
export class Checker {
  readonly #random: RandomSource;
  readonly #timings: IceTimings;
  readonly #transactions = new StunTransactions<SentCheck>();
  readonly #transmits = new Queue<OutgoingDatagram>(MAX_TRANSMITS);
  readonly #arrival: Arrival = { route: 0, from: undefined };
  readonly builder: StunMessageBuilder = new StunMessageBuilder();
  sentCount = 0;

  constructor(random: RandomSource, timings: IceTimings) {
    this.#random = random;
    this.#timings = timings;
  }

  /**
   * Sends a check on a pair that has a route.
   *
   * @param pending - Checks under way and waiting: they share the rate (RFC 8445 §14.3).
   * @param maxSends - For a connectivity check.
   */
  send(
    pair: CandidatePair,
    content: CheckContent,
    isLiveness: boolean,
    pending: number,
    maxSends: number,
    now: Millis,
  ): void {
    const { route, generation, remote, local } = pair;
    if (route === undefined || generation.remoteKey === undefined || pair.checksInFlight >= MAX_IN_FLIGHT)
      return;
    const { rtoMs, paceMs, disconnectedMs } = this.#timings;
    const authenticator = new CheckAuthenticator(pair, this.#arrival);
    const bytes = encodeCheck(this.builder, this.#random, pair, content, authenticator);
    const { role, isNominating } = content;
    const isReliable = local.protocol === "tcp";
    const timing = isLiveness
      ? { rtoMs: disconnectedMs, maxSends: 1, lastWaitFactor: 1 }
      : { rtoMs: Math.max(rtoMs, paceMs * pending), maxSends, lastWaitFactor: 8 };
    this.#transactions.start(
      bytes,
      { pair, isLiveness, role, isNominating },
      authenticator,
      {
        ...DEFAULT_TRANSACTION_OPTIONS,
        ...timing,
        reliable: isReliable && !isLiveness,
        reliableTimeoutMs: RELIABLE_TIMEOUT_MS,
      },
      now,
    );
    pair.checksInFlight++;
    if (pair.checksInFlight === 1 && pair.state !== "succeeded") pair.startedAt = now;
    pair.lastCheckAt = now;
    pair.unansweredSince ??= now;
    if (isLiveness) pair.consentRequestsSent++;
    this.#transmit({ bytes, to: remote.address, socket: route }, pair);
  }

  /** Sends something that is no check: an answer. */
  reply(datagram: OutgoingDatagram): void {
    this.#transmits.push(datagram);
  }

  /** Takes an answer; undefined when it is to nothing that was asked or not to be believed. */
  handleResponse(
    message: StunMessage,
    { from, socket }: IncomingDatagram,
    now: Millis,
  ): CheckOutcome | undefined {
    this.#arrival.route = socket;
    this.#arrival.from = from;
    const outcome = this.#transactions.handleResponse(message, ICE_ATTRIBUTES, now);
    this.#arrival.from = undefined;
    if (outcome !== undefined) outcome.context.pair.checksInFlight--;
    return outcome;
  }

  /** Repeats what is due; the next check that has gone unanswered for too long, or undefined. */
  expire(now: Millis): CheckOutcome | undefined {
    for (let due = this.#transactions.expire(now); due !== undefined; due = this.#transactions.expire(now)) {
      const { pair } = due.context;
      if (due.type === "failure") {
        pair.checksInFlight--;
        return due;
      }
      if (pair.route !== undefined) {
        this.#transmit({ bytes: due.bytes, to: pair.remote.address, socket: pair.route }, pair);
      }
    }
    return undefined;
  }

  /** Forgets the checks of pairs: nothing will come of them. */
  cancel(matches: (pair: CandidatePair) => boolean): void {
    this.#transactions.cancel(({ pair }) => {
      if (!matches(pair)) return false;
      pair.checksInFlight--;
      return true;
    });
  }

  pollTransmit(): OutgoingDatagram | undefined {
    return this.#transmits.shift();
  }

  next(): Millis {
    return this.#transactions.next();
  }

  #transmit(datagram: OutgoingDatagram, pair: CandidatePair): void {
    pair.requestsSent++;
    this.sentCount++;
    // What does not fit is lost as on any network, and sent again in time.
    this.#transmits.push(datagram);
  }
}
