import {
  type IncomingDatagram,
  type OutgoingDatagram,
  type SocketId,
  TransportAddress,
} from "../bytes/index.ts";
import {
  type Core,
  type Environment,
  InvalidStateError,
  type Millis,
  Queue,
  randomBytes,
} from "../sansio/index.ts";
import { OTHER_ADDRESS, XOR_MAPPED_ADDRESS } from "./attribute/address.ts";
import { CHANGE_REQUEST } from "./attribute/change-request.ts";
import { NO_AUTHENTICATION } from "./authenticator.ts";
import { TRANSACTION_ID_BYTES } from "./header.ts";
import { StunMessage, safeDecodeStunMessage } from "./message.ts";
import { StunMessageBuilder } from "./message-builder.ts";
import { StunMethod } from "./message-type.ts";
import { DEFAULT_TRANSACTION_OPTIONS, type TransactionOptions } from "./transaction-timer.ts";
import { StunTransactions } from "./transactions.ts";

/** How a NAT maps, or filters, by the remote address (RFC 4787 §4.1, §5). */
export type NatBehavior = "endpointIndependent" | "addressDependent" | "addressAndPortDependent";

export interface NatBehaviorOptions {
  readonly server: TransportAddress;
  /** By which socket; it should not have sent anything before (RFC 5780 §4.1). */
  readonly socket: SocketId;
  /** Where that socket is bound, if that is one address: tells whether there is a NAT at all. */
  readonly localAddress?: TransportAddress;
  /** Timing of one test; see {@link NAT_TEST_TIMING}. */
  readonly transaction?: Partial<Omit<TransactionOptions, "reliable">>;
}

/** What was found. Behaviour can change under load: it is the best that can be hoped for (RFC 5780 §4). */
export interface NatBehaviorReport {
  /** Where the server sees us. */
  readonly mappedAddress: TransportAddress;
  /** Whether that is another address than ours; undefined when ours is not known. */
  readonly isTranslated: boolean | undefined;
  /** Undefined when the server has no second address to test with. */
  readonly mapping: NatBehavior | undefined;
  /** Undefined when the server cannot answer from elsewhere. */
  readonly filtering: NatBehavior | undefined;
}

export type NatBehaviorEvent =
  | { readonly type: "discovered"; readonly report: NatBehaviorReport }
  /** No UDP between us and the server (RFC 5780 §4.2), or it does not answer as a STUN server does. */
  | { readonly type: "unreachable" };

/**
 * A test that is not answered takes 5.5 seconds: four sends get through any network that can carry a call, and of the two or
 * three tests that a NAT leaves unanswered none is waited for 39.5 seconds.
 */
export const NAT_TEST_TIMING = { rtoMs: 500, maxSends: 4, lastWaitFactor: 4 } as const;

/**
 * The tests, in the order in which they are made: those about filtering first, since asking the second address for the mapping
 * tests opens filters for it (RFC 5780 §4.4: "sensitive to prior state on the NAT").
 */
type Test = "connectivity" | "filtering-both" | "filtering-port" | "mapping-address" | "mapping-both";

/** `refused`: by an error, or by an answer that does not come from where it was asked to come from. */
type TestResult = "answered" | "refused" | "unanswered";

/** What has been learnt so far. */
interface Findings {
  mappedAddress: TransportAddress | undefined;
  /** The server's second address and port. */
  other: TransportAddress | undefined;
  /** The mapping towards the second address and first port. */
  mappedByAddress: TransportAddress | undefined;
  filtering: NatBehavior | undefined;
  mapping: NatBehavior | undefined;
}

/** One test at a time, and one event in all. */
const MAX_WAITING = 8;

const NOTHING_MORE: ReadonlySet<number> = new Set();

/**
 * Finds out how the NATs between us and a server map and filter (RFC 5780 §4.2–§4.4), by at most five tests on one
 * UDP socket, one after another. Without a NAT it says `endpointIndependent` mapping, and the filtering of the firewalls.
 */
export class NatBehaviorDiscovery implements Core<IncomingDatagram, OutgoingDatagram, NatBehaviorEvent> {
  readonly #environment: Environment;
  readonly #options: NatBehaviorOptions;
  readonly #timing: TransactionOptions;
  readonly #transactions = new StunTransactions<Test>();
  readonly #transmits = new Queue<OutgoingDatagram>(MAX_WAITING);
  readonly #events = new Queue<NatBehaviorEvent>(MAX_WAITING);
  readonly #message = new StunMessage();
  readonly #findings: Findings = {
    mappedAddress: undefined,
    other: undefined,
    mappedByAddress: undefined,
    filtering: undefined,
    mapping: undefined,
  };
  #test: Test | undefined;
  #isStarted = false;

  constructor(environment: Environment, options: NatBehaviorOptions) {
    this.#environment = environment;
    this.#options = options;
    this.#timing = { ...DEFAULT_TRANSACTION_OPTIONS, ...NAT_TEST_TIMING, ...options.transaction };
  }

  /**
   * Begins; one event says what came of it.
   *
   * @throws {InvalidStateError} the second time.
   */
  start(now: Millis): void {
    if (this.#isStarted) throw new InvalidStateError("the discovery has been started; make a new one");
    this.#isStarted = true;
    this.#begin("connectivity", now);
  }

  handleInput({ bytes, from, socket }: IncomingDatagram, now: Millis): void {
    if (this.#test === undefined || socket !== this.#options.socket) return;
    const message = safeDecodeStunMessage(bytes, this.#message);
    if (typeof message === "string" || message.checkFingerprint() === "wrong") return;
    const isFromExpected = from.equals(this.#answersFrom(this.#test));
    // What comes from where the request went to, and should have come from elsewhere, refuses CHANGE-REQUEST or ignores it.
    if (!isFromExpected && !from.equals(this.#target(this.#test))) return;
    const outcome = this.#transactions.handleResponse(message, NOTHING_MORE, now);
    if (outcome === undefined) return;
    this.#conclude(
      outcome.context,
      outcome.type === "success" && isFromExpected ? "answered" : "refused",
      message,
      now,
    );
  }

  handleTimeout(now: Millis): void {
    for (let due = this.#transactions.expire(now); due !== undefined; due = this.#transactions.expire(now)) {
      if (due.type === "send") this.#send(due.context, due.bytes);
      else this.#conclude(due.context, "unanswered", undefined, now);
    }
  }

  pollTransmit(): OutgoingDatagram | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): NatBehaviorEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    return this.#transactions.next();
  }

  #begin(test: Test, now: Millis): void {
    this.#test = test;
    const id = randomBytes(this.#environment.random, TRANSACTION_ID_BYTES);
    const builder = new StunMessageBuilder().start("request", StunMethod.binding, id);
    if (test === "filtering-both") builder.add(CHANGE_REQUEST, { changeIp: true, changePort: true });
    if (test === "filtering-port") builder.add(CHANGE_REQUEST, { changeIp: false, changePort: true });
    const bytes = builder.addFingerprint().finish().slice();
    this.#transactions.start(bytes, test, NO_AUTHENTICATION, this.#timing, now);
    this.#send(test, bytes);
  }

  #conclude(test: Test, result: TestResult, message: StunMessage | undefined, now: Millis): void {
    const mapped = result === "answered" ? message?.get(XOR_MAPPED_ADDRESS) : undefined;
    const next = this.#learn(test, result, mapped, message);
    if (next === undefined) this.#finish();
    else this.#begin(next, now);
  }

  /** @returns the next test. */
  #learn(
    test: Test,
    result: TestResult,
    mapped: TransportAddress | undefined,
    message: StunMessage | undefined,
  ): Test | undefined {
    const findings = this.#findings;
    switch (test) {
      case "connectivity":
        findings.mappedAddress = mapped;
        findings.other = this.#usable(mapped && message?.get(OTHER_ADDRESS));
        return findings.other === undefined ? undefined : "filtering-both";
      case "filtering-both":
        // RFC 5780 §5: 420 from a server that does not support CHANGE-REQUEST.
        if (result === "refused") return this.#firstMappingTest();
        if (result === "unanswered") return "filtering-port";
        findings.filtering = "endpointIndependent";
        return this.#firstMappingTest();
      case "filtering-port":
        if (result !== "refused") {
          findings.filtering = result === "answered" ? "addressDependent" : "addressAndPortDependent";
        }
        return this.#firstMappingTest();
      case "mapping-address":
        findings.mappedByAddress = mapped;
        if (mapped === undefined) return undefined;
        if (!isSame(mapped, findings.mappedAddress)) return "mapping-both";
        findings.mapping = "endpointIndependent";
        return undefined;
      case "mapping-both":
        if (mapped === undefined) return undefined;
        findings.mapping = isSame(mapped, findings.mappedByAddress)
          ? "addressDependent"
          : "addressAndPortDependent";
        return undefined;
      default:
        return test satisfies never;
    }
  }

  /** RFC 5780 §4.3: where the server sees our own address there is nothing to test. */
  #firstMappingTest(): Test | undefined {
    if (!isSame(this.#options.localAddress, this.#findings.mappedAddress)) return "mapping-address";
    this.#findings.mapping = "endpointIndependent";
    return undefined;
  }

  /** OTHER-ADDRESS, if both parts of it are others; whoever names a stranger gains a packet or two. */
  #usable(other: TransportAddress | undefined): TransportAddress | undefined {
    const { server } = this.#options;
    const isUsable =
      other?.family === server.family && !other.ip.equals(server.ip) && other.port !== server.port;
    return isUsable && other.port !== 0 ? other : undefined;
  }

  /** Where a test is sent to. */
  #target(test: Test): TransportAddress {
    const { server } = this.#options;
    const { other } = this.#findings;
    if (other === undefined) return server;
    if (test === "mapping-both") return other;
    return test === "mapping-address" ? new TransportAddress(other.ip, server.port) : server;
  }

  /** Where its answer has to come from. */
  #answersFrom(test: Test): TransportAddress {
    const { other } = this.#findings;
    if (other === undefined) return this.#options.server;
    if (test === "filtering-both") return other;
    return test === "filtering-port"
      ? new TransportAddress(this.#options.server.ip, other.port)
      : this.#target(test);
  }

  #send(test: Test, bytes: Uint8Array): void {
    this.#transmits.push({ bytes, to: this.#target(test), socket: this.#options.socket });
  }

  #finish(): void {
    this.#test = undefined;
    const { mappedAddress, mapping, filtering } = this.#findings;
    if (mappedAddress === undefined) {
      this.#events.push({ type: "unreachable" });
      return;
    }
    const { localAddress } = this.#options;
    const isTranslated = localAddress && !localAddress.equals(mappedAddress);
    this.#events.push({ type: "discovered", report: { mappedAddress, isTranslated, mapping, filtering } });
  }
}

function isSame(a: TransportAddress | undefined, b: TransportAddress | undefined): boolean {
  return a !== undefined && b !== undefined && a.equals(b);
}
