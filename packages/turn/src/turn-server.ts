import {
  copyBytes,
  type IncomingDatagram,
  type IpAddress,
  type SocketId,
  TransportAddress,
} from "@naru/webrtc/bytes";
import type { CryptoProvider } from "@naru/webrtc/crypto";
import type { PacketArena, PacketSlot } from "@naru/webrtc/kernel";
import type { AskId, Core, Environment, Millis, WallClockMillis } from "@naru/webrtc/sansio";
import {
  CHANNEL_NUMBER,
  CONNECTION_ID,
  DATA,
  DONT_FRAGMENT,
  ERROR_CODE,
  LIFETIME,
  LongTermVerifier,
  type LongTermVerifierCounters,
  type LongTermVerifierOptions,
  REQUESTED_ADDRESS_FAMILY,
  REQUESTED_TRANSPORT,
  StunErrorNumber,
  StunMessage,
  StunMethod,
  safeDecodeStunMessage,
  UNKNOWN_ATTRIBUTES,
  XOR_PEER_ADDRESS,
} from "@naru/webrtc/stun";
import {
  FIRST_CHANNEL_NUMBER,
  isChannelData,
  LAST_OLD_CHANNEL_NUMBER,
  RelayTransport,
  TURN_ATTRIBUTES,
} from "@naru/webrtc/turn";
import { grantedLifetimeSeconds, planAllocation } from "./allocate-request.ts";
import {
  type Allocation,
  type AllocationLimits,
  type Client,
  type ClientTransport,
  DEFAULT_ALLOCATION_LIMITS,
} from "./allocation.ts";
import { Allocations, HELD, type ServerParts } from "./allocations.ts";
import {
  type ClientStream,
  ClientStreams,
  type ClientStreamsOptions,
  DEFAULT_CLIENT_STREAMS_OPTIONS,
} from "./client-streams.ts";
import { createCounters, type TurnCounters } from "./counters.ts";
import type { CredentialSource, TurnCredential } from "./credentials/credentials.ts";
import { Revocations } from "./credentials/revocations.ts";
import { Deadlines } from "./deadlines.ts";
import { EventQueue, type TurnServerEvent } from "./events.ts";
import { Outbox, type Question, type TurnTransmit } from "./outbox.ts";
import { PacketPath } from "./packet-path.ts";
import { PeerConnections } from "./peer-connections.ts";
import { PeerGuard } from "./peer-guard.ts";
import type { PeerPolicy } from "./peer-policy.ts";
import { DEFAULT_PORT_RANGE, type PortRange } from "./port-pool.ts";
import { DEFAULT_QUOTA_OPTIONS, type QuotaOptions } from "./quota.ts";
import type { RelayAddress } from "./relay-maker.ts";

export interface TurnServerCoreOptions {
  /** Where relayed addresses are made: one address of each family that is offered. */
  readonly relayAddresses: readonly RelayAddress[];
  readonly credentials: CredentialSource;
  readonly policy: PeerPolicy;
  /** Answers Binding requests: it sees every one of them that comes in, and its transmits are the server's. */
  readonly binding: Core<IncomingDatagram, PacketSlot, never>;
  readonly authentication: Omit<LongTermVerifierOptions, "passwords">;
  readonly ports?: PortRange;
  readonly quota?: QuotaOptions;
  readonly limits?: AllocationLimits;
  readonly streams?: ClientStreamsOptions;
  /** Whether TCP is relayed (RFC 6062). */
  readonly allowsTcpRelay?: boolean;
  /** How long time-limited credentials are good at the most: a revocation is remembered for so long. */
  readonly maxCredentialLifetimeMs?: number;
}

/** A day: what deployments hand out is good for hours. */
const DEFAULT_MAX_CREDENTIAL_LIFETIME_MS = 86_400_000;

/** Node cannot set the DF bit, so that DONT-FRAGMENT is an attribute not understood (RFC 8656 §7.2 step 4). */
const UNDERSTOOD: ReadonlySet<number> = new Set(
  [...TURN_ATTRIBUTES].filter((type) => type !== DONT_FRAGMENT.type),
);

/** As the Binding server does: enough to see what is wrong. */
const MAX_UNKNOWN_NAMED = 8;

/** Figures of the moment. */
export interface TurnGauges {
  readonly allocations: number;
  readonly users: number;
  readonly reservations: number;
  readonly streams: number;
  readonly peerConnections: number;
}

/**
 * A TURN server (RFC 8656, RFC 6062) without sockets: clients' datagrams and streams and peers' datagrams in, arena slots
 * out; sockets and connections are asked for by events.
 *
 * Ids of sockets and streams are its driver's, all of one kind: listening sockets, relay sockets and streams. What comes
 * in on a relay socket is a peer's, on any other a client's.
 */
export class TurnServer implements Core<IncomingDatagram, TurnTransmit, TurnServerEvent> {
  readonly counters: TurnCounters = createCounters();
  readonly #verifier: LongTermVerifier;
  readonly #credentials: CredentialSource;
  readonly #revocations: Revocations;
  readonly #binding: Core<IncomingDatagram, PacketSlot, never>;
  readonly #allowsTcp: boolean;
  readonly #deadlines: Deadlines;
  readonly #outbox: Outbox;
  readonly #events = new EventQueue();
  readonly #guard: PeerGuard;
  readonly #path: PacketPath;
  readonly #allocations: Allocations;
  readonly #connections: PeerConnections;
  readonly #streams: ClientStreams;
  readonly #message = new StunMessage();
  #now: Millis;
  /** Wall clock less monotonic clock, as it was last told. */
  #wallClockOffset: number;
  #isClosed = false;

  /**
   * @param arena - Of slots with at least 1024 bytes; larger packets than its slots are relayed at the cost of a copy.
   * @throws {RangeError} when an option is out of its range.
   */
  constructor(
    environment: Environment<CryptoProvider>,
    arena: PacketArena,
    options: TurnServerCoreOptions,
    now: Millis,
    wallClock: WallClockMillis,
  ) {
    const limits = options.limits ?? DEFAULT_ALLOCATION_LIMITS;
    this.#now = now;
    this.#wallClockOffset = wallClock - now;
    this.#credentials = options.credentials;
    this.#revocations = new Revocations(
      options.maxCredentialLifetimeMs ?? DEFAULT_MAX_CREDENTIAL_LIFETIME_MS,
    );
    const { usernameOf } = options.credentials;
    const passwords = {
      password: (username: string) => this.#credentials.find(username)?.password,
      ...(usernameOf && { usernameOf: (hash: Uint8Array) => this.#credentials.usernameOf?.(hash) }),
    };
    this.#verifier = new LongTermVerifier(environment, { ...options.authentication, passwords });
    this.#binding = options.binding;
    this.#allowsTcp = options.allowsTcpRelay ?? true;
    this.#deadlines = new Deadlines(now);
    this.#outbox = new Outbox(arena);
    this.#guard = new PeerGuard(options.policy);
    this.#path = new PacketPath(this.#outbox, this.#guard, environment.random, this.counters);
    const parts: ServerParts = {
      environment,
      deadlines: this.#deadlines,
      outbox: this.#outbox,
      events: this.#events,
      guard: this.#guard,
      counters: this.counters,
    };
    this.#allocations = new Allocations(parts, {
      relayAddresses: options.relayAddresses,
      ports: options.ports ?? DEFAULT_PORT_RANGE,
      quota: options.quota ?? DEFAULT_QUOTA_OPTIONS,
      limits,
    });
    this.#connections = new PeerConnections(parts, this.#allocations, limits.connections);
    this.#streams = new ClientStreams(
      options.streams ?? DEFAULT_CLIENT_STREAMS_OPTIONS,
      this.#deadlines,
      (stream) => {
        this.counters.streamsIdle++;
        this.#closeStream(stream);
      },
    );
  }

  // Commands.

  /** The calendar clock has this time now: credentials expire by it. To be told now and then, since it may be set. */
  setWallClock(wallClock: WallClockMillis, now: Millis): void {
    this.#wallClockOffset = wallClock - now;
  }

  /** The addresses of this machine, as it sees them and as others do: out of reach for clients, but for what follows. */
  setOwnAddresses(addresses: readonly IpAddress[]): void {
    this.#guard.setOwnAddresses(addresses);
  }

  /** Lets clients reach a UDP port of this machine, where media of the program around the server is received. */
  addMediaAddress(address: TransportAddress): void {
    this.#guard.addMedia(address);
  }

  removeMediaAddress(address: TransportAddress): void {
    this.#guard.removeMedia(address);
  }

  /**
   * Ends all that a user has, and makes nothing for him any more as long as a credential of his may be good.
   *
   * @param user - What stands behind the colon in time-limited user names; the name itself of others.
   */
  revoke(user: string, now: Millis): void {
    this.#now = now;
    this.#revocations.add(user, this.#wallClock());
    this.#allocations.removeUser(user);
    this.#settleEnded();
  }

  /** Takes a revocation back. */
  reinstate(user: string): void {
    this.#revocations.remove(user);
  }

  /** Ends everything; what comes in afterwards is ignored. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#allocations.removeAll();
    this.#settleEnded();
  }

  // From below.

  handleInput({ bytes, from, socket }: IncomingDatagram, now: Millis): void {
    if (this.#isClosed) return;
    this.#now = now;
    const relay = this.#allocations.relayOf(socket);
    if (relay !== undefined) {
      if (relay !== HELD) this.#path.handlePeerData(relay, bytes, from, now);
      return;
    }
    if (isChannelData(bytes)) {
      this.#handleChannelData(this.#allocations.table.find(socket, from), bytes);
      return;
    }
    this.#handleMessage({ socket, address: from, transport: "udp" }, bytes, undefined);
  }

  /**
   * A client has connected.
   *
   * @param from - Where from; an IPv4 address in IPv6 form is taken for what it is.
   * @returns false when there are too many streams: it is to be closed.
   */
  handleStreamOpened(
    stream: SocketId,
    from: TransportAddress,
    transport: Exclude<ClientTransport, "udp">,
    now: Millis,
  ): boolean {
    this.#now = now;
    const { unmapped } = from.ip;
    const address = unmapped === from.ip ? from : new TransportAddress(unmapped, from.port);
    return !this.#isClosed && this.#streams.add({ socket: stream, address, transport }, now) !== undefined;
  }

  /** Bytes of a client's stream; lent for the call. */
  handleStreamData(id: SocketId, bytes: Uint8Array, now: Millis): void {
    this.#now = now;
    const stream = this.#streams.get(id);
    if (stream === undefined || this.#isClosed) return;
    const { deframer } = stream;
    deframer.push(bytes);
    for (let frame = deframer.next(); frame !== undefined; frame = deframer.next()) {
      this.#handleFrame(stream, frame);
      // It was closed, or carries a peer's data from now on.
      if (this.#streams.get(id) !== stream) return;
    }
    if (deframer.failure === undefined) return;
    this.counters.streamsMalformed++;
    this.#closeStream(stream);
  }

  /** A stream is gone: a client's, or one to a peer. */
  handleStreamClosed(id: SocketId, now: Millis): void {
    this.#now = now;
    this.#connections.handleStreamClosed(id);
    const stream = this.#streams.remove(id);
    if (stream === undefined) return;
    const allocation = this.#allocationOf(stream.client);
    // RFC 8656 §3.1: the stream is part of the 5-tuple; without it nobody can use the allocation.
    if (allocation !== undefined) this.#allocations.remove(allocation);
    this.#settleEnded();
  }

  /** Answers `bindRelay`: the socket is there, and its id is new. */
  handleRelayBound(id: AskId, socket: SocketId, now: Millis): void {
    this.#now = now;
    this.#allocations.handleRelayBound(id, socket, now);
    this.#settleEnded();
  }

  /** Answers `bindRelay`: it cannot be had. */
  handleRelayFailed(id: AskId, now: Millis): void {
    this.#now = now;
    this.#allocations.handleRelayFailed(id, now);
    this.#settleEnded();
  }

  /** A relay socket has failed and is closed. */
  handleRelayLost(socket: SocketId, now: Millis): void {
    this.#now = now;
    this.#allocations.handleSocketLost(socket);
    this.#settleEnded();
  }

  /** A peer has connected to the relay listener `socket`; `stream` is paused. */
  handlePeerAccepted(socket: SocketId, stream: SocketId, from: TransportAddress, now: Millis): void {
    this.#now = now;
    const relay = this.#allocations.relayOf(socket);
    if (relay === undefined || relay === HELD) this.#events.push({ type: "closeStream", stream });
    else this.#connections.handlePeerAccepted(relay, stream, from, now);
  }

  /** Answers `connectPeer`: `stream` is connected, and paused. */
  handlePeerConnected(id: AskId, stream: SocketId, now: Millis): void {
    this.#now = now;
    this.#connections.handlePeerConnected(id, stream, now);
  }

  /** Answers `connectPeer`: no connection came about. */
  handlePeerFailed(id: AskId, now: Millis): void {
    this.#now = now;
    this.#connections.handlePeerFailed(id);
  }

  handleTimeout(now: Millis): void {
    this.#now = now;
    this.#binding.handleTimeout(now);
    this.#deadlines.advance(now);
    this.#settleEnded();
  }

  // Outputs.

  /** An arena slot, or for packets that are larger than one an array of their own. Streams have the ids they were given. */
  pollTransmit(): TurnTransmit | undefined {
    return this.#outbox.shift() ?? this.#binding.pollTransmit();
  }

  pollEvent(): TurnServerEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    return Math.min(this.#deadlines.next(), this.#binding.pollTimeout());
  }

  get gauges(): TurnGauges {
    return {
      allocations: this.#allocations.table.size,
      users: this.#allocations.userCount,
      reservations: this.#allocations.reservationCount,
      streams: this.#streams.size,
      peerConnections: this.#connections.size,
    };
  }

  get authenticationCounters(): Readonly<LongTermVerifierCounters> {
    return this.#verifier.counters;
  }

  /** Lost for want of a free slot. */
  get droppedCount(): number {
    return this.#outbox.droppedCount;
  }

  /** Answers to strangers not sent because they were too long for their question. */
  get withheldCount(): number {
    return this.#outbox.withheldCount;
  }

  #handleFrame(stream: ClientStream, frame: Uint8Array): void {
    if (!isChannelData(frame)) {
      this.#handleMessage(stream.client, frame, stream);
      return;
    }
    // A stranger has no channel: the byte that channels start with is also the first of "GET".
    const allocation = this.#allocationOf(stream.client);
    if (allocation !== undefined) this.#handleChannelData(allocation, frame);
    else this.#closeStream(stream);
  }

  #handleChannelData(allocation: Allocation | undefined, bytes: Uint8Array): void {
    if (allocation === undefined) this.counters.ignored++;
    else this.#path.handleChannelData(allocation, bytes, this.#now);
  }

  #handleMessage(client: Client, bytes: Uint8Array, stream: ClientStream | undefined): void {
    const message = safeDecodeStunMessage(bytes, this.#message);
    // RFC 8489 §7.3: with a wrong FINGERPRINT it is not STUN.
    if (typeof message === "string" || message.checkFingerprint() === "wrong") {
      this.counters.ignored++;
      return;
    }
    if (stream !== undefined) this.#streams.touch(stream, this.#now);
    if (message.method === StunMethod.binding) {
      this.#binding.handleInput({ bytes, from: client.address, socket: client.socket }, this.#now);
      return;
    }
    switch (message.messageClass) {
      case "request":
        this.#handleRequest(client, message, stream);
        return;
      case "indication":
        this.#handleIndication(client, message);
        return;
      default:
        // The server asks nothing, so that there is nothing to answer.
        this.counters.ignored++;
    }
  }

  /** RFC 8656 §11.2. Indications are not authenticated; the 5-tuple is. */
  #handleIndication(client: Client, message: StunMessage): void {
    const allocation = message.method === StunMethod.send ? this.#allocationOf(client) : undefined;
    const peer = message.get(XOR_PEER_ADDRESS);
    const data = message.get(DATA);
    const isUsable = allocation?.transport === "udp" && message.unknownAttributes(UNDERSTOOD).length === 0;
    if (allocation === undefined || !isUsable || peer === undefined || data === undefined) {
      this.counters.ignored++;
      return;
    }
    this.#path.handleSend(allocation, peer, data, this.#now);
  }

  #handleRequest(client: Client, message: StunMessage, stream: ClientStream | undefined): void {
    const { method } = message;
    if (!METHODS.has(method)) {
      this.counters.ignored++;
      return;
    }
    const verdict = this.#verifier.verify(message, client.address, this.#now);
    if (verdict.type === "limited") return;
    const question: Question = {
      client,
      method,
      transactionId: copyBytes(message.transactionId),
      key: verdict.type === "authentic" ? verdict.key : undefined,
      bytes: message.bytes.length,
    };
    if (verdict.type === "refused") {
      this.#challenge(question, verdict.code);
      return;
    }
    this.#handleAuthentic(question, message, verdict.username, stream);
  }

  #handleAuthentic(
    question: Question,
    message: StunMessage,
    username: string,
    stream: ClientStream | undefined,
  ): void {
    // RFC 8489 §6.3.1: after authentication, and before anything else.
    const unknown = message.unknownAttributes(UNDERSTOOD);
    const isTcpAllocate =
      question.method === StunMethod.allocate && message.get(REQUESTED_TRANSPORT) === RelayTransport.tcp;
    // RFC 6062 §5.1 has another error for DONT-FRAGMENT.
    if (unknown.length > 0 && !(isTcpAllocate && unknown.every((type) => type === DONT_FRAGMENT.type))) {
      this.#outbox.answer(question, "error", (builder) => {
        builder
          .add(ERROR_CODE, { code: StunErrorNumber.unknownAttribute, reason: "" })
          .add(UNKNOWN_ATTRIBUTES, unknown.slice(0, MAX_UNKNOWN_NAMED));
      });
      this.counters.refused++;
      return;
    }
    switch (question.method) {
      case StunMethod.allocate:
        this.#handleAllocate(question, message, username, stream);
        return;
      case StunMethod.connectionBind:
        this.#handleConnectionBind(question, message, username, stream);
        return;
      default:
        this.#handleForAllocation(question, message, username, stream);
    }
  }

  #handleAllocate(
    question: Question,
    message: StunMessage,
    username: string,
    stream: ClientStream | undefined,
  ): void {
    const existing = this.#allocationOf(question.client);
    if (existing !== undefined) {
      if (!isRepetition(existing, question)) this.#refuse(question, StunErrorNumber.allocationMismatch);
      // While its sockets are being made, the answer is still to come.
      else if (existing.relays.length > 0) this.#allocations.answerAgain(question, existing, this.#now);
      return;
    }
    const credential = this.#credentials.find(username);
    if (credential === undefined || !this.#isGood(credential)) {
      // Not a 4xx of its own: for the client it is a credential that does not work.
      this.#challenge({ ...question, key: undefined }, StunErrorNumber.unauthenticated);
      return;
    }
    const plan = planAllocation(message, question.client.transport, {
      supports: (family) => this.#allocations.maker.supports(family),
      allowsTcp: this.#allowsTcp,
    });
    if (typeof plan === "number") {
      this.#refuse(question, plan);
      return;
    }
    const { user, restrictions } = credential;
    const identity = { username, user, restrictions };
    const refusal = this.#allocations.create(question, identity, plan, this.#now);
    if (refusal !== undefined) this.#refuse(question, refusal);
    else if (stream !== undefined) this.#streams.setTrusted(stream, true, this.#now);
    this.#settleEnded();
  }

  /** RFC 6062 §5.4. */
  #handleConnectionBind(
    question: Question,
    message: StunMessage,
    username: string,
    stream: ClientStream | undefined,
  ): void {
    // Over UDP there is nothing to join, and a stream with an allocation is a control connection.
    if (stream === undefined || this.#allocationOf(question.client) !== undefined) {
      this.#refuse(question, StunErrorNumber.badRequest);
      return;
    }
    const connectionId = message.get(CONNECTION_ID);
    const refusal = this.#connections.bind(question, connectionId, username, stream.deframer.rest);
    if (refusal !== undefined) this.#refuse(question, refusal);
    else this.#streams.remove(question.client.socket);
  }

  #handleForAllocation(
    question: Question,
    message: StunMessage,
    username: string,
    stream: ClientStream | undefined,
  ): void {
    const allocation = this.#allocationOf(question.client);
    // RFC 8656 §5: no allocation is 437, another user's is 441.
    if (allocation === undefined || allocation.relays.length === 0) {
      this.#refuse(question, StunErrorNumber.allocationMismatch);
      return;
    }
    if (allocation.username !== username) {
      this.#refuse(question, StunErrorNumber.wrongCredentials);
      return;
    }
    switch (question.method) {
      case StunMethod.refresh:
        this.#handleRefresh(question, message, allocation, stream);
        return;
      case StunMethod.createPermission:
        this.#handleCreatePermission(question, message, allocation);
        return;
      case StunMethod.channelBind:
        this.#handleChannelBind(question, message, allocation);
        return;
      default:
        this.#handleConnect(question, message, allocation);
    }
  }

  /** RFC 8656 §8.2. */
  #handleRefresh(
    question: Question,
    message: StunMessage,
    allocation: Allocation,
    stream: ClientStream | undefined,
  ): void {
    const family = message.get(REQUESTED_ADDRESS_FAMILY);
    const isForeign =
      family === undefined ? message.has(REQUESTED_ADDRESS_FAMILY) : !allocation.relayFor(family);
    if (isForeign) {
      this.#refuse(question, StunErrorNumber.peerAddressFamilyMismatch);
      return;
    }
    const requested = message.get(LIFETIME);
    if (requested === undefined && message.has(LIFETIME)) {
      this.#refuse(question, StunErrorNumber.badRequest);
      return;
    }
    const lifetimeSeconds = requested === 0 ? 0 : grantedLifetimeSeconds(requested);
    this.#allocations.refresh(allocation, family, lifetimeSeconds, this.#now);
    if (stream !== undefined && allocation.relays.length === 0) {
      this.#streams.setTrusted(stream, false, this.#now);
    }
    this.#settleEnded();
    this.#outbox.answer(question, "success", (builder) => builder.add(LIFETIME, lifetimeSeconds));
  }

  /** RFC 8656 §10.2: all of the permissions, or none. */
  #handleCreatePermission(question: Question, message: StunMessage, allocation: Allocation): void {
    const peers = message.getAll(XOR_PEER_ADDRESS);
    const named = message.attributeTypes.filter((type) => type === XOR_PEER_ADDRESS.type).length;
    if (peers.length === 0 || peers.length !== named) {
      this.#refuse(question, StunErrorNumber.badRequest);
      return;
    }
    const ips = peers.map(({ ip }) => ip);
    const refusal = ips.reduce<number | undefined>(
      (found, ip) =>
        found ?? this.#refusalFor(allocation, ip, this.#guard.allowsPermission(ip, allocation.relaysOnly)),
      undefined,
    );
    if (refusal !== undefined) {
      this.#refuse(question, refusal);
      return;
    }
    if (!allocation.permissions.hasRoomFor(ips, this.#now)) {
      this.counters.capacityRefused++;
      this.#refuse(question, StunErrorNumber.insufficientCapacity);
      return;
    }
    for (const ip of ips) allocation.permissions.install(ip, this.#now);
    this.counters.permissions++;
    this.#outbox.answer(question, "success");
  }

  /** RFC 8656 §12.2. */
  #handleChannelBind(question: Question, message: StunMessage, allocation: Allocation): void {
    const number = message.get(CHANNEL_NUMBER);
    const peer = message.get(XOR_PEER_ADDRESS);
    if (
      number === undefined ||
      peer === undefined ||
      number < FIRST_CHANNEL_NUMBER ||
      // RFC 8656 §12 ends at 0x4fff; older clients, coturn's among them, choose from the range of RFC 5766 §11.
      number > LAST_OLD_CHANNEL_NUMBER ||
      allocation.transport === "tcp"
    ) {
      this.#refuse(question, StunErrorNumber.badRequest);
      return;
    }
    const verdict = this.#guard.judge(peer, allocation.relaysOnly);
    const problem = allocation.channels.check(number, peer, this.#now);
    if (problem === "number-taken" || problem === "peer-taken") {
      this.#refuse(question, StunErrorNumber.badRequest);
      return;
    }
    const refusal = this.#refusalFor(allocation, peer.ip, verdict !== "forbidden");
    if (refusal !== undefined) {
      this.#refuse(question, refusal);
      return;
    }
    if (problem === "full" || !allocation.permissions.hasRoomFor([peer.ip], this.#now)) {
      this.counters.capacityRefused++;
      this.#refuse(question, StunErrorNumber.insufficientCapacity);
      return;
    }
    const permission = allocation.permissions.install(peer.ip, this.#now);
    allocation.channels.bind(number, peer, permission, verdict, this.#now);
    this.counters.channelBindings++;
    this.#outbox.answer(question, "success");
  }

  /** RFC 6062 §5.2. */
  #handleConnect(question: Question, message: StunMessage, allocation: Allocation): void {
    const peer = message.get(XOR_PEER_ADDRESS);
    if (peer === undefined || allocation.transport !== "tcp") {
      this.#refuse(question, StunErrorNumber.badRequest);
      return;
    }
    const relay = allocation.relayFor(peer.family);
    const refusal = this.#refusalFor(
      allocation,
      peer.ip,
      this.#guard.allowsStream(peer, allocation.relaysOnly),
    );
    if (refusal !== undefined || relay === undefined) {
      this.#refuse(question, refusal ?? StunErrorNumber.peerAddressFamilyMismatch);
      return;
    }
    const problem = this.#connections.connect(question, relay, peer, this.#now);
    if (problem !== undefined) this.#refuse(question, problem);
  }

  /** The family first, then the policy (RFC 8656 §10.2, §12.2). */
  #refusalFor(allocation: Allocation, ip: IpAddress, isAllowed: boolean): number | undefined {
    if (allocation.relayFor(ip.family) === undefined) return StunErrorNumber.peerAddressFamilyMismatch;
    if (isAllowed) return undefined;
    this.counters.peersForbidden++;
    return StunErrorNumber.forbidden;
  }

  #isGood({ user, expiresAt }: TurnCredential): boolean {
    const now = this.#wallClock();
    return (expiresAt === undefined || expiresAt > now) && !this.#revocations.has(user, now);
  }

  #wallClock(): WallClockMillis {
    return this.#now + this.#wallClockOffset;
  }

  #allocationOf(client: Client): Allocation | undefined {
    return this.#allocations.table.find(client.socket, client.address);
  }

  #challenge(question: Question, code: 400 | 401 | 438): void {
    this.#outbox.answer(question, "error", (builder) => {
      this.#verifier.addRefusal(builder, code, question.client.address, this.#now);
    });
  }

  #refuse(question: Question, code: number): void {
    this.counters.refused++;
    this.#outbox.answer(question, "error", (builder) => {
      builder.add(ERROR_CODE, { code, reason: REASONS.get(code) ?? "" });
    });
  }

  #closeStream({ client }: ClientStream): void {
    const allocation = this.#allocationOf(client);
    this.#streams.remove(client.socket);
    if (allocation !== undefined) this.#allocations.remove(allocation);
    this.#settleEnded();
    this.#events.push({ type: "closeStream", stream: client.socket });
  }

  /** With an allocation end its connections, and its stream is a stranger's again. */
  #settleEnded(): void {
    for (const allocation of this.#allocations.ended.splice(0)) {
      this.#connections.removeAllocation(allocation);
      const stream = this.#streams.get(allocation.client.socket);
      if (stream !== undefined) this.#streams.setTrusted(stream, false, this.#now);
    }
  }
}

const METHODS: ReadonlySet<number> = new Set([
  StunMethod.allocate,
  StunMethod.refresh,
  StunMethod.createPermission,
  StunMethod.channelBind,
  StunMethod.connect,
  StunMethod.connectionBind,
]);

/** What errors mean, for people who look at a capture. Only clients who have proved themselves are told. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [StunErrorNumber.badRequest, "Bad Request"],
  [StunErrorNumber.forbidden, "Forbidden"],
  [StunErrorNumber.allocationMismatch, "Allocation Mismatch"],
  [StunErrorNumber.addressFamilyNotSupported, "Address Family not Supported"],
  [StunErrorNumber.wrongCredentials, "Wrong Credentials"],
  [StunErrorNumber.unsupportedTransportProtocol, "Unsupported Transport Protocol"],
  [StunErrorNumber.peerAddressFamilyMismatch, "Peer Address Family Mismatch"],
  [StunErrorNumber.connectionAlreadyExists, "Connection Already Exists"],
  [StunErrorNumber.connectionTimeoutOrFailure, "Connection Timeout or Failure"],
  [StunErrorNumber.allocationQuotaReached, "Allocation Quota Reached"],
  [StunErrorNumber.insufficientCapacity, "Insufficient Capacity"],
]);

/** RFC 8656 §7.2: the same transaction on the same 5-tuple is the same request. */
function isRepetition(allocation: Allocation, question: Question): boolean {
  return allocation.transactionId.every((byte, i) => byte === question.transactionId[i]);
}
