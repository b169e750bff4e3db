import type { IncomingDatagram, OutgoingDatagram, SocketId, TransportAddress } from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import {
  type AskId,
  assert,
  type Core,
  type Environment,
  InvalidStateError,
  type Millis,
  Queue,
  randomBytes,
} from "../sansio/index.ts";
import type { StunAttributeValue } from "./attribute/attribute.ts";
import type { StunErrorValue } from "./attribute/error-code.ts";
import { NO_AUTHENTICATION, type StunAuthenticator } from "./authenticator.ts";
import { StunErrorNumber } from "./error-number.ts";
import { TRANSACTION_ID_BYTES } from "./header.ts";
import { type LongTermCredentials, LongTermSession } from "./long-term-session.ts";
import { copyStunMessage, StunMessage, safeDecodeStunMessage } from "./message.ts";
import { StunMessageBuilder } from "./message-builder.ts";
import { DEFAULT_TRANSACTION_OPTIONS, type TransactionOptions } from "./transaction-timer.ts";
import { type StunFailureReason, type StunOutcome, StunTransactions } from "./transactions.ts";

export interface StunClientOptions {
  readonly server: TransportAddress;
  /** By which socket the server is reached. */
  readonly socket: SocketId;
  /** Used when the server asks for credentials; without them a 401 ends the request. */
  readonly credentials?: LongTermCredentials;
  /** In place of credentials: what has been agreed with the same server over another connection. */
  readonly session?: LongTermSession;
  /** Attribute types beyond RFC 8489 that responses may carry and that have to be understood. */
  readonly understood?: ReadonlySet<number>;
  /** Timing; the defaults are the standard's. */
  readonly transaction?: Partial<TransactionOptions>;
}

/** A request to send: its method, and what comes between the header and the credentials. */
export interface StunRequest {
  readonly method: number;
  readonly attributes?: readonly StunAttributeValue[];
}

export type StunClientEvent =
  | {
      readonly type: "success";
      readonly id: AskId;
      /** Owns its bytes. */
      readonly response: StunMessage;
      /** From the first send to the answer; undefined when the request was repeated and either may have been answered. */
      readonly roundTripMs: Millis | undefined;
    }
  | {
      readonly type: "refused";
      readonly id: AskId;
      readonly error: StunErrorValue;
      /** The whole refusal, with what else it carries (ALTERNATE-SERVER, for example). Owns its bytes. */
      readonly response: StunMessage;
    }
  | { readonly type: "failure"; readonly id: AskId; readonly reason: StunFailureReason };

/** Datagrams the client did not take, by reason. */
export interface StunClientCounters {
  /** From an address that is not the server's, or no STUN message, or with a wrong FINGERPRINT. */
  ignored: number;
  /** Not an answer to a request that is under way, or not authentic. */
  unmatched: number;
}

interface Context {
  readonly id: AskId;
  readonly request: StunRequest;
  /** Retries after 401 and 438 so far. */
  readonly retries: number;
  readonly authenticator: StunAuthenticator;
}

/** Requests under way at once: an allocation refreshes permissions and channels one by one, so this is plenty. */
const MAX_TRANSACTIONS = 64;

/** A 401 first, then a stale nonce or two: a server that goes on asking is not worth asking. */
const MAX_RETRIES = 3;

const NOTHING_MORE: ReadonlySet<number> = new Set();

/**
 * Asks one STUN or TURN server: repeats requests until they are answered (RFC 8489 §6.2), authenticates with long-term
 * credentials when the server wants them (§9.2), and says what came of each request.
 */
export class StunClient implements Core<IncomingDatagram, OutgoingDatagram, StunClientEvent> {
  readonly counters: StunClientCounters = { ignored: 0, unmatched: 0 };
  readonly #environment: Environment<CryptoProvider>;
  readonly #server: TransportAddress;
  readonly #socket: SocketId;
  readonly #understood: ReadonlySet<number>;
  readonly #options: TransactionOptions;
  readonly #session: LongTermSession | undefined;
  readonly #transactions = new StunTransactions<Context>();
  /** Each transaction has at most one send waiting, and ends with one event. */
  readonly #transmits = new Queue<OutgoingDatagram>(MAX_TRANSACTIONS * 4);
  readonly #events = new Queue<StunClientEvent>(MAX_TRANSACTIONS * 4);
  readonly #builder = new StunMessageBuilder();
  readonly #message = new StunMessage();
  #nextId: AskId = 1;

  constructor(environment: Environment<CryptoProvider>, options: StunClientOptions) {
    const { server, socket, credentials, session, understood, transaction } = options;
    this.#environment = environment;
    this.#server = server;
    this.#socket = socket;
    this.#understood = understood ?? NOTHING_MORE;
    this.#options = { ...DEFAULT_TRANSACTION_OPTIONS, ...transaction };
    this.#session = session ?? (credentials && new LongTermSession(environment.crypto, credentials));
  }

  /**
   * Sends a request.
   *
   * @returns the id that the event which ends it will carry.
   * @throws {InvalidStateError} when 64 requests are under way.
   * @throws {RangeError} when an attribute's value is not one it can have.
   */
  request(request: StunRequest, now: Millis): AskId {
    if (this.#transactions.size >= MAX_TRANSACTIONS) {
      throw new InvalidStateError(`${MAX_TRANSACTIONS} STUN requests are under way; wait for one to end`);
    }
    const id = this.#nextId++;
    this.#start(id, request, 0, now);
    return id;
  }

  /** Forgets a request: no event will come of it. */
  cancel(id: AskId): void {
    this.#transactions.cancel((context) => context.id === id);
  }

  handleInput({ bytes, from }: IncomingDatagram, now: Millis): void {
    const message = from.equals(this.#server) ? safeDecodeStunMessage(bytes, this.#message) : "not-stun";
    // RFC 8489 §7.3: with a wrong FINGERPRINT it is not STUN, whatever it looks like.
    if (typeof message === "string" || message.checkFingerprint() === "wrong") {
      this.counters.ignored++;
      return;
    }
    if (!this.handleMessage(message, now)) this.counters.unmatched++;
  }

  /**
   * Takes a message that a parent core has decoded.
   *
   * @param message - Lent for the call.
   * @returns whether it ended or moved on one of our requests.
   */
  handleMessage(message: StunMessage, now: Millis): boolean {
    const outcome = this.#transactions.handleResponse(message, this.#understood, now);
    if (outcome === undefined) return false;
    this.#handleOutcome(outcome, message, now);
    return true;
  }

  /** No answer will come any more: the connection is lost, or the network said that the server cannot be reached. */
  handleTransportFailure(): void {
    for (const outcome of this.#transactions.failAll("transport")) {
      if (outcome.type === "failure") this.#emit({ ...outcome, id: outcome.context.id });
    }
  }

  handleTimeout(now: Millis): void {
    for (let due = this.#transactions.expire(now); due !== undefined; due = this.#transactions.expire(now)) {
      if (due.type === "send") this.#send(due.bytes);
      else this.#emit({ type: "failure", id: due.context.id, reason: due.reason });
    }
  }

  pollTransmit(): OutgoingDatagram | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): StunClientEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    return this.#transactions.next();
  }

  #start(id: AskId, request: StunRequest, retries: number, now: Millis): void {
    const authenticator = this.#session?.authenticator ?? NO_AUTHENTICATION;
    const builder = this.#builder
      .start("request", request.method, randomBytes(this.#environment.random, TRANSACTION_ID_BYTES))
      .addAll(request.attributes ?? []);
    authenticator.authenticate(builder);
    const bytes = builder.addFingerprint().finish().slice();
    this.#transactions.start(
      bytes,
      { id, request, retries, authenticator },
      authenticator,
      this.#options,
      now,
    );
    this.#send(bytes);
  }

  #handleOutcome(outcome: StunOutcome<Context>, message: StunMessage, now: Millis): void {
    const { id, request, retries } = outcome.context;
    switch (outcome.type) {
      case "success":
        this.#emit({
          type: "success",
          id,
          response: copyStunMessage(message),
          roundTripMs: outcome.roundTripMs,
        });
        return;
      case "refused":
        if (this.#canRetry(outcome.context, outcome.error.code, message)) {
          this.#start(id, request, retries + 1, now);
          return;
        }
        // RFC 8489 §6.3.4: 5xx may be tried again a limited number of times: the owner's decision.
        this.#emit({ type: "refused", id, error: outcome.error, response: copyStunMessage(message) });
        return;
      case "failure":
        this.#emit({ type: "failure", id, reason: outcome.reason });
        return;
      default:
        outcome satisfies never;
    }
  }

  #canRetry(context: Context, code: number, message: StunMessage): boolean {
    const isChallenge = code === StunErrorNumber.unauthenticated || code === StunErrorNumber.staleNonce;
    if (!isChallenge || this.#session === undefined || context.retries >= MAX_RETRIES) return false;
    // Another request has met the same challenge since this one was sent: what it learnt serves this one too.
    if (this.#session.authenticator !== context.authenticator) return true;
    return this.#session.handleChallenge(message);
  }

  #send(bytes: Uint8Array): void {
    // What does not fit is lost as on any network, and sent again in time.
    this.#transmits.push({ bytes, to: this.#server, socket: this.#socket });
  }

  #emit(event: StunClientEvent): void {
    assert(this.#events.push(event), "a STUN client has room for the events of all its requests");
  }
}
