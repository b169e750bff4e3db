import { add32, distance32 } from "../bytes/index.ts";
import { type Millis, Queue } from "../sansio/index.ts";
import { encodeReConfig } from "./chunk/re-config.ts";
import type { SctpEvent } from "./events.ts";
import { type AddStreamsRequest, encodeAddStreams } from "./parameter/add-streams.ts";
import { encodeOutgoingSsnReset, type OutgoingSsnResetRequest } from "./parameter/outgoing-ssn-reset.ts";
import type { ReconfigParameter } from "./parameter/reconfig-parameters.ts";
import {
  encodeReconfigResponse,
  type ReconfigResponse,
  ReconfigResult,
} from "./parameter/reconfig-response.ts";
import type { DataReceiver } from "./rx/data-receiver.ts";
import type { DataSender } from "./tx/data-sender.ts";
import type { SendQueue } from "./tx/send-queue.ts";

/** Streams reset with one request: they fit the smallest packet. */
const MAX_STREAMS_PER_REQUEST = 200;
/** There are no more stream numbers than this. */
const MAX_STREAMS = 0xffff;
/**
 * RFC 6525 §5.2.7 H2: a request in progress is repeated as it was. Some peers answer a repetition with what they said before, and
 * want another number; after so many answers they get it.
 */
const ANSWERS_BEFORE_RENUMBERING = 3;
/** Two parameters make a response; requests come one at a time, and answers that do not fit are asked for again. */
const MAX_WAITING_CHUNKS = 16;

const NOTHING = new Uint8Array(0);

interface Pending {
  readonly streamIds: readonly number[];
  /** Streams to add; 0 for a reset. */
  readonly newStreams: number;
  number: number;
  chunk: Uint8Array;
  /** How often the peer has answered that it is in progress. */
  answers: number;
}

interface Deferred {
  readonly requestSequenceNumber: number;
  readonly lastTsn: number;
  readonly streamIds: readonly number[] | "all";
}

/** What the reconfiguration works on. */
export interface ReconfigurationParts {
  readonly queue: SendQueue;
  readonly sender: DataSender;
  readonly receiver: DataReceiver;
  readonly localInitialTsn: number;
  readonly peerInitialTsn: number;
  outboundStreams: number;
  inboundStreams: number;
  readonly maxInboundStreams: number;
}

/**
 * Resets streams and adds some (RFC 6525). One request is under way at a time; a stream is reset when everything that waited
 * on it has been sent.
 */
export class Reconfiguration {
  readonly #parts: ReconfigurationParts;
  readonly #waiting = new Set<number>();
  #newStreamsWaiting = 0;
  #pending: Pending | undefined;
  #nextNumber: number;
  #retryAt: Millis = Number.POSITIVE_INFINITY;
  #expectedNumber: number;
  #lastResult: number = ReconfigResult.nothingToDo;
  #deferred: Deferred | undefined;
  readonly #chunks = new Queue<Uint8Array>(MAX_WAITING_CHUNKS);
  readonly #events: SctpEvent[] = [];

  constructor(parts: ReconfigurationParts) {
    this.#parts = parts;
    // RFC 6525 §3.1 and §4.1: both count from the initial TSN.
    this.#nextNumber = parts.localInitialTsn;
    this.#expectedNumber = parts.peerInitialTsn;
  }

  /** Whether a stream is being reset, or will be. */
  isResetting(streamId: number): boolean {
    return this.#waiting.has(streamId) || (this.#pending?.streamIds.includes(streamId) ?? false);
  }

  /** Resets a stream once it is empty. */
  resetStream(streamId: number): void {
    if (!this.isResetting(streamId)) this.#waiting.add(streamId);
  }

  /** Asks for more outgoing streams. */
  addOutgoingStreams(count: number): void {
    this.#newStreamsWaiting += count;
  }

  /** Takes the parameters of a RE-CONFIG. */
  handleParameters(parameters: readonly ReconfigParameter[], now: Millis, rtoMs: Millis): void {
    const responses: Uint8Array[] = [];
    for (const parameter of parameters) {
      if (parameter.type === "response") {
        this.#handleResponse(parameter, now, rtoMs);
        continue;
      }
      const result = this.#handleRequest(parameter);
      responses.push(encodeReconfigResponse(parameter.requestSequenceNumber, result));
    }
    if (responses.length === 0) return;
    this.#parts.receiver.requestSack();
    this.#chunks.push(encodeReConfig(responses));
  }

  /** The cumulative TSN has moved: does what waited for it (RFC 6525 §5.2.2 E2, E3). */
  handleCumulativeTsn(): void {
    const deferred = this.#deferred;
    if (deferred === undefined) return;
    if (distance32(deferred.lastTsn, this.#parts.receiver.cumulativeTsn) > 0) return;
    this.#deferred = undefined;
    this.#performIncoming(deferred.streamIds);
    this.#lastResult = ReconfigResult.performed;
    this.#chunks.push(
      encodeReConfig([encodeReconfigResponse(deferred.requestSequenceNumber, ReconfigResult.performed)]),
    );
  }

  handleTimeout(now: Millis, rtoMs: Millis): void {
    if (now < this.#retryAt || this.#pending === undefined) return;
    if (this.#pending.answers >= ANSWERS_BEFORE_RENUMBERING) this.#encode(this.#pending);
    this.#chunks.push(this.#pending.chunk);
    this.#retryAt = now + rtoMs;
  }

  /** The next chunk to send, or undefined. */
  pollChunk(now: Millis, rtoMs: Millis): Uint8Array | undefined {
    if (this.#pending === undefined) this.#start(now, rtoMs);
    return this.#chunks.shift();
  }

  /** Whether {@link pollChunk} would answer something. */
  get hasChunk(): boolean {
    if (this.#chunks.length > 0) return true;
    if (this.#pending !== undefined) return false;
    return this.#newStreamsWaiting > 0 || this.#hasEmptyStream();
  }

  pollEvent(): SctpEvent | undefined {
    return this.#events.length === 0 ? undefined : this.#events.shift();
  }

  pollTimeout(): Millis {
    return this.#pending === undefined ? Number.POSITIVE_INFINITY : this.#retryAt;
  }

  #hasEmptyStream(): boolean {
    for (const id of this.#waiting) if (!this.#parts.queue.hasMessages(id)) return true;
    return false;
  }

  #start(now: Millis, rtoMs: Millis): void {
    const { queue } = this.#parts;
    const streamIds: number[] = [];
    for (const id of this.#waiting) {
      if (queue.hasMessages(id)) continue;
      streamIds.push(id);
      if (streamIds.length === MAX_STREAMS_PER_REQUEST) break;
    }
    for (const id of streamIds) this.#waiting.delete(id);
    let newStreams = 0;
    if (streamIds.length === 0) {
      newStreams = Math.min(this.#newStreamsWaiting, MAX_STREAMS - this.#parts.outboundStreams);
      this.#newStreamsWaiting = 0;
      if (newStreams === 0) return;
    }
    const pending: Pending = { streamIds, newStreams, number: 0, chunk: NOTHING, answers: 0 };
    this.#encode(pending);
    this.#pending = pending;
    this.#chunks.push(pending.chunk);
    this.#retryAt = now + rtoMs;
  }

  /** Makes the request anew, under a number of its own. */
  #encode(pending: Pending): void {
    const requestSequenceNumber = this.#nextNumber;
    this.#nextNumber = add32(requestSequenceNumber, 1);
    pending.number = requestSequenceNumber;
    pending.answers = 0;
    pending.chunk = encodeReConfig([
      pending.newStreams > 0
        ? encodeAddStreams({ direction: "outgoing", requestSequenceNumber, newStreams: pending.newStreams })
        : encodeOutgoingSsnReset({
            requestSequenceNumber,
            // RFC 6525 §5.1.2 A4: the last request of the peer, when this answers none.
            responseSequenceNumber: add32(this.#expectedNumber, -1),
            senderLastAssignedTsn: add32(this.#parts.sender.nextTsn, -1),
            streamIds: pending.streamIds,
          }),
    ]);
  }

  #handleResponse(response: ReconfigResponse, now: Millis, rtoMs: Millis): void {
    const pending = this.#pending;
    if (pending === undefined || pending.number !== response.responseSequenceNumber) return;
    const { result } = response;
    if (result === ReconfigResult.inProgress || result === ReconfigResult.requestInProgress) {
      pending.answers++;
      this.#retryAt = now + rtoMs;
      return;
    }
    this.#pending = undefined;
    this.#retryAt = Number.POSITIVE_INFINITY;
    const isDone = result === ReconfigResult.performed || result === ReconfigResult.nothingToDo;
    if (pending.newStreams > 0) {
      if (isDone) this.#parts.outboundStreams += pending.newStreams;
      const { outboundStreams } = this.#parts;
      this.#events.push({ type: "outgoingStreamsAdded", outboundStreams, isAdded: isDone });
      return;
    }
    // RFC 6525 §5.2.7 H4.
    for (const id of pending.streamIds) if (isDone) this.#parts.queue.forget(id);
    this.#events.push({ type: "outgoingStreamsReset", streamIds: pending.streamIds, isReset: isDone });
  }

  #handleRequest(request: Exclude<ReconfigParameter, ReconfigResponse>): number {
    const number = request.requestSequenceNumber;
    // RFC 6525 §5.2.1: the last request again gets the last answer again.
    if (number === add32(this.#expectedNumber, -1)) return this.#lastResult;
    if (number !== this.#expectedNumber) return ReconfigResult.badSequenceNumber;
    this.#expectedNumber = add32(number, 1);
    this.#lastResult = this.#perform(request);
    return this.#lastResult;
  }

  #perform(request: Exclude<ReconfigParameter, ReconfigResponse>): number {
    switch (request.type) {
      case "outgoingSsnReset":
        return this.#handleOutgoingReset(request);
      case "addStreams":
        return this.#handleAddStreams(request);
      case "incomingSsnReset":
      case "ssnTsnReset":
        // RFC 6525 §5.2.1: whether to do it is ours to decide. RFC 8831 §6.7 has no use for either.
        return ReconfigResult.denied;
      default:
        return request satisfies never;
    }
  }

  #handleOutgoingReset(request: OutgoingSsnResetRequest): number {
    const streamIds = request.streamIds.length === 0 ? "all" : request.streamIds;
    const { cumulativeTsn } = this.#parts.receiver;
    const behind = distance32(request.senderLastAssignedTsn, cumulativeTsn);
    // RFC 6525 §5.2.2 E2: not before everything sent on the streams has come.
    if (behind > 0) {
      const { requestSequenceNumber, senderLastAssignedTsn: lastTsn } = request;
      this.#deferred = { requestSequenceNumber, lastTsn, streamIds };
      return ReconfigResult.inProgress;
    }
    this.#deferred = undefined;
    this.#performIncoming(streamIds);
    return ReconfigResult.performed;
  }

  #performIncoming(streamIds: readonly number[] | "all"): void {
    this.#parts.receiver.resetStreams(streamIds);
    this.#events.push({ type: "incomingStreamsReset", streamIds });
  }

  #handleAddStreams(request: AddStreamsRequest): number {
    // RFC 6525 §5.2.6: more streams of ours are asked for; ours are as many as we want.
    if (request.direction === "incoming") return ReconfigResult.denied;
    const inboundStreams = this.#parts.inboundStreams + request.newStreams;
    if (inboundStreams > this.#parts.maxInboundStreams) return ReconfigResult.denied;
    this.#parts.inboundStreams = inboundStreams;
    this.#events.push({ type: "incomingStreamsAdded", inboundStreams });
    return ReconfigResult.performed;
  }
}
