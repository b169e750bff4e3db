import { equalBytes, readUint32 } from "../bytes/index.ts";
import type { Millis } from "../sansio/index.ts";
import { ERROR_CODE, type StunErrorValue } from "./attribute/error-code.ts";
import type { StunAuthenticator } from "./authenticator.ts";
import { TRANSACTION_ID_BYTES, TRANSACTION_ID_OFFSET } from "./header.ts";
import type { StunMessage } from "./message.ts";
import { type TransactionOptions, TransactionTimer } from "./transaction-timer.ts";

/** A request that has been sent and not been answered. */
interface Transaction<Context> {
  readonly context: Context;
  readonly bytes: Uint8Array;
  readonly authenticator: StunAuthenticator;
  readonly timer: TransactionTimer;
  /** An answer was discarded because it was not authentic. */
  violated: boolean;
}

/**
 * Why a request has no answer. `timeout`: none came. `integrity`: only answers that are not authentic came.
 * `unsupported`: the answer has attributes that have to be understood and are not. `malformed`: an error answer without
 * an error code. `transport`: what carried the request is gone.
 */
export type StunFailureReason = "timeout" | "integrity" | "unsupported" | "malformed" | "transport";

/** How a request ended; `context` is what its owner gave for it. */
export type StunOutcome<Context> =
  | {
      readonly type: "success";
      readonly context: Context;
      /** From the first send to the answer; undefined when the request was repeated and either may have been answered. */
      readonly roundTripMs: Millis | undefined;
    }
  | { readonly type: "refused"; readonly context: Context; readonly error: StunErrorValue }
  | { readonly type: "failure"; readonly context: Context; readonly reason: StunFailureReason };

/** What {@link StunTransactions.expire} finds due. */
export type StunDue<Context> =
  | { readonly type: "send"; readonly context: Context; readonly bytes: Uint8Array }
  | Extract<StunOutcome<Context>, { type: "failure" }>;

/**
 * Requests under way: matches answers to them, checks who made the answers, repeats and gives up (RFC 8489 §6.2, §6.3.3, §6.3.4). It
 * neither builds nor sends: its owner, a client of one server or an ICE agent with a check per pair, does.
 */
export class StunTransactions<Context> {
  readonly #transactions = new Map<number, Transaction<Context>>();

  /** How many requests are under way. */
  get size(): number {
    return this.#transactions.size;
  }

  /**
   * Takes note of a request that is being sent now.
   *
   * @param bytes - The whole message; kept for repetition, and not to be written to.
   */
  start(
    bytes: Uint8Array,
    context: Context,
    authenticator: StunAuthenticator,
    options: TransactionOptions,
    now: Millis,
  ): void {
    const timer = new TransactionTimer(options, now);
    this.#transactions.set(keyOf(bytes), { context, bytes, authenticator, timer, violated: false });
  }

  /** Forgets requests whose context `matches`: nothing will come of them. */
  cancel(matches: (context: Context) => boolean): void {
    for (const [key, transaction] of this.#transactions) {
      if (matches(transaction.context)) this.#transactions.delete(key);
    }
  }

  /**
   * Takes a response.
   *
   * @param understood - Attribute types that it may carry and that have to be understood.
   * @returns how the request ended; undefined when none did: the response is not to one of ours, or is to be treated as if it
   *   had never come.
   */
  handleResponse(
    message: StunMessage,
    understood: ReadonlySet<number>,
    now: Millis,
  ): StunOutcome<Context> | undefined {
    const transaction = this.#match(message);
    if (transaction === undefined) return undefined;
    const { context, timer } = transaction;
    const error = message.messageClass === "error" ? message.get(ERROR_CODE) : undefined;
    if (!transaction.authenticator.accepts(message, error?.code)) {
      transaction.violated = true;
      // RFC 8489 §9.1.4, §9.2.5: over a reliable transport no other answer will come.
      return timer.isReliable ? this.#fail(transaction, "integrity") : undefined;
    }
    // RFC 8489 §6.3.3, §6.3.4: unknown required attributes, or an error without a code, end the transaction.
    if (message.unknownAttributes(understood).length > 0) return this.#fail(transaction, "unsupported");
    if (message.messageClass === "error") {
      if (error === undefined) return this.#fail(transaction, "malformed");
      this.#end(transaction);
      return { type: "refused", context, error };
    }
    this.#end(transaction);
    const roundTripMs = timer.sends === 1 ? now - timer.startedAt : undefined;
    return { type: "success", context, roundTripMs };
  }

  /** The next thing due at `now`: bytes to send again, or a request to give up. Call until undefined. */
  expire(now: Millis): StunDue<Context> | undefined {
    for (const transaction of this.#transactions.values()) {
      const due = transaction.timer.expire(now);
      if (due === "send") return { type: "send", context: transaction.context, bytes: transaction.bytes };
      // RFC 8489 §9.2.5: if every answer was discarded for its integrity, that is what went wrong.
      if (due === "fail") return this.#fail(transaction, transaction.violated ? "integrity" : "timeout");
    }
    return undefined;
  }

  /** Ends every request: an ICMP error or a lost connection says that no answer will come (RFC 8489 §6.2.1, §6.2.2). */
  failAll(reason: StunFailureReason): StunOutcome<Context>[] {
    return [...this.#transactions.values()].map((transaction) => this.#fail(transaction, reason));
  }

  /** When {@link expire} has something to do; `Infinity` for never. */
  next(): Millis {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { timer } of this.#transactions.values()) earliest = Math.min(earliest, timer.deadline);
    return earliest;
  }

  #match(message: StunMessage): Transaction<Context> | undefined {
    const { bytes, messageClass } = message;
    if (messageClass === "request" || messageClass === "indication") return undefined;
    const transaction = this.#transactions.get(keyOf(bytes));
    if (transaction === undefined || !isAnswerTo(transaction.bytes, message)) return undefined;
    return transaction;
  }

  #fail(
    transaction: Transaction<Context>,
    reason: StunFailureReason,
  ): Extract<StunOutcome<Context>, { type: "failure" }> {
    this.#end(transaction);
    return { type: "failure", context: transaction.context, reason };
  }

  #end(transaction: Transaction<Context>): void {
    this.#transactions.delete(keyOf(transaction.bytes));
  }
}

/** 52 bits of the transaction id as a number, which a `Map` finds faster than text. */
function keyOf(bytes: Uint8Array): number {
  return (
    (readUint32(bytes, TRANSACTION_ID_OFFSET) & 0x000f_ffff) * 0x1_0000_0000 +
    readUint32(bytes, TRANSACTION_ID_OFFSET + 4)
  );
}

/** Same transaction id, same method: the type differs in nothing but its class bits. */
function isAnswerTo(request: Uint8Array, response: StunMessage): boolean {
  const id = request.subarray(TRANSACTION_ID_OFFSET, TRANSACTION_ID_OFFSET + TRANSACTION_ID_BYTES);
  const sameMethod =
    (request[0]! & 0x3e) === (response.bytes[0]! & 0x3e) &&
    (request[1]! & 0xef) === (response.bytes[1]! & 0xef);
  return sameMethod && equalBytes(response.transactionId, id);
}
