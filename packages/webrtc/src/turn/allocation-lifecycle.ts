import type { OutgoingDatagram, SocketId, TransportAddress } from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import {
  type AskId,
  assert,
  type Environment,
  InvalidStateError,
  type Millis,
  Queue,
  randomUnit,
  TimerTable,
} from "../sansio/index.ts";
import {
  ALTERNATE_DOMAIN,
  ALTERNATE_SERVER,
  attributeValue,
  DONT_FRAGMENT,
  LIFETIME,
  LongTermSession,
  type StunAttributeValue,
  StunClient,
  type StunClientEvent,
  StunErrorNumber,
  type StunMessage,
  StunMethod,
  type StunRequest,
  UNKNOWN_ATTRIBUTES,
} from "../stun/index.ts";
import { TURN_ATTRIBUTES } from "./attributes.ts";
import { commonAttributes, type TurnClientOptions } from "./client-options.ts";
import { createEnd, reasonOfFailure, reasonOfRefusal, type TurnEnd, type TurnEndReason } from "./end.ts";

/** What an allocation wants of its owner: connections, which only the outside can open and close. */
export type TurnConnectionEvent =
  | {
      /** Open a connection to `server`, from a local address not used for this server before; answered by `handleConnected`. */
      readonly type: "connect";
      readonly id: AskId;
      readonly server: TransportAddress;
      /** The name the certificate has to be for, with TLS. */
      readonly serverName: string | undefined;
    }
  | {
      /** Nothing is sent or read by this socket any more: close it. */
      readonly type: "disconnect";
      readonly socket: SocketId;
    };

/** What the lifecycle tells the core that it is part of. */
export type LifecycleEvent =
  | TurnConnectionEvent
  | { readonly type: "allocated"; readonly response: StunMessage }
  /** What came of a request that was given to {@link AllocationLifecycle.request}. */
  | { readonly type: "outcome"; readonly outcome: StunClientEvent }
  | { readonly type: "closed"; readonly end: TurnEnd };

/**
 * idle → connecting → allocating → allocated → releasing → closed. A 300 or 437 leads back from allocating to connecting, and any state
 * to closed.
 */
export type TurnAllocationState = "idle" | "connecting" | "allocating" | "allocated" | "releasing" | "closed";

/** The part of an Allocate request that depends on what is allocated. */
export type AllocateRequest = (dontFragment: boolean) => readonly StunAttributeValue[];

/** RFC 8656 §7.4: "The client SHOULD try three different client transport addresses before giving up". */
const MAX_ADDRESSES_TRIED = 3;

/** Servers refer to one that has room, not along a chain. */
const MAX_REDIRECTS = 5;

/** RFC 8656 §8: "roughly 1 minute before it expires"; half its life where that is shorter. */
const REFRESH_MARGIN_MS = 60_000;

/** A refresh that failed is tried again so soon, for as long as the allocation lives. */
const REFRESH_RETRY_MS = 5_000;

/** A server that does not confirm the end within this time forgets the allocation by itself, later. */
const RELEASE_TIMEOUT_MS = 3_000;

/** Connections asked for and closed, outcomes, and the end, between two drains. */
const MAX_EVENTS = 512;

/** Messages between two drains. */
const MAX_TRANSMITS = 256;

/** ADDITIONAL-ADDRESS-FAMILY and what a success may carry besides are comprehension-optional: TURN's own set is enough. */
const UNDERSTOOD: ReadonlySet<number> = TURN_ATTRIBUTES;

/**
 * What allocations for UDP and TCP have in common: the connection to the server, Allocate with credentials, redirection
 * and another local address where the server wants it, refreshing, release. It owns the STUN client of the connection.
 *
 * A child of {@link TurnAllocation} and {@link TurnTcpAllocation}, which move its outputs.
 */
export class AllocationLifecycle {
  readonly #environment: Environment<CryptoProvider>;
  readonly #options: TurnClientOptions;
  readonly #allocateRequest: AllocateRequest;
  readonly #timers = new TimerTable(["expiry", "refresh", "release"]);
  readonly #events = new Queue<LifecycleEvent>(MAX_EVENTS);
  readonly #transmits = new Queue<OutgoingDatagram>(MAX_TRANSMITS);
  #state: TurnAllocationState = "idle";
  #server: TransportAddress;
  #serverName: string | undefined;
  readonly #serversTried = new Set<string>();
  #addressesTried = 0;
  #dontFragment: boolean;
  #nextAsk: AskId = 1;
  #ask: AskId | undefined;
  #socket: SocketId | undefined;
  #client: StunClient | undefined;
  /** With the server in use. */
  #session: LongTermSession | undefined;
  /** Our own request under way: Allocate, Refresh, or the Refresh that releases. */
  #request: AskId | undefined;
  /** Closed while the Allocate request was under way: what it brings about is released at once. */
  #isUnwanted = false;
  /** What is told when the server has confirmed the release, or not. */
  #endAfterRelease: TurnEnd = createEnd("released");

  constructor(
    environment: Environment<CryptoProvider>,
    options: TurnClientOptions,
    allocateRequest: AllocateRequest,
    dontFragment: boolean,
  ) {
    this.#environment = environment;
    this.#options = options;
    this.#allocateRequest = allocateRequest;
    this.#dontFragment = dontFragment;
    this.#server = options.server;
    this.#serverName = options.serverName;
    // Now, so that credentials which cannot be are refused to whoever gave them.
    this.#session = this.#createSession();
  }

  /** Asks for the connection and then for the allocation. */
  start(): void {
    if (this.#state !== "idle") throw new InvalidStateError(`the allocation is ${this.#state} already`);
    this.#connect();
  }

  /** Releases the allocation; the end is told when the server has confirmed it, or a few seconds later. */
  close(now: Millis): void {
    switch (this.#state) {
      case "allocated":
        this.#release("released", now);
        return;
      case "allocating":
        this.#isUnwanted = true;
        return;
      case "idle":
      case "connecting":
        this.#end(createEnd("released"));
        return;
      case "releasing":
      case "closed":
        return;
      default:
        this.#state satisfies never;
    }
  }

  /** Sends a request of the core above, whose outcome comes as an event; undefined unless there is an allocation. */
  request(request: StunRequest, now: Millis): AskId | undefined {
    if (this.#state !== "allocated" || this.#client === undefined) return undefined;
    const id = this.#client.request(request, now);
    this.#drain(now);
    return id;
  }

  /** The owner has opened the connection asked for. A late answer is handed back by a `disconnect`. */
  handleConnected(id: AskId, socket: SocketId, now: Millis): void {
    if (id !== this.#ask) {
      this.#emit({ type: "disconnect", socket });
      return;
    }
    this.#ask = undefined;
    this.#socket = socket;
    const { transaction, transport } = this.#options;
    this.#session = this.#createSession();
    this.#client = new StunClient(this.#environment, {
      server: this.#server,
      socket,
      understood: UNDERSTOOD,
      transaction: { ...transaction, reliable: transport !== "udp" },
      ...(this.#session && { session: this.#session }),
    });
    this.#state = "allocating";
    this.#allocate(now);
  }

  /** The owner could not open the connection asked for. */
  handleConnectFailure(id: AskId, detail: string): void {
    if (id === this.#ask) this.#end(createEnd("unreachable", { detail }));
  }

  /** What carried the allocation is gone. */
  handleConnectionLost(socket: SocketId, detail: string | undefined): void {
    if (socket !== this.#socket || this.#state === "closed") return;
    // It is gone already: there is nothing to close.
    this.#socket = undefined;
    if (this.#state === "releasing") this.#end(createEnd("released"));
    else this.#end(createEnd("connection-lost", detail === undefined ? {} : { detail }));
  }

  /** @returns whether the message answered a request of ours. */
  handleMessage(message: StunMessage, now: Millis): boolean {
    const isOurs = this.#client?.handleMessage(message, now) ?? false;
    if (isOurs) this.#drain(now);
    return isOurs;
  }

  handleTimeout(now: Millis): void {
    this.#client?.handleTimeout(now);
    this.#drain(now);
    for (let due = this.#timers.expire(now); due !== undefined; due = this.#timers.expire(now)) {
      if (due === "refresh") this.#refresh(now);
      else if (due === "release") this.#end(this.#endAfterRelease);
      else this.#end(createEnd("expired"));
    }
  }

  /** By the socket and to the server that they belong to. */
  pollTransmit(): OutgoingDatagram | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): LifecycleEvent | undefined {
    return this.#events.shift();
  }

  /** An id for a connection that the core above asks for: they have one sequence. */
  takeAskId(): AskId {
    return this.#nextAsk++;
  }

  pollTimeout(): Millis {
    return Math.min(this.#timers.next(), this.#client?.pollTimeout() ?? Number.POSITIVE_INFINITY);
  }

  get state(): TurnAllocationState {
    return this.#state;
  }

  /** The server in use: the one of the options, or one that it referred to. */
  get server(): TransportAddress {
    return this.#server;
  }

  /** What has been agreed with the server, for connections beside the first; undefined without credentials. */
  get session(): LongTermSession | undefined {
    return this.#session;
  }

  get serverName(): string | undefined {
    return this.#serverName;
  }

  get socket(): SocketId | undefined {
    return this.#socket;
  }

  /** Whether the server accepted DONT-FRAGMENT. */
  get dontFragment(): boolean {
    return this.#dontFragment;
  }

  #createSession(): LongTermSession | undefined {
    const { credentials } = this.#options;
    return credentials && new LongTermSession(this.#environment.crypto, credentials);
  }

  #connect(): void {
    this.#state = "connecting";
    this.#serversTried.add(this.#server.key);
    this.#addressesTried++;
    this.#ask = this.takeAskId();
    this.#emit({ type: "connect", id: this.#ask, server: this.#server, serverName: this.#serverName });
  }

  #disconnect(): void {
    this.#client = undefined;
    this.#request = undefined;
    if (this.#socket !== undefined) this.#emit({ type: "disconnect", socket: this.#socket });
    this.#socket = undefined;
  }

  #allocate(now: Millis): void {
    const attributes = this.#allocateRequest(this.#dontFragment);
    this.#request = this.#client?.request({ method: StunMethod.allocate, attributes }, now);
    this.#drain(now);
  }

  #refresh(now: Millis): void {
    const attributes = commonAttributes(this.#options);
    // RFC 8656 §8.1: without REQUESTED-ADDRESS-FAMILY it applies to both halves of a dual allocation.
    this.#request = this.#client?.request({ method: StunMethod.refresh, attributes }, now);
    this.#drain(now);
  }

  /** RFC 8656 §8.1: a LIFETIME of zero deletes the allocation. */
  #release(reason: TurnEndReason, now: Millis, detail?: string): void {
    this.#endAfterRelease = createEnd(reason, detail === undefined ? {} : { detail });
    this.#state = "releasing";
    this.#timers.stopAll();
    this.#timers.set("release", now + RELEASE_TIMEOUT_MS);
    const attributes = [attributeValue(LIFETIME, 0)];
    this.#request = this.#client?.request({ method: StunMethod.refresh, attributes }, now);
    this.#drain(now);
  }

  /** Moves what the STUN client puts out. An outcome may end the client that is being drained. */
  #drain(now: Millis): void {
    for (;;) {
      const transmit = this.#client?.pollTransmit();
      if (transmit !== undefined) {
        this.#transmits.push(transmit);
        continue;
      }
      const outcome = this.#client?.pollEvent();
      if (outcome === undefined) return;
      if (outcome.id === this.#request) this.#handleOutcome(outcome, now);
      else this.#handleForeignOutcome(outcome);
    }
  }

  #handleForeignOutcome(outcome: StunClientEvent): void {
    // RFC 8656 §5: a 437 to a request other than Allocate: the allocation no longer exists.
    const isGone = outcome.type === "refused" && outcome.error.code === StunErrorNumber.allocationMismatch;
    if (isGone && this.#state === "allocated") this.#end(createEnd("gone", { error: outcome.error }));
    else this.#emit({ type: "outcome", outcome });
  }

  #handleOutcome(outcome: StunClientEvent, now: Millis): void {
    this.#request = undefined;
    switch (this.#state) {
      case "allocating":
        this.#handleAllocateOutcome(outcome, now);
        return;
      case "allocated":
        this.#handleRefreshOutcome(outcome, now);
        return;
      case "releasing":
        // RFC 8656 §8.3: a 437 says that it is gone, which is what was wanted; and so does any other answer.
        this.#end(this.#endAfterRelease);
        return;
      case "idle":
      case "connecting":
      case "closed":
        return;
      default:
        this.#state satisfies never;
    }
  }

  #handleAllocateOutcome(outcome: StunClientEvent, now: Millis): void {
    switch (outcome.type) {
      case "success":
        this.#handleAllocated(outcome.response, now);
        return;
      case "failure":
        this.#end(createEnd(reasonOfFailure(outcome.reason)));
        return;
      case "refused":
        if (this.#isUnwanted || !this.#tryAgain(outcome, now)) this.#endRefused(outcome);
        return;
      default:
        outcome satisfies never;
    }
  }

  #handleAllocated(response: StunMessage, now: Millis): void {
    this.#state = "allocated";
    const lifetime = response.get(LIFETIME);
    if (this.#isUnwanted) {
      this.#release("released", now);
      return;
    }
    if (lifetime === undefined || lifetime === 0) {
      this.#release("bad-answer", now, "no LIFETIME");
      return;
    }
    this.#schedule(lifetime, now);
    this.#emit({ type: "allocated", response });
  }

  /** The core above cannot use what it was given (RFC 8656 §7.3: it MUST be deleted). */
  reject(detail: string, now: Millis): void {
    if (this.#state === "allocated") this.#release("bad-answer", now, detail);
  }

  /** Whether there is a way around the refusal, and it is taken. */
  #tryAgain(refusal: Extract<StunClientEvent, { type: "refused" }>, now: Millis): boolean {
    switch (refusal.error.code) {
      case StunErrorNumber.tryAlternate:
        return this.#redirect(refusal.response);
      case StunErrorNumber.allocationMismatch:
        // RFC 8656 §7.4: from another address, three in all.
        if (this.#addressesTried >= MAX_ADDRESSES_TRIED) return false;
        this.#disconnect();
        this.#connect();
        return true;
      case StunErrorNumber.unknownAttribute: {
        // RFC 8656 §7.4: a server that cannot set DF says so; without it, all the rest works.
        const unknown = refusal.response.get(UNKNOWN_ATTRIBUTES) ?? [];
        if (!this.#dontFragment || !unknown.includes(DONT_FRAGMENT.type)) return false;
        this.#dontFragment = false;
        this.#allocate(now);
        return true;
      }
      default:
        return false;
    }
  }

  /** RFC 8489 §10. */
  #redirect(refusal: StunMessage): boolean {
    const offered = refusal.getAll(ALTERNATE_SERVER);
    const next = offered.find(({ family }) => family === this.#server.family) ?? offered[0];
    // A server asked before ends it: in a loop nobody has room.
    if (next === undefined || this.#serversTried.has(next.key) || this.#serversTried.size > MAX_REDIRECTS) {
      return false;
    }
    this.#disconnect();
    this.#server = next;
    // The certificate is for the domain that is named, or for the one that was asked first.
    this.#serverName = refusal.get(ALTERNATE_DOMAIN) ?? this.#serverName;
    this.#addressesTried = 0;
    this.#connect();
    return true;
  }

  #endRefused({ error, response }: Extract<StunClientEvent, { type: "refused" }>): void {
    const isRedirection = error.code === StunErrorNumber.tryAlternate && response.has(ALTERNATE_SERVER);
    this.#end(createEnd(isRedirection ? "redirect-loop" : reasonOfRefusal(error.code), { error }));
  }

  #handleRefreshOutcome(outcome: StunClientEvent, now: Millis): void {
    if (outcome.type === "success") {
      const lifetime = outcome.response.get(LIFETIME);
      if (lifetime !== undefined && lifetime > 0) this.#schedule(lifetime, now);
      else this.#timers.set("refresh", now + REFRESH_RETRY_MS);
      return;
    }
    if (outcome.type === "refused") {
      const reason = reasonOfRefusal(outcome.error.code);
      if (reason === "mismatch" || reason === "unauthorized") {
        // RFC 8656 §8.3: a 437 says that the allocation no longer exists.
        this.#end(createEnd(reason === "mismatch" ? "gone" : reason, { error: outcome.error }));
        return;
      }
    }
    // The allocation lives until it expires: a server that is restarted or overloaded may be back by then.
    this.#timers.set("refresh", now + REFRESH_RETRY_MS);
  }

  #schedule(lifetimeSeconds: number, now: Millis): void {
    const lifetimeMs = lifetimeSeconds * 1000;
    const untilRefresh = lifetimeMs - Math.min(REFRESH_MARGIN_MS, lifetimeMs / 2);
    // Up to a tenth earlier, so that the clients of a server that was restarted do not come all at once for ever.
    const jitter = untilRefresh * 0.1 * randomUnit(this.#environment.random);
    this.#timers.set("expiry", now + lifetimeMs);
    this.#timers.set("refresh", now + untilRefresh - jitter);
  }

  #end(end: TurnEnd): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#ask = undefined;
    this.#timers.stopAll();
    this.#disconnect();
    this.#environment.log.info("TURN allocation ended", { reason: end.reason, code: end.error?.code });
    this.#emit({ type: "closed", end });
  }

  #emit(event: LifecycleEvent): void {
    assert(this.#events.push(event), "a TURN allocation has room for the events of a turn");
  }
}
