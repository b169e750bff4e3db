import type {
  IncomingDatagram,
  IpAddress,
  OutgoingDatagram,
  SocketId,
  TransportAddress,
} from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import {
  type AskId,
  assert,
  type Core,
  type Environment,
  InvalidStateError,
  type Millis,
  Queue,
} from "../sansio/index.ts";
import {
  attributeValue,
  CONNECTION_ID,
  REQUESTED_TRANSPORT,
  StunClient,
  type StunClientEvent,
  StunErrorNumber,
  StunMessage,
  StunMethod,
  safeDecodeStunMessage,
  XOR_MAPPED_ADDRESS,
  XOR_PEER_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "../stun/index.ts";
import {
  AllocationLifecycle,
  type LifecycleEvent,
  type TurnAllocationState,
} from "./allocation-lifecycle.ts";
import { RelayTransport, TURN_ATTRIBUTES } from "./attributes.ts";
import { checkClientOptions, commonAttributes, type TurnClientOptions } from "./client-options.ts";
import { ClientPermissions, createPermissionRequest } from "./client-permissions.ts";
import { createEnd, reasonOfFailure, reasonOfRefusal, type TurnEnd } from "./end.ts";
import { CONNECTION_TIMEOUT_MS } from "./lifetimes.ts";
import type { TurnTcpAllocationCounters, TurnTcpAllocationEvent } from "./tcp-allocation-events.ts";

/** What a TCP allocation is asked for with: it is reached over TCP or TLS (RFC 6062 §4.1). */
export interface TurnTcpAllocationOptions extends TurnClientOptions {
  readonly transport: "tcp" | "tls";
}

/** A connection to a peer, until its data flows. */
interface PendingConnection {
  readonly id: AskId;
  readonly peer: TransportAddress;
  /** attempted: by the peer, not accepted yet. */
  state: "requested" | "attempted" | "connecting" | "binding";
  /** Connect request under way. */
  request: AskId | undefined;
  /** As the server calls it. */
  connectionId: number;
  socket: SocketId | undefined;
  client: StunClient | undefined;
  /** An attempt that nobody accepted is over then. */
  expiresAt: Millis;
}

/** Connections that are being made at once: attempts come from peers, and a STUN client has 64 requests under way at most. */
const MAX_PENDING = 32;

/** RFC 6062 §4.3: after a 447 the same peer "MUST wait at least 10 seconds". */
const RETRY_AFTER_MS: Millis = 10_000;

/** Peers that connecting to failed, which are remembered for {@link RETRY_AFTER_MS}. */
const MAX_FAILED = 64;

const MAX_EVENTS = 1024;

/** So many events wait at most when a peer's attempt is announced: peers alone do not fill the queue. */
const MAX_EVENTS_AT_ATTEMPT = 512;
const MAX_TRANSMITS = 256;

/**
 * A client's TCP allocation on a TURN server (RFC 6062): connections to peers and from them, each over a connection to
 * the server of its own, which is asked for like the first one. The core takes and makes the STUN messages that set
 * them up; the data after that is not its business.
 *
 * An input is one frame as `StreamDeframer` cuts it. When `connected` comes, the owner stops cutting that stream: what
 * follows the frame belongs to the peer (`StreamDeframer.takeRest`).
 */
export class TurnTcpAllocation implements Core<IncomingDatagram, OutgoingDatagram, TurnTcpAllocationEvent> {
  readonly counters: TurnTcpAllocationCounters = { ignored: 0, unmatched: 0, refusedAttempts: 0 };
  readonly #environment: Environment<CryptoProvider>;
  readonly #options: TurnTcpAllocationOptions;
  readonly #lifecycle: AllocationLifecycle;
  readonly #permissions: ClientPermissions;
  readonly #pending = new Map<AskId, PendingConnection>();
  /** Until when a peer is not to be connected to again. */
  readonly #failedUntil = new Map<string, Millis>();
  readonly #transmits = new Queue<OutgoingDatagram>(MAX_TRANSMITS);
  readonly #events = new Queue<TurnTcpAllocationEvent>(MAX_EVENTS);
  readonly #message = new StunMessage();
  #now: Millis = Number.NEGATIVE_INFINITY;

  /**
   * @throws {TypeError} when two options exclude each other.
   * @throws {RangeError} when an option has a value it cannot have.
   */
  constructor(environment: Environment<CryptoProvider>, options: TurnTcpAllocationOptions) {
    checkClientOptions(options);
    this.#environment = environment;
    this.#options = options;
    // RFC 6062 §4.1: no DONT-FRAGMENT, RESERVATION-TOKEN or EVEN-PORT.
    const attributes = [
      attributeValue(REQUESTED_TRANSPORT, RelayTransport.tcp),
      ...commonAttributes(options),
    ];
    this.#lifecycle = new AllocationLifecycle(environment, options, () => attributes, false);
    this.#permissions = new ClientPermissions(environment.random);
  }

  /**
   * Asks for the control connection, and on it for the allocation.
   *
   * @throws {InvalidStateError} the second time.
   */
  allocate(now: Millis): void {
    this.#now = now;
    this.#lifecycle.start();
    this.#drainLifecycle(now);
  }

  /** Lets peers with these addresses connect to us; false when there are more than 64. */
  permit(ips: readonly IpAddress[], now: Millis): boolean {
    this.#now = now;
    let hasRoom = true;
    for (const ip of ips) {
      const permission = this.#permissions.want(ip, now);
      if (permission === undefined) hasRoom = false;
      else permission.isKept = true;
    }
    return hasRoom;
  }

  /** The permission for `ip` is not refreshed any more. */
  release(ip: IpAddress): void {
    this.#permissions.release(ip);
  }

  /**
   * Connects to a peer.
   *
   * @returns the id that `connected` or `connectionFailed` will carry.
   * @throws {InvalidStateError} unless there is an allocation; when the peer is being connected to, or could not be within
   *   the last 10 seconds; and when 32 connections are being made.
   */
  connect(peer: TransportAddress, now: Millis): AskId {
    this.#now = now;
    this.#checkConnect(peer, now);
    const attributes = [attributeValue(XOR_PEER_ADDRESS, peer)];
    const request = this.#lifecycle.request({ method: StunMethod.connect, attributes }, now);
    if (request === undefined) throw new InvalidStateError(`the allocation is ${this.#lifecycle.state}`);
    return this.#addPending(peer, { state: "requested", request, expiresAt: Number.POSITIVE_INFINITY });
  }

  /** Takes the connection of a `connectionAttempt`; one that is over by now is left alone. */
  accept(attempt: AskId, now: Millis): void {
    this.#now = now;
    const pending = this.#pending.get(attempt);
    if (pending?.state === "attempted" && pending.expiresAt > now) this.#askForSocket(pending);
  }

  /** Releases the allocation, and with it all connections to peers. */
  close(now: Millis): void {
    this.#now = now;
    this.#lifecycle.close(now);
    this.#drainLifecycle(now);
  }

  /** Answers a `connect` event: the connection is open, and frames of it carry `socket`. */
  handleConnected(id: AskId, socket: SocketId, now: Millis): void {
    this.#now = now;
    const pending = this.#pending.get(id);
    if (pending?.state !== "connecting") {
      this.#lifecycle.handleConnected(id, socket, now);
      this.#drainLifecycle(now);
      return;
    }
    pending.state = "binding";
    pending.socket = socket;
    const { transaction } = this.#options;
    const { server, session } = this.#lifecycle;
    pending.client = new StunClient(this.#environment, {
      server,
      socket,
      understood: TURN_ATTRIBUTES,
      transaction: { ...transaction, reliable: true },
      // RFC 6062 §4.3: the same method and credentials. The nonce as well: some servers hand a connection that asks to be
      // bound over to the allocation before they look at who asks, and their challenge is lost.
      ...(session && { session }),
    });
    // RFC 6062 §4.3, §4.4.
    const attributes = [attributeValue(CONNECTION_ID, pending.connectionId)];
    pending.client.request({ method: StunMethod.connectionBind, attributes }, now);
    this.#drainPending(pending);
  }

  /**
   * Answers a `connect` event: the connection cannot be opened.
   *
   * @param detail - Why, in words.
   */
  handleConnectFailure(id: AskId, detail: string, now: Millis): void {
    this.#now = now;
    const pending = this.#pending.get(id);
    if (pending?.state === "connecting") this.#fail(pending, createEnd("unreachable", { detail }));
    else this.#lifecycle.handleConnectFailure(id, detail);
    this.#drainLifecycle(now);
  }

  /** A connection is gone; those that were handed over by `connected` need not be reported. */
  handleConnectionLost(socket: SocketId, detail: string | undefined, now: Millis): void {
    this.#now = now;
    for (const pending of this.#pending.values()) {
      if (pending.socket !== socket) continue;
      pending.socket = undefined;
      this.#fail(pending, createEnd("connection-lost", detail === undefined ? {} : { detail }));
    }
    this.#lifecycle.handleConnectionLost(socket, detail);
    this.#drainLifecycle(now);
  }

  handleInput({ bytes, from, socket }: IncomingDatagram, now: Millis): void {
    this.#now = now;
    const message = from.equals(this.#lifecycle.server)
      ? safeDecodeStunMessage(bytes, this.#message)
      : "not-stun";
    if (typeof message === "string" || message.checkFingerprint() === "wrong") {
      this.counters.ignored++;
      return;
    }
    if (socket !== this.#lifecycle.socket) this.#handleDataConnection(socket, message, now);
    else if (message.messageClass === "indication") this.#handleIndication(message, now);
    else if (!this.#lifecycle.handleMessage(message, now)) this.counters.unmatched++;
    this.#drainLifecycle(now);
  }

  handleTimeout(now: Millis): void {
    this.#now = now;
    this.#lifecycle.handleTimeout(now);
    for (const pending of [...this.#pending.values()]) {
      if (pending.expiresAt <= now) this.#pending.delete(pending.id);
      pending.client?.handleTimeout(now);
      this.#drainPending(pending);
    }
    this.#drainLifecycle(now);
  }

  /** Owned messages, for the stream that they name. */
  pollTransmit(): OutgoingDatagram | undefined {
    this.#makeRequests(this.#now);
    return this.#lifecycle.pollTransmit() ?? this.#transmits.shift();
  }

  pollEvent(): TurnTcpAllocationEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    let earliest = this.#lifecycle.pollTimeout();
    if (this.#lifecycle.state === "allocated") earliest = Math.min(earliest, this.#permissions.next());
    for (const { expiresAt, client } of this.#pending.values()) {
      earliest = Math.min(earliest, expiresAt, client?.pollTimeout() ?? Number.POSITIVE_INFINITY);
    }
    return earliest;
  }

  get state(): TurnAllocationState {
    return this.#lifecycle.state;
  }

  /** The server in use: the one of the options, or one that it referred to. */
  get server(): TransportAddress {
    return this.#lifecycle.server;
  }

  #checkConnect(peer: TransportAddress, now: Millis): void {
    const { state } = this.#lifecycle;
    if (state !== "allocated") throw new InvalidStateError(`the allocation is ${state}; wait for allocated`);
    for (const [key, until] of this.#failedUntil) if (until <= now) this.#failedUntil.delete(key);
    // RFC 6062 §4.3: "Connect requests with the same XOR-PEER-ADDRESS parameter MUST NOT be sent simultaneously".
    const isUnderWay = [...this.#pending.values()].some(
      (pending) => pending.state === "requested" && pending.peer.equals(peer),
    );
    if (isUnderWay) throw new InvalidStateError(`${peer} is being connected to already`);
    if (this.#failedUntil.has(peer.key)) {
      throw new InvalidStateError(`${peer} could not be connected to; wait 10 seconds (RFC 6062 §4.3)`);
    }
    if (this.#pending.size >= MAX_PENDING) {
      throw new InvalidStateError(`${MAX_PENDING} connections are being made; wait for one`);
    }
  }

  #addPending(
    peer: TransportAddress,
    from: Pick<PendingConnection, "state" | "request" | "expiresAt"> & { connectionId?: number },
  ): AskId {
    const id = this.#lifecycle.takeAskId();
    this.#pending.set(id, { connectionId: 0, ...from, id, peer, socket: undefined, client: undefined });
    return id;
  }

  /** The server knows the connection: it wants a stream of its own, to the same address (RFC 6062 §4.3). */
  #askForSocket(pending: PendingConnection): void {
    pending.state = "connecting";
    pending.expiresAt = Number.POSITIVE_INFINITY;
    const { server, serverName } = this.#lifecycle;
    this.#emit({ type: "connect", id: pending.id, server, serverName });
  }

  #handleIndication(message: StunMessage, now: Millis): void {
    const peer = message.method === StunMethod.connectionAttempt ? message.get(XOR_PEER_ADDRESS) : undefined;
    const connectionId = message.get(CONNECTION_ID);
    if (peer === undefined || connectionId === undefined) {
      this.counters.ignored++;
      return;
    }
    const permission = this.#permissions.find(peer.ip);
    const hasRoom = this.#pending.size < MAX_PENDING && this.#events.length < MAX_EVENTS_AT_ATTEMPT;
    // RFC 6062 §4.4: only peers with a permission are announced.
    if (permission === undefined || permission.expiresAt <= now || !hasRoom) {
      this.counters.refusedAttempts++;
      return;
    }
    const attempt = this.#addPending(peer, {
      state: "attempted",
      request: undefined,
      expiresAt: now + CONNECTION_TIMEOUT_MS,
      connectionId,
    });
    this.#emit({ type: "connectionAttempt", attempt, peer });
  }

  #handleDataConnection(socket: SocketId, message: StunMessage, now: Millis): void {
    for (const pending of this.#pending.values()) {
      if (pending.socket !== socket) continue;
      if (!pending.client?.handleMessage(message, now)) this.counters.unmatched++;
      this.#drainPending(pending);
      return;
    }
    this.counters.ignored++;
  }

  /** Moves what the STUN client of a data connection puts out. */
  #drainPending(pending: PendingConnection): void {
    const { client } = pending;
    if (client === undefined) return;
    for (let out = client.pollTransmit(); out !== undefined; out = client.pollTransmit()) {
      this.#transmits.push(out);
    }
    const outcome = client.pollEvent();
    if (outcome === undefined) return;
    if (outcome.type === "success" && pending.socket !== undefined) {
      this.#pending.delete(pending.id);
      this.#emit({ type: "connected", connection: pending.id, peer: pending.peer, socket: pending.socket });
      return;
    }
    this.#fail(pending, endOf(outcome));
  }

  #makeRequests(now: Millis): void {
    if (this.#lifecycle.state !== "allocated") return;
    for (let batch = this.#permissions.nextBatch(now); batch !== undefined; ) {
      const id = this.#lifecycle.request(createPermissionRequest(batch), now);
      if (id === undefined) return;
      this.#permissions.setAsked(id, batch);
      batch = this.#permissions.nextBatch(now);
    }
  }

  #drainLifecycle(now: Millis): void {
    for (let event = this.#lifecycle.pollEvent(); event !== undefined; event = this.#lifecycle.pollEvent()) {
      this.#handleLifecycleEvent(event, now);
    }
  }

  #handleLifecycleEvent(event: LifecycleEvent, now: Millis): void {
    switch (event.type) {
      case "connect":
      case "disconnect":
        this.#emit(event);
        return;
      case "allocated":
        this.#handleAllocated(event.response, now);
        return;
      case "outcome":
        this.#handleOutcome(event.outcome, now);
        return;
      case "closed":
        for (const pending of [...this.#pending.values()]) this.#fail(pending, event.end);
        this.#emit(event);
        return;
      default:
        event satisfies never;
    }
  }

  #handleAllocated(response: StunMessage, now: Millis): void {
    const relayedAddress = response.get(XOR_RELAYED_ADDRESS);
    if (relayedAddress === undefined) {
      this.#lifecycle.reject("no relayed address", now);
      this.#drainLifecycle(now);
      return;
    }
    this.#emit({ type: "allocated", relayedAddress, mappedAddress: response.get(XOR_MAPPED_ADDRESS) });
  }

  #handleOutcome(outcome: StunClientEvent, now: Millis): void {
    const permissions = this.#permissions.handleOutcome(outcome, now);
    if (permissions === undefined) {
      this.#handleConnectOutcome(outcome, now);
      return;
    }
    for (const permission of permissions.granted) {
      if (!permission.isAnnounced) this.#emit({ type: "permissionGranted", ip: permission.ip });
      permission.isAnnounced = true;
    }
    const { refused, error } = permissions;
    if (refused !== undefined && error !== undefined) {
      this.#emit({ type: "permissionRefused", ip: refused.ip, error });
    }
  }

  #handleConnectOutcome(outcome: StunClientEvent, now: Millis): void {
    const pending = [...this.#pending.values()].find(({ request }) => request === outcome.id);
    if (pending === undefined) return;
    pending.request = undefined;
    const connectionId = outcome.type === "success" ? outcome.response.get(CONNECTION_ID) : undefined;
    if (connectionId !== undefined) {
      pending.connectionId = connectionId;
      this.#askForSocket(pending);
      return;
    }
    const isTimeout =
      outcome.type === "refused" && outcome.error.code === StunErrorNumber.connectionTimeoutOrFailure;
    if (isTimeout && this.#failedUntil.size < MAX_FAILED) {
      this.#failedUntil.set(pending.peer.key, now + RETRY_AFTER_MS);
    }
    this.#fail(pending, endOf(outcome));
  }

  /** A connection does not come about; what it had opened is closed. An attempt that nobody accepted ends in silence. */
  #fail(pending: PendingConnection, { message, error }: Pick<TurnEnd, "message" | "error">): void {
    this.#pending.delete(pending.id);
    if (pending.socket !== undefined) this.#emit({ type: "disconnect", socket: pending.socket });
    if (pending.state === "attempted") return;
    this.#emit({ type: "connectionFailed", connection: pending.id, peer: pending.peer, message, error });
  }

  #emit(event: TurnTcpAllocationEvent): void {
    assert(this.#events.push(event), "a TURN allocation has room for the events of a turn");
  }
}

/** What went wrong with one connection, in the words for allocations. */
function endOf(outcome: StunClientEvent): Pick<TurnEnd, "message" | "error"> {
  if (outcome.type === "failure") return createEnd(reasonOfFailure(outcome.reason));
  if (outcome.type === "success") return createEnd("bad-answer", { detail: "no CONNECTION-ID" });
  const { error } = outcome;
  if (error.code === StunErrorNumber.connectionTimeoutOrFailure) {
    return { message: `the relay could not connect to the peer (${error.code} ${error.reason})`, error };
  }
  if (error.code === StunErrorNumber.connectionAlreadyExists) {
    return {
      message: `the relay has a connection to the peer already (${error.code} ${error.reason})`,
      error,
    };
  }
  return createEnd(reasonOfRefusal(error.code), { error });
}
