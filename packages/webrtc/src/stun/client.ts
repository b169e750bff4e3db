import {
  type IncomingDatagram,
  type OutgoingDatagram,
  type TransportAddress,
  toHex,
} from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import {
  type AskId,
  type Core,
  type Environment,
  InvalidStateError,
  type Millis,
  Queue,
  randomBytes,
} from "../sansio/index.ts";
import { MAPPED_ADDRESS, XOR_MAPPED_ADDRESS } from "./attribute/address.ts";
import { ERROR_CODE, type StunErrorValue } from "./attribute/error-code.ts";
import { NONCE, REALM } from "./attribute/text.ts";
import { UNKNOWN_ATTRIBUTES } from "./attribute/unknown-attributes.ts";
import { StunErrorNumber } from "./error-number.ts";
import { TRANSACTION_ID_BYTES } from "./header.ts";
import { type LongTermCredentials, LongTermSession } from "./long-term-session.ts";
import { copyStunMessage, StunMessage, safeDecodeStunMessage } from "./message.ts";
import { StunMessageBuilder } from "./message-builder.ts";
import { DEFAULT_TRANSACTION_OPTIONS, type TransactionOptions, TransactionTimer } from "./transaction.ts";

export interface StunClientOptions {
  readonly server: TransportAddress;
  /** Used when the server asks for credentials; without them a 401 ends the request. */
  readonly credentials?: LongTermCredentials;
  /** Attribute types that responses may carry and that have to be understood. */
  readonly understood?: ReadonlySet<number>;
  readonly transaction?: Partial<TransactionOptions>;
}

/** A request to send: its method and what to write between the header and the credentials. */
export interface StunRequest {
  readonly method: number;
  /** Adds the attributes. Called again for a retry with other credentials, so it must always add the same. */
  readonly attributes?: (builder: StunMessageBuilder) => void;
}

export type StunClientEvent =
  | {
      readonly type: "success";
      readonly id: AskId;
      /** Owns its bytes. */
      readonly response: StunMessage;
      /** From the first send to the answer; undefined when the request had been repeated and it is not known which was answered. */
      readonly roundTripMs: Millis | undefined;
    }
  | {
      readonly type: "failure";
      readonly id: AskId;
      readonly reason: StunFailureReason;
      /** What the server said, when it refused. */
      readonly error?: StunErrorValue;
      /** The refusal, with what else it carries (ALTERNATE-SERVER, for example). Owns its bytes. */
      readonly response?: StunMessage;
    };

/**
 * `timeout`: no answer. `refused`: an error answer. `integrity`: only answers came that were not made with our key.
 * `unsupported`: the answer has attributes that have to be understood and are not.
 */
export type StunFailureReason = "timeout" | "refused" | "integrity" | "unsupported";

interface Transaction {
  readonly id: AskId;
  readonly request: StunRequest;
  /** The transaction id in hexadecimal. */
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly timer: TransactionTimer;
  /** Retries after 401 and 438 so far. */
  readonly retries: number;
  /** The nonce it was sent with. */
  readonly nonce: string | undefined;
  /** An answer was discarded because its integrity was wrong. */
  violated: boolean;
}

/** Requests under way at once: an allocation refreshes permissions and channels one by one, so this is plenty. */
const MAX_TRANSACTIONS = 64;

/** A stale nonce once, a 401 before it: a server that goes on asking is not worth asking. */
const MAX_RETRIES = 3;

const UNDERSTOOD_IN_RESPONSES: readonly number[] = [
  MAPPED_ADDRESS,
  XOR_MAPPED_ADDRESS,
  ERROR_CODE,
  UNKNOWN_ATTRIBUTES,
  REALM,
  NONCE,
].map((attribute) => attribute.type);

/**
 * Asks one STUN or TURN server: repeats requests until they are answered (RFC 8489 §6.2), authenticates with long-term
 * credentials when the server wants them (§9.2), and says what came of each request.
 */
export class StunClient implements Core<IncomingDatagram, OutgoingDatagram, StunClientEvent> {
  readonly #environment: Environment<CryptoProvider>;
  readonly #server: TransportAddress;
  readonly #understood: ReadonlySet<number>;
  readonly #options: TransactionOptions;
  readonly #session: LongTermSession | undefined;
  readonly #transactions = new Map<string, Transaction>();
  readonly #transmits = new Queue<OutgoingDatagram>(MAX_TRANSACTIONS * 2);
  readonly #events = new Queue<StunClientEvent>(MAX_TRANSACTIONS * 2);
  readonly #builder = new StunMessageBuilder();
  readonly #message = new StunMessage();
  #nextId: AskId = 1;

  constructor(environment: Environment<CryptoProvider>, options: StunClientOptions) {
    this.#environment = environment;
    this.#server = options.server;
    this.#understood = new Set([...UNDERSTOOD_IN_RESPONSES, ...(options.understood ?? [])]);
    this.#options = { ...DEFAULT_TRANSACTION_OPTIONS, ...options.transaction };
    this.#session =
      options.credentials === undefined
        ? undefined
        : new LongTermSession(environment.crypto, options.credentials);
  }

  /**
   * Sends a request.
   *
   * @returns the id that its `success` or `failure` event will carry.
   * @throws {InvalidStateError} when 64 requests are under way.
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
    for (const transaction of this.#transactions.values()) {
      if (transaction.id === id) this.#end(transaction);
    }
  }

  handleInput({ bytes, from }: IncomingDatagram, now: Millis): void {
    if (!from.equals(this.#server)) return;
    const message = safeDecodeStunMessage(bytes, this.#message);
    if (typeof message !== "string") this.handleMessage(message, now);
  }

  /**
   * Takes a message that a parent core has decoded.
   *
   * @param message - Lent for the call.
   * @returns whether it was a response to one of our requests.
   */
  handleMessage(message: StunMessage, now: Millis): boolean {
    const { messageClass } = message;
    if (messageClass !== "success" && messageClass !== "error") return false;
    const transaction = this.#transactions.get(message.transactionKey);
    if (transaction === undefined) return false;
    if (message.method !== transaction.request.method) return false;
    if (messageClass === "success") this.#handleSuccess(transaction, message, now);
    else this.#handleError(transaction, message, now);
    return true;
  }

  handleTimeout(now: Millis): void {
    for (const transaction of [...this.#transactions.values()]) {
      switch (transaction.timer.expire(now)) {
        case "send":
          this.#transmits.push({ bytes: transaction.bytes, to: this.#server });
          break;
        case "fail":
          // RFC 8489 §9.2.5: if every answer was discarded for its integrity, that is what went wrong.
          this.#fail(transaction, transaction.violated ? "integrity" : "timeout");
          break;
        case undefined:
          break;
      }
    }
  }

  pollTransmit(): OutgoingDatagram | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): StunClientEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { timer } of this.#transactions.values()) earliest = Math.min(earliest, timer.deadline);
    return earliest;
  }

  #start(id: AskId, request: StunRequest, retries: number, now: Millis): void {
    const transactionId = randomBytes(this.#environment.random, TRANSACTION_ID_BYTES);
    const builder = this.#builder.start("request", request.method, transactionId);
    request.attributes?.(builder);
    this.#session?.authenticate(builder);
    const bytes = builder.addFingerprint().finish().slice();
    const transaction: Transaction = {
      id,
      request,
      key: toHex(transactionId),
      bytes,
      timer: new TransactionTimer(this.#options, now),
      retries,
      nonce: this.#session?.nonce,
      violated: false,
    };
    this.#transactions.set(transaction.key, transaction);
    this.#transmits.push({ bytes, to: this.#server });
  }

  #handleSuccess(transaction: Transaction, message: StunMessage, now: Millis): void {
    if (!this.#checkIntegrity(transaction, message)) return;
    // RFC 8489 §6.3.3: a response with unknown required attributes is discarded and its transaction has failed.
    if (message.unknownAttributes(this.#understood).length > 0) {
      this.#fail(transaction, "unsupported");
      return;
    }
    this.#end(transaction);
    const roundTripMs = transaction.timer.sends === 1 ? now - transaction.timer.startedAt : undefined;
    this.#events.push({
      type: "success",
      id: transaction.id,
      response: copyStunMessage(message),
      roundTripMs,
    });
  }

  #handleError(transaction: Transaction, message: StunMessage, now: Millis): void {
    const error = message.get(ERROR_CODE);
    if (error === undefined) return;
    const isChallenge =
      error.code === StunErrorNumber.unauthenticated || error.code === StunErrorNumber.staleNonce;
    // The server cannot sign a challenge for a client it does not know yet; all else it can.
    if (!isChallenge && !this.#checkIntegrity(transaction, message)) return;
    if (isChallenge && this.#retry(transaction, message, now)) return;
    // RFC 8489 §6.3.4: 5xx may be repeated a limited number of times: the owner's decision.
    this.#end(transaction);
    const response = copyStunMessage(message);
    this.#events.push({ type: "failure", id: transaction.id, reason: "refused", error, response });
  }

  #retry(transaction: Transaction, message: StunMessage, now: Millis): boolean {
    if (this.#session === undefined || transaction.retries >= MAX_RETRIES) return false;
    // Another request of ours has learnt the new nonce since this one was sent: no need to take it in again.
    const alreadyKnown = this.#session.nonce !== transaction.nonce;
    if (!alreadyKnown && !this.#session.handleChallenge(message)) return false;
    this.#end(transaction);
    this.#start(transaction.id, transaction.request, transaction.retries + 1, now);
    return true;
  }

  /** False when the response has to be treated as never received. */
  #checkIntegrity(transaction: Transaction, message: StunMessage): boolean {
    // Only a request that carried credentials can be answered with a MAC.
    if (transaction.nonce === undefined || this.#session === undefined) return true;
    if (this.#session.isAuthentic(message)) return true;
    transaction.violated = true;
    // RFC 8489 §9.2.5: over a reliable transport no other answer will come.
    if (this.#options.reliable) this.#fail(transaction, "integrity");
    return false;
  }

  #fail(transaction: Transaction, reason: StunFailureReason): void {
    this.#end(transaction);
    this.#events.push({ type: "failure", id: transaction.id, reason });
  }

  #end(transaction: Transaction): void {
    this.#transactions.delete(transaction.key);
  }
}
