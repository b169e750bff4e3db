import { type IncomingDatagram, type IpAddress, type SocketId, TransportAddress } from "@naru/webrtc/bytes";
import type { CryptoProvider } from "@naru/webrtc/crypto";
import type { PacketArena, PacketSlot } from "@naru/webrtc/kernel";
import type { AskId, Core, Environment, Millis, WallClockMillis } from "@naru/webrtc/sansio";
import {
  DATA,
  LongTermVerifier,
  type LongTermVerifierCounters,
  type LongTermVerifierOptions,
  StunMessage,
  StunMethod,
  safeDecodeStunMessage,
  XOR_PEER_ADDRESS,
} from "@naru/webrtc/stun";
import { isChannelData } from "@naru/webrtc/turn";
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
import type { CredentialSource } from "./credentials/credentials.ts";
import { Users } from "./credentials/users.ts";
import { Deadlines } from "./deadlines.ts";
import { EventQueue, type TurnServerEvent } from "./events.ts";
import { Outbox, type TurnTransmit } from "./outbox.ts";
import { PacketPath } from "./packet-path.ts";
import { PeerConnections } from "./peer-connections.ts";
import { PeerGuard } from "./peer-guard.ts";
import type { PeerPolicy } from "./peer-policy.ts";
import { DEFAULT_PORT_RANGE, type PortRange } from "./port-pool.ts";
import { DEFAULT_QUOTA_OPTIONS, type QuotaOptions } from "./quota.ts";
import type { RelayAddress } from "./relay-maker.ts";
import { RequestHandler, UNDERSTOOD } from "./request-handler.ts";

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
  readonly #users: Users;
  readonly #binding: Core<IncomingDatagram, PacketSlot, never>;
  readonly #deadlines: Deadlines;
  readonly #outbox: Outbox;
  readonly #events = new EventQueue();
  readonly #guard: PeerGuard;
  readonly #path: PacketPath;
  readonly #allocations: Allocations;
  readonly #connections: PeerConnections;
  readonly #streams: ClientStreams;
  readonly #requests: RequestHandler;
  readonly #message = new StunMessage();
  #now: Millis;
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
    const maxLifetimeMs = options.maxCredentialLifetimeMs ?? DEFAULT_MAX_CREDENTIAL_LIFETIME_MS;
    this.#users = new Users(options.credentials, maxLifetimeMs, wallClock, now);
    const { passwords } = this.#users;
    this.#verifier = new LongTermVerifier(environment, { ...options.authentication, passwords });
    this.#binding = options.binding;
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
    this.#requests = new RequestHandler({
      shared: parts,
      verifier: this.#verifier,
      users: this.#users,
      allocations: this.#allocations,
      connections: this.#connections,
      streams: this.#streams,
      allowsTcp: options.allowsTcpRelay ?? true,
    });
  }

  // Commands.

  /** The calendar clock has this time now: credentials expire by it. To be told now and then, since it may be set. */
  setWallClock(wallClock: WallClockMillis, now: Millis): void {
    this.#users.setWallClock(wallClock, now);
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
    this.#users.revoke(user, now);
    this.#allocations.removeUser(user);
    this.#settleEnded();
  }

  /** Takes a revocation back. */
  reinstate(user: string): void {
    this.#users.reinstate(user);
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
        this.#requests.handle(client, message, stream, this.#now);
        this.#settleEnded();
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

  #allocationOf(client: Client): Allocation | undefined {
    return this.#allocations.table.find(client.socket, client.address);
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
