import { copyBytes, type IpAddress } from "@naru/webrtc/bytes";
import type { Millis } from "@naru/webrtc/sansio";
import {
  CHANNEL_NUMBER,
  CONNECTION_ID,
  DONT_FRAGMENT,
  ERROR_CODE,
  LIFETIME,
  type LongTermVerifier,
  REQUESTED_ADDRESS_FAMILY,
  REQUESTED_TRANSPORT,
  StunErrorNumber,
  type StunMessage,
  StunMethod,
  UNKNOWN_ATTRIBUTES,
  XOR_PEER_ADDRESS,
} from "@naru/webrtc/stun";
import {
  FIRST_CHANNEL_NUMBER,
  LAST_OLD_CHANNEL_NUMBER,
  RelayTransport,
  TURN_ATTRIBUTES,
} from "@naru/webrtc/turn";
import { grantedLifetimeSeconds, planAllocation } from "./allocate-request.ts";
import type { Allocation, Client } from "./allocation.ts";
import type { Allocations, ServerParts } from "./allocations.ts";
import type { ClientStream, ClientStreams } from "./client-streams.ts";
import type { TurnCounters } from "./counters.ts";
import type { Users } from "./credentials/users.ts";
import type { Outbox, Question } from "./outbox.ts";
import type { PeerConnections } from "./peer-connections.ts";
import type { PeerGuard } from "./peer-guard.ts";

/** Node cannot set the DF bit, so that DONT-FRAGMENT is an attribute not understood (RFC 8656 §7.2 step 4). */
export const UNDERSTOOD: ReadonlySet<number> = new Set(
  [...TURN_ATTRIBUTES].filter((type) => type !== DONT_FRAGMENT.type),
);

/** As the Binding server does: enough to see what is wrong. */
const MAX_UNKNOWN_NAMED = 8;

/** What requests are answered with. */
export interface RequestHandlerParts {
  readonly shared: ServerParts;
  readonly verifier: LongTermVerifier;
  readonly users: Users;
  readonly allocations: Allocations;
  readonly connections: PeerConnections;
  readonly streams: ClientStreams;
  readonly allowsTcp: boolean;
}

/** Answers the requests of TURN: who asks, then whether the request is right, then what it asks for. */
export class RequestHandler {
  readonly #outbox: Outbox;
  readonly #guard: PeerGuard;
  readonly #counters: TurnCounters;
  readonly #verifier: LongTermVerifier;
  readonly #users: Users;
  readonly #allocations: Allocations;
  readonly #connections: PeerConnections;
  readonly #streams: ClientStreams;
  readonly #allowsTcp: boolean;
  /** Of the request that is being handled. */
  #now: Millis = 0;

  constructor(parts: RequestHandlerParts) {
    this.#outbox = parts.shared.outbox;
    this.#guard = parts.shared.guard;
    this.#counters = parts.shared.counters;
    this.#verifier = parts.verifier;
    this.#users = parts.users;
    this.#allocations = parts.allocations;
    this.#connections = parts.connections;
    this.#streams = parts.streams;
    this.#allowsTcp = parts.allowsTcp;
  }

  /**
   * Takes a request, authentic or not.
   *
   * @param message - Lent for the call.
   * @param stream - What it came in on, if that is a stream.
   */
  handle(client: Client, message: StunMessage, stream: ClientStream | undefined, now: Millis): void {
    const { method } = message;
    this.#now = now;
    if (!METHODS.has(method)) {
      this.#counters.ignored++;
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
      this.#counters.refused++;
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
        this.#handleForAllocation(question, message, username);
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
    const credential = this.#users.admit(username, this.#now);
    if (credential === undefined) {
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

  #handleForAllocation(question: Question, message: StunMessage, username: string): void {
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
        this.#handleRefresh(question, message, allocation);
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
  #handleRefresh(question: Question, message: StunMessage, allocation: Allocation): void {
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
      this.#counters.capacityRefused++;
      this.#refuse(question, StunErrorNumber.insufficientCapacity);
      return;
    }
    for (const ip of ips) allocation.permissions.install(ip, this.#now);
    this.#counters.permissions++;
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
      this.#counters.capacityRefused++;
      this.#refuse(question, StunErrorNumber.insufficientCapacity);
      return;
    }
    const permission = allocation.permissions.install(peer.ip, this.#now);
    allocation.channels.bind(number, peer, permission, verdict, this.#now);
    this.#counters.channelBindings++;
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
    this.#counters.peersForbidden++;
    return StunErrorNumber.forbidden;
  }

  #challenge(question: Question, code: 400 | 401 | 438): void {
    this.#outbox.answer(question, "error", (builder) => {
      this.#verifier.addRefusal(builder, code, question.client.address, this.#now);
    });
  }

  #refuse(question: Question, code: number): void {
    this.#counters.refused++;
    this.#outbox.answer(question, "error", (builder) => {
      builder.add(ERROR_CODE, { code, reason: REASONS.get(code) ?? "" });
    });
  }

  #allocationOf(client: Client): Allocation | undefined {
    return this.#allocations.table.find(client.socket, client.address);
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
