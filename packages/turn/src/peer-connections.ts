import { type SocketId, TransportAddress } from "@naru/webrtc/bytes";
import { type AskId, type Millis, randomBytes, randomUint32, type WheelEntry } from "@naru/webrtc/sansio";
import {
  CONNECTION_ID,
  ERROR_CODE,
  StunErrorNumber,
  StunMethod,
  TRANSACTION_ID_BYTES,
  XOR_PEER_ADDRESS,
} from "@naru/webrtc/stun";
import { CONNECTION_TIMEOUT_MS } from "@naru/webrtc/turn";
import type { Allocation, Relay } from "./allocation.ts";
import type { Allocations, ServerParts } from "./allocations.ts";
import type { Question } from "./outbox.ts";

/** A connection to a peer, and what of a client's connection belongs to it (RFC 6062 §3). */
interface PeerConnection {
  readonly id: number;
  readonly allocation: Allocation;
  readonly peer: TransportAddress;
  /** Our end, when we connected: its port is ours to give back. */
  readonly local: TransportAddress | undefined;
  state: "connecting" | "pending" | "bound";
  /** The stream to the peer, once there is one. */
  stream: SocketId | undefined;
  /** The stream of the client that was bound to it. */
  clientStream: SocketId | undefined;
  readonly entry: WheelEntry;
}

/** TCP between relay and peers (RFC 6062). */
export class PeerConnections {
  readonly #parts: ServerParts;
  readonly #allocations: Allocations;
  readonly #maximum: number;
  readonly #byId = new Map<number, PeerConnection>();
  /** By either of its streams. */
  readonly #byStream = new Map<SocketId, PeerConnection>();
  readonly #byAllocation = new Map<Allocation, Set<PeerConnection>>();
  readonly #asked = new Map<AskId, { readonly connection: PeerConnection; readonly question: Question }>();
  #nextAsk: AskId = 1;

  /** @param maximum - Connections of one allocation. */
  constructor(parts: ServerParts, allocations: Allocations, maximum: number) {
    this.#parts = parts;
    this.#allocations = allocations;
    this.#maximum = maximum;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * A Connect request (RFC 6062 §5.2), whose allocation and peer have been found right. It is answered when the connection is there.
   *
   * @returns the number of the error to answer with instead.
   */
  connect(question: Question, relay: Relay, peer: TransportAddress, now: Millis): number | undefined {
    const { allocation } = relay;
    const connections = this.#of(allocation);
    for (const other of connections) {
      if (other.peer.equals(peer)) return StunErrorNumber.connectionAlreadyExists;
    }
    const bind = this.#allocations.maker.placeOf(peer.family)?.bind;
    const port =
      connections.size < this.#maximum ? this.#allocations.maker.takePort("tcp", peer.family) : undefined;
    if (port === undefined || bind === undefined) return StunErrorNumber.insufficientCapacity;
    // Not the relayed port itself, on which this machine already listens: see docs/protocols/turn.md.
    const local = new TransportAddress(relay.address.ip, port);
    const connection = this.#add(allocation, peer, local, "connecting");
    this.#parts.guard.addStream(local);
    this.#parts.counters.peerConnects++;
    const id = this.#nextAsk++;
    this.#asked.set(id, { connection, question });
    const from = new TransportAddress(bind, port);
    this.#parts.events.push({ type: "connectPeer", id, from, to: peer, timeoutMs: CONNECTION_TIMEOUT_MS });
    this.#parts.deadlines.disarm(connection.entry);
    // The platform gives up by itself; this is for one that does not answer at all.
    this.#parts.deadlines.arm(connection.entry, now + 2 * CONNECTION_TIMEOUT_MS);
    return undefined;
  }

  handlePeerConnected(id: AskId, stream: SocketId, now: Millis): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked === undefined || !this.#isAlive(asked.connection)) {
      this.#parts.events.push({ type: "closeStream", stream });
      return;
    }
    const { connection, question } = asked;
    this.#establish(connection, stream, now);
    this.#parts.outbox.answer(question, "success", (builder) => builder.add(CONNECTION_ID, connection.id));
  }

  handlePeerFailed(id: AskId): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked === undefined || !this.#isAlive(asked.connection)) return;
    this.#parts.counters.peerConnectsFailed++;
    this.#remove(asked.connection);
    this.#parts.outbox.answer(asked.question, "error", (builder) => {
      builder.add(ERROR_CODE, { code: StunErrorNumber.connectionTimeoutOrFailure, reason: "" });
    });
  }

  /** A peer has connected to a relayed address (RFC 6062 §5.3). */
  handlePeerAccepted(relay: Relay, stream: SocketId, from: TransportAddress, now: Millis): void {
    const { allocation } = relay;
    const isWelcome =
      allocation.permissions.find(from.ip, now) !== undefined &&
      this.#parts.guard.allowsStream(from, allocation.relaysOnly) &&
      this.#of(allocation).size < this.#maximum;
    if (!isWelcome) {
      this.#parts.counters.droppedNoPermission++;
      this.#parts.events.push({ type: "closeStream", stream });
      return;
    }
    this.#parts.counters.peerAccepts++;
    const connection = this.#add(allocation, from, undefined, "pending");
    this.#establish(connection, stream, now);
    const transactionId = randomBytes(this.#parts.environment.random, TRANSACTION_ID_BYTES);
    this.#parts.outbox.indicate(allocation.client, StunMethod.connectionAttempt, transactionId, (builder) => {
      builder.add(XOR_PEER_ADDRESS, from).add(CONNECTION_ID, connection.id);
    });
  }

  /**
   * A ConnectionBind request (RFC 6062 §5.4) on the stream of `question`.
   *
   * @param early - What the client has sent behind the request; lent.
   * @returns the number of the error to answer with, or undefined when the streams are joined and it was answered.
   */
  bind(
    question: Question,
    connectionId: number | undefined,
    username: string,
    early: Uint8Array,
  ): number | undefined {
    const connection = connectionId === undefined ? undefined : this.#byId.get(connectionId);
    const peer = connection?.stream;
    if (connection === undefined || peer === undefined || connection.state !== "pending") {
      return StunErrorNumber.badRequest;
    }
    // RFC 8656 §5: what belongs to an allocation is asked for by the user who made it.
    if (connection.allocation.username !== username) return StunErrorNumber.wrongCredentials;
    this.#parts.deadlines.disarm(connection.entry);
    const client = question.client.socket;
    connection.state = "bound";
    connection.clientStream = client;
    this.#byStream.set(client, connection);
    this.#parts.counters.dataConnections++;
    this.#parts.outbox.answer(question, "success");
    this.#parts.events.push({ type: "joinStreams", client, peer, early: early.slice() });
    return undefined;
  }

  /** Whether a stream carries data of a peer, and no more messages. */
  isData(stream: SocketId): boolean {
    return this.#byStream.has(stream);
  }

  /** RFC 6062 §5.5: when one of the two ends, so does the other. */
  handleStreamClosed(stream: SocketId): void {
    const connection = this.#byStream.get(stream);
    if (connection === undefined) return;
    if (connection.stream === stream) connection.stream = undefined;
    else connection.clientStream = undefined;
    this.#byStream.delete(stream);
    this.#remove(connection);
  }

  removeAllocation(allocation: Allocation): void {
    for (const connection of [...this.#of(allocation)]) this.#remove(connection);
  }

  #add(
    allocation: Allocation,
    peer: TransportAddress,
    local: TransportAddress | undefined,
    state: "connecting" | "pending",
  ): PeerConnection {
    const connection: PeerConnection = {
      id: this.#freeId(),
      allocation,
      peer,
      local,
      state,
      stream: undefined,
      clientStream: undefined,
      entry: { onDeadline: () => this.#remove(connection) },
    };
    this.#byId.set(connection.id, connection);
    const connections = this.#byAllocation.get(allocation) ?? new Set<PeerConnection>();
    connections.add(connection);
    this.#byAllocation.set(allocation, connections);
    return connection;
  }

  /** RFC 6062 §5.2, §5.3: the client has 30 seconds to bind it. */
  #establish(connection: PeerConnection, stream: SocketId, now: Millis): void {
    connection.state = "pending";
    connection.stream = stream;
    this.#byStream.set(stream, connection);
    this.#parts.deadlines.arm(connection.entry, now + CONNECTION_TIMEOUT_MS);
  }

  #remove(connection: PeerConnection): void {
    if (!this.#isAlive(connection)) return;
    const { allocation, local } = connection;
    this.#byId.delete(connection.id);
    this.#parts.deadlines.disarm(connection.entry);
    for (const stream of [connection.stream, connection.clientStream]) {
      if (stream === undefined) continue;
      this.#byStream.delete(stream);
      this.#parts.events.push({ type: "closeStream", stream });
    }
    if (local !== undefined) {
      this.#parts.guard.removeStream(local);
      this.#allocations.maker.release("tcp", local.family, local.port);
    }
    const connections = this.#byAllocation.get(allocation);
    connections?.delete(connection);
    if (connections?.size === 0) this.#byAllocation.delete(allocation);
  }

  #isAlive(connection: PeerConnection): boolean {
    return this.#byId.get(connection.id) === connection;
  }

  #of(allocation: Allocation): ReadonlySet<PeerConnection> {
    return this.#byAllocation.get(allocation) ?? NONE;
  }

  /** Not to be guessed: whoever knows it, and the user, takes the connection. */
  #freeId(): number {
    for (;;) {
      const id = randomUint32(this.#parts.environment.random);
      if (id !== 0 && !this.#byId.has(id)) return id;
    }
  }
}

const NONE: ReadonlySet<PeerConnection> = new Set();
