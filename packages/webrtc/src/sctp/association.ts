// Longer than a file should be: this is the state machine of RFC 9260 §4, in which every chunk may meet every state. What has
// state of its own (sending, receiving, resets, the path, cookies, control chunks) is a class beside it.
import type { CryptoProvider } from "../crypto/index.ts";
import type { PacketArena, PacketSlot } from "../kernel/index.ts";
import {
  type Core,
  type Environment,
  InvalidStateError,
  type Millis,
  Queue,
  randomUint32,
  TimerTable,
} from "../sansio/index.ts";
import { decodeAbort, encodeAbort, TAG_REFLECTED } from "./chunk/abort.ts";
import {
  CHUNK_HEADER_BYTES,
  ChunkCursor,
  ChunkType,
  shouldReportUnknown,
  shouldSkipUnknown,
} from "./chunk/chunk.ts";
import { encodeCookieAck, encodeCookieEcho } from "./chunk/cookie.ts";
import { createDataFields, readData } from "./chunk/data.ts";
import { decodeError, encodeError } from "./chunk/error.ts";
import { decodeForwardTsn } from "./chunk/forward-tsn.ts";
import { decodeHeartbeat, encodeHeartbeatAck } from "./chunk/heartbeat.ts";
import { readIData } from "./chunk/i-data.ts";
import { decodeIForwardTsn } from "./chunk/i-forward-tsn.ts";
import { decodeInit, encodeInit, type InitChunk } from "./chunk/init.ts";
import { decodeReConfig } from "./chunk/re-config.ts";
import { SackView } from "./chunk/sack.ts";
import {
  decodeShutdown,
  encodeShutdown,
  encodeShutdownAck,
  encodeShutdownComplete,
} from "./chunk/shutdown.ts";
import { ControlQueue, type LoneChunk } from "./control-queue.ts";
import { judgeCookie } from "./cookie-verdict.ts";
import { CauseCode, describeCause } from "./error-cause/error-cause.ts";
import { encodeInvalidStreamIdentifier } from "./error-cause/invalid-stream-identifier.ts";
import { encodeMissingMandatoryParameter } from "./error-cause/missing-mandatory-parameter.ts";
import { encodeNoUserData } from "./error-cause/no-user-data.ts";
import {
  encodeCookieReceivedWhileShuttingDown,
  encodeInvalidMandatoryParameter,
  encodeOutOfResource,
  encodeProtocolViolation,
  encodeUnrecognizedChunkType,
  encodeUnrecognizedParameters,
  encodeUserInitiatedAbort,
} from "./error-cause/opaque.ts";
import { encodeStaleCookie } from "./error-cause/stale-cookie.ts";
import type { SctpCloseReason, SctpEvent, SctpState } from "./events.ts";
import { completeOptions, type SctpOptions, type SctpSendOptions } from "./options.ts";
import { COMMON_HEADER_BYTES, hasValidChecksum, hasZeroChecksum, readVerificationTag } from "./packet.ts";
import { PacketBuilder } from "./packet-builder.ts";
import { encodeStateCookie, encodeUnrecognizedParameter } from "./parameter/init-parameters.ts";
import { ParameterType } from "./parameter/parameter.ts";
import { Path, type PathResult } from "./path.ts";
import { agreeWith, encodeOwnParameters, initProblem, type PeerParameters } from "./peer-parameters.ts";
import { DataReceiver } from "./rx/data-receiver.ts";
import { CookieJar, type StateCookie } from "./state-cookie.ts";
import { createCounters, type SctpCounters, type SctpStatistics } from "./statistics.ts";
import { Reconfiguration, type ReconfigurationParts } from "./stream-reset.ts";
import { DataSender } from "./tx/data-sender.ts";
import { OutgoingMessage, UNLIMITED_RETRANSMITS } from "./tx/outgoing-message.ts";
import { SendQueue } from "./tx/send-queue.ts";

type TimerName = "t1" | "t2" | "arena";

/** What is left of the peer's half when both sides know each other. */
interface Connection {
  readonly peer: PeerParameters;
  readonly sender: DataSender;
  readonly receiver: DataReceiver;
  readonly parts: ReconfigurationParts;
  readonly reconfiguration: Reconfiguration;
}

/** The largest RE-CONFIG: a reset of 200 streams. */
const MAX_RECONFIG_BYTES = 420;
/** A packet with less room than this counts as full. */
const FULL_PACKET_ROOM = 64;
const MAX_EVENTS = 1_048_576;
/** With no slot free, sending is tried again after so long: a socket gives its slots back within a turn. */
const ARENA_RETRY_MS = 2;
/** Unknown chunks of one packet that are reported. */
const MAX_CHUNK_ERRORS = 4;

/**
 * An SCTP association (RFC 9260) inside DTLS (RFC 8261), with partial reliability (RFC 3758), interleaving (RFC 8260), stream
 * resets (RFC 6525), path MTU discovery (RFC 8899) and zero checksums (RFC 9653).
 *
 * Input is one SCTP packet, lent for the call. A transmit is an arena slot with headroom for what wraps it.
 */
export class SctpAssociation implements Core<Uint8Array, PacketSlot, SctpEvent> {
  readonly counters: SctpCounters = createCounters();
  readonly #environment: Environment<CryptoProvider>;
  readonly #arena: PacketArena;
  readonly #options: SctpOptions;
  /** Made when the first INIT comes: who only starts associations needs none. */
  #cookieJar: CookieJar | undefined;
  readonly #timers = new TimerTable<TimerName>(["t1", "t2", "arena"]);
  readonly #control = new ControlQueue();
  readonly #events = new Queue<SctpEvent>(MAX_EVENTS);
  readonly #packet = new PacketBuilder();
  readonly #cursor = new ChunkCursor();
  readonly #fields = createDataFields();
  readonly #sack = new SackView();
  readonly #path: Path;
  #queue = new SendQueue();
  #state: SctpState = "closed";
  #isOver = false;
  #localTag: number;
  #localTsn: number;
  #connection: Connection | undefined;
  #cookieEcho: Uint8Array | undefined;
  #isCookieEchoDue = false;
  #initSentAt: Millis = -1;
  #attempts = 0;
  /** Timeouts in a row without a sign of the peer. */
  #errors = 0;
  #now: Millis = 0;

  /**
   * @param arena - Of slots for the headroom, the largest packet, and what DTLS appends.
   * @throws {RangeError} when options contradict each other.
   */
  constructor(
    environment: Environment<CryptoProvider>,
    arena: PacketArena,
    options: Partial<SctpOptions> = {},
  ) {
    this.#environment = environment;
    this.#arena = arena;
    this.#options = completeOptions(options);
    this.#path = new Path(this.#options, environment.random);
    this.#localTag = this.#newTag();
    this.#localTsn = randomUint32(environment.random);
  }

  /**
   * Starts the association. Both sides may, at the same time: that is how WebRTC does it (RFC 8841 §9.3).
   *
   * @throws {InvalidStateError} when it was started before.
   */
  connect(now: Millis): void {
    this.#now = now;
    if (this.#isOver) throw new InvalidStateError("the association is over; make another");
    if (this.#state !== "closed") {
      if (this.#connection !== undefined) return;
      throw new InvalidStateError("the association was started before");
    }
    this.#state = "cookieWait";
    this.#sendInit(now);
  }

  /**
   * The INIT chunk of this side, whole: what `a=sctp-init` carries to do without the handshake (SNAP). The peer's goes to
   * {@link establish}.
   */
  get localInit(): Uint8Array {
    return encodeInit(ChunkType.init, {
      ...this.#initFields(),
      parameters: encodeOwnParameters(this.#options),
    });
  }

  /**
   * Starts from the INIT chunks that both sides know already, without sending anything (SNAP).
   *
   * @param remoteInit - The whole INIT chunk of the peer.
   * @returns false when it is none; the association is as it was.
   * @throws {InvalidStateError} when it was started before.
   */
  establish(remoteInit: Uint8Array, now: Millis): boolean {
    this.#now = now;
    if (this.#state !== "closed" || this.#isOver)
      throw new InvalidStateError("the association was started before");
    this.#cursor.open(remoteInit, 0);
    if (this.#cursor.next() !== "chunk" || this.#cursor.type !== ChunkType.init) return false;
    const init = decodeInit(remoteInit.subarray(this.#cursor.start, this.#cursor.end));
    if (init === undefined || initProblem(init) !== undefined) return false;
    this.#setPeer(agreeWith(init, this.#options));
    this.#becomeEstablished(now);
    return true;
  }

  /**
   * Queues a message. Before the association is established it waits.
   *
   * @param bytes - Given away: they must not change any more. Fragments are cut from them as they are sent, so that a large
   *   message is not copied as a whole.
   * @returns false when too much waits already; the message was not taken.
   * @throws {InvalidStateError} when the association is over or closing, or the stream is being reset.
   * @throws {RangeError} for an empty message or a stream there cannot be.
   */
  send(
    streamId: number,
    ppid: number,
    bytes: Uint8Array,
    options: SctpSendOptions | undefined,
    now: Millis,
  ): boolean {
    this.#now = now;
    this.#checkSending(streamId);
    if (bytes.length === 0) {
      throw new RangeError("SCTP has no empty messages (RFC 9260 §6.2); RFC 8831 §6.6 has a PPID for them");
    }
    if (this.#queue.bufferedBytes >= this.#options.maxBufferedBytes) return false;
    const message = new OutgoingMessage(
      this.#queue.stream(streamId),
      bytes,
      ppid,
      options?.isOrdered === false,
      options?.maxRetransmits ?? UNLIMITED_RETRANSMITS,
      options?.lifetimeMs === undefined ? Number.POSITIVE_INFINITY : now + options.lifetimeMs,
      options?.isCounted ?? true,
    );
    return this.#queue.push(message);
  }

  /** Bytes of messages on a stream that wait to be sent for the first time. */
  bufferedAmount(streamId: number): number {
    return this.#queue.find(streamId)?.bufferedBytes ?? 0;
  }

  /** Whether {@link send} would take a message for the stream without an error. */
  canSend(streamId: number): boolean {
    const limit = this.#connection?.parts.outboundStreams ?? this.#options.outboundStreams;
    return this.#isOpen && streamId < limit && !this.isResetting(streamId);
  }

  /** Whether the stream is being reset by us. */
  isResetting(streamId: number): boolean {
    return this.#connection?.reconfiguration.isResetting(streamId) === true;
  }

  /** A `bufferedAmountLow` event is due when what waits on the stream falls to so many bytes. Default 0. */
  setBufferedAmountLowThreshold(streamId: number, bytes: number): void {
    this.#queue.stream(streamId).lowThresholdBytes = bytes;
  }

  /** Share of the stream among those that have something to send (RFC 8831 §6.4: 128, 256, 512, 1024). */
  setStreamPriority(streamId: number, priority: number): void {
    this.#queue.stream(streamId).weight = Math.max(1, priority);
  }

  /**
   * Resets outgoing streams (RFC 6525 §5.1.2) once everything on them has been sent; `outgoingStreamsReset` tells when.
   *
   * @param discard - Drop what waits instead of sending it.
   * @returns false when the peer cannot reset streams.
   */
  resetStreams(streamIds: readonly number[], discard: boolean, now: Millis): boolean {
    this.#now = now;
    const connection = this.#connection;
    if (connection === undefined || !connection.peer.isReconfigurable) return false;
    for (const id of streamIds) {
      const stream = this.#queue.find(id);
      if (discard && stream !== undefined) this.#queue.clear(stream);
      connection.reconfiguration.resetStream(id);
    }
    return true;
  }

  /** Asks the peer to take more streams from us (RFC 6525 §5.1.5); false when it cannot. */
  addOutgoingStreams(count: number, now: Millis): boolean {
    this.#now = now;
    const connection = this.#connection;
    if (connection === undefined || !connection.peer.isReconfigurable) return false;
    connection.reconfiguration.addOutgoingStreams(count);
    return true;
  }

  /** The datagrams take another path now (ICE chose another pair): measure it anew, and do not wait for old timers. */
  handlePathChange(now: Millis): void {
    this.#now = now;
    if (this.#path.change(now)) this.#connection?.sender.setPacketBytes(this.#path.packetBytes);
    this.#connection?.sender.handlePathChange(now);
    if (this.#timers.deadline("t1") !== Number.POSITIVE_INFINITY) this.#timers.set("t1", now);
  }

  /** Ends the association when everything that was queued has arrived (RFC 9260 §9.2). */
  shutdown(now: Millis): void {
    this.#now = now;
    if (this.#state === "established") {
      this.#state = "shutdownPending";
      this.#advanceShutdown(now);
    } else if (this.#connection === undefined || this.#state === "cookieEchoed") this.close(now);
  }

  /** Ends the association at once with an ABORT (RFC 9260 §9.1). */
  close(now: Millis, reason = ""): void {
    this.#now = now;
    if (this.#isOver) return;
    if (this.#connection !== undefined) this.#sendAbort(encodeUserInitiatedAbort(reason));
    this.#end("closed", reason);
  }

  handleInput(packet: Uint8Array, now: Millis): void {
    this.#now = now;
    this.counters.packetsReceived++;
    if (packet.length < COMMON_HEADER_BYTES + CHUNK_HEADER_BYTES || !this.#hasOurPorts(packet)) {
      this.counters.malformed++;
      return;
    }
    // RFC 9653 §5.3: zero is taken for a checksum when that was announced.
    const isTrusted = this.#options.isZeroChecksumEnabled && hasZeroChecksum(packet);
    if (!isTrusted && !hasValidChecksum(packet)) {
      this.counters.badChecksum++;
      return;
    }
    const tag = readVerificationTag(packet);
    const cursor = this.#cursor;
    cursor.open(packet, COMMON_HEADER_BYTES);
    let isFirst = true;
    let errors = 0;
    for (let step = cursor.next(); step !== "end"; step = cursor.next()) {
      if (step === "bad-chunk-length") {
        this.counters.malformed++;
        break;
      }
      if (!this.#isTagRight(tag, cursor.type, cursor.flags, isFirst)) {
        this.counters.badTag++;
        break;
      }
      const result = this.#handleChunk(packet, tag, now);
      if (result === "stop" || this.#isOver) break;
      if (result === "report" && errors++ < MAX_CHUNK_ERRORS) {
        const chunk = packet.subarray(cursor.offset, cursor.end);
        this.#push(encodeError([encodeUnrecognizedChunkType(chunk)]));
      }
      if (result === "report" && !shouldSkipUnknown(cursor.type)) break;
      isFirst = false;
    }
    this.#endPacket(now);
  }

  handleTimeout(now: Millis): void {
    this.#now = now;
    for (let name = this.#timers.expire(now); name !== undefined; name = this.#timers.expire(now)) {
      if (name === "t1") this.#handleT1(now);
      else if (name === "t2") this.#handleT2(now);
    }
    const connection = this.#connection;
    if (connection === undefined || this.#isOver) return;
    connection.receiver.handleTimeout(now);
    if (this.#state === "cookieEchoed") return;
    if (connection.sender.handleTimeout(now)) this.#handleSilence(now);
    if (this.#isOver) return;
    connection.reconfiguration.handleTimeout(now, this.#path.roundTrip.rtoMs);
    this.#handlePathResult(this.#path.handleTimeout(now), now);
    this.#sendHeartbeats(now);
  }

  /**
   * The next packet, in an arena slot that is the caller's to release. When the arena is exhausted nothing is lost: the
   * packet is made when a slot is free.
   */
  pollTransmit(): PacketSlot | undefined {
    const now = this.#now;
    const alone = this.#control.peekAlone();
    if (alone !== undefined) return this.#pollAlone(alone);
    const connection = this.#connection;
    if (connection === undefined || this.#isOver) return undefined;
    if (this.#state === "cookieEchoed")
      return this.#isCookieEchoDue ? this.#pollCookieEcho(connection) : undefined;
    if (!this.#hasSomethingToSend(connection, now)) return undefined;
    if (!this.#begin(connection.peer.tag)) return undefined;
    this.#fill(connection, now);
    if (this.#packet.isEmpty) {
      this.#packet.cancel();
      return undefined;
    }
    return this.#finish(!connection.peer.isZeroChecksumAccepted);
  }

  pollEvent(): SctpEvent | undefined {
    const event = this.#events.shift() ?? this.#connection?.receiver.pollMessage();
    if (event !== undefined) return event;
    const streamId = this.#queue.shiftLow();
    return streamId === undefined ? undefined : { type: "bufferedAmountLow", streamId };
  }

  pollTimeout(): Millis {
    const own = this.#timers.next();
    const connection = this.#connection;
    if (connection === undefined || this.#isOver) return own;
    if (this.#state === "cookieEchoed") return Math.min(own, connection.receiver.pollTimeout());
    return Math.min(
      own,
      connection.receiver.pollTimeout(),
      connection.sender.pollTimeout(),
      connection.reconfiguration.pollTimeout(),
      this.#path.pollTimeout(),
    );
  }

  get state(): SctpState {
    return this.#state;
  }

  /** Whether the association is over and its farewells are sent. */
  get isClosed(): boolean {
    return this.#isOver && this.#control.isEmpty;
  }

  /** What was agreed on; undefined before the peer has said it. */
  get peer(): PeerParameters | undefined {
    return this.#connection?.peer;
  }

  /** Streams we may send on now; 0 before that is known. */
  get outboundStreams(): number {
    return this.#connection?.parts.outboundStreams ?? 0;
  }

  /** Bytes that wait to be sent, of all streams. */
  get bufferedBytes(): number {
    return this.#queue.bufferedBytes;
  }

  /** Whether {@link send} takes another message. */
  get isWritable(): boolean {
    return this.#isOpen && this.#queue.bufferedBytes < this.#options.maxBufferedBytes;
  }

  /** Numbers for statistics, as of now. */
  get statistics(): SctpStatistics {
    const sender = this.#connection?.sender;
    const receiver = this.#connection?.receiver;
    return {
      smoothedRttMs: this.#path.roundTrip.smoothedMs,
      congestionWindowBytes: sender?.congestion.windowBytes ?? 0,
      peerWindowBytes: sender?.peerWindowBytes ?? 0,
      flightBytes: sender?.flightBytes ?? 0,
      packetBytes: this.#path.packetBytes,
      retransmittedChunks: sender?.retransmissions ?? 0,
      abandonedMessages: (sender?.abandonedMessages ?? 0) + this.#queue.expired,
      congestionEvents: sender?.congestion.reductions ?? 0,
      duplicateChunks: receiver?.duplicates ?? 0,
      refusedChunks: receiver?.refused ?? 0,
    };
  }

  // ---- Chunks ----

  /** RFC 9260 §8.5, §8.5.1: which tag a packet has to have. */
  #isTagRight(tag: number, type: number, flags: number, isFirst: boolean): boolean {
    if (type === ChunkType.init) return tag === 0 && isFirst;
    // An answer to a cookie that was made without keeping anything; the cookie tells.
    if (type === ChunkType.cookieEcho) return isFirst;
    if ((type === ChunkType.abort || type === ChunkType.shutdownComplete) && (flags & TAG_REFLECTED) !== 0) {
      return this.#connection !== undefined && tag === this.#connection.peer.tag;
    }
    if (type === ChunkType.shutdownAck && this.#isOver) return true;
    return tag === this.#localTag && this.#state !== "closed";
  }

  /** @returns whether to go on with the packet, or that the chunk is unknown and to be reported. */
  #handleChunk(packet: Uint8Array, tag: number, now: Millis): "next" | "stop" | "report" {
    const { type, flags, start, end } = this.#cursor;
    if (this.#isOver) {
      // RFC 9260 §8.4 5): our SHUTDOWN COMPLETE was lost.
      if (type === ChunkType.shutdownAck) this.#pushAlone(encodeShutdownComplete(true), tag);
      return "stop";
    }
    switch (type) {
      case ChunkType.data:
      case ChunkType.iData:
        return this.#handleData(packet, now);
      case ChunkType.sack:
        this.#handleSack(packet, now);
        return "next";
      case ChunkType.init:
        this.#handleInit(packet.subarray(start, end), now);
        return "stop";
      case ChunkType.initAck:
        this.#handleInitAck(packet.subarray(start, end), now);
        return "stop";
      case ChunkType.cookieEcho:
        return this.#handleCookieEcho(packet.subarray(start, end), tag, now) ? "next" : "stop";
      case ChunkType.cookieAck:
        if (this.#state === "cookieEchoed") this.#becomeEstablished(now);
        return "next";
      case ChunkType.heartbeat:
        if (decodeHeartbeat(packet.subarray(start, end)) === undefined) this.counters.ignoredChunks++;
        else this.#push(encodeHeartbeatAck(packet.subarray(start, end)));
        return "next";
      case ChunkType.heartbeatAck:
        this.#handleHeartbeatAck(packet.subarray(start, end), now);
        return "next";
      case ChunkType.abort: {
        const { causes } = decodeAbort(packet.subarray(start, end), flags);
        this.#end("aborted", causes.map(describeCause).join("; "));
        return "stop";
      }
      case ChunkType.error:
        return this.#handleError(packet.subarray(start, end), now);
      case ChunkType.shutdown:
        this.#handleShutdown(packet.subarray(start, end), now);
        return "next";
      case ChunkType.shutdownAck:
        this.#handleShutdownAck();
        return "stop";
      case ChunkType.shutdownComplete:
        if (this.#state === "shutdownAckSent") this.#end("shutdown", "");
        return "stop";
      case ChunkType.reConfig:
        this.#handleReConfig(packet.subarray(start, end), now);
        return "next";
      case ChunkType.forwardTsn:
      case ChunkType.iForwardTsn:
        return this.#handleForwardTsn(packet.subarray(start, end), type);
      case ChunkType.pad:
        return "next";
      default:
        // RFC 9260 §3.2: what the two highest bits ask for.
        if (shouldReportUnknown(type)) return "report";
        return shouldSkipUnknown(type) ? "next" : "stop";
    }
  }

  #handleData(packet: Uint8Array, now: Millis): "next" | "stop" {
    const connection = this.#receiving(now);
    if (connection === undefined) return "stop";
    const { type, flags, start, end } = this.#cursor;
    const isIData = type === ChunkType.iData;
    // RFC 8260 §2.2.3: one kind or the other, as agreed.
    if (isIData !== connection.peer.isInterleaved) {
      this.#violate(isIData ? "I-DATA was not agreed on" : "DATA although I-DATA was agreed on");
      return "stop";
    }
    const fields = this.#fields;
    const isRead = isIData
      ? readIData(packet, flags, start, end, fields)
      : readData(packet, flags, start, end, fields);
    if (!isRead) {
      this.#violate("a data chunk is shorter than its header");
      return "stop";
    }
    if (fields.start === fields.end) {
      // RFC 9260 §6.2: a chunk without user data ends the association.
      this.#abort("protocolViolation", "a data chunk has no user data", encodeNoUserData(fields.tsn));
      return "stop";
    }
    if (
      fields.streamId >= connection.parts.inboundStreams &&
      fields.streamId >= this.#options.inboundStreams
    ) {
      // RFC 9260 §6.5: acknowledged, reported and dropped.
      this.#push(encodeError([encodeInvalidStreamIdentifier(fields.streamId)]));
    }
    const failure = connection.receiver.handleData(packet, fields);
    if (failure === undefined) return "next";
    if (failure === "fragments do not fit together") this.#violate(failure);
    else this.#abort("protocolViolation", failure, encodeOutOfResource());
    return "stop";
  }

  #handleSack(packet: Uint8Array, now: Millis): void {
    const connection = this.#receiving(now);
    const { start, end } = this.#cursor;
    if (connection === undefined || !this.#sack.read(packet, start, end)) {
      this.counters.ignoredChunks++;
      return;
    }
    if (!connection.sender.handleSack(this.#sack, now)) {
      this.counters.ignoredChunks++;
      return;
    }
    this.#errors = 0;
    this.#advanceShutdown(now);
  }

  #handleForwardTsn(value: Uint8Array, type: number): "next" | "stop" {
    const connection = this.#connection;
    if (connection === undefined) return "stop";
    const isInterleaved = type === ChunkType.iForwardTsn;
    // RFC 8260 §2.3.1.
    if (isInterleaved !== connection.peer.isInterleaved) {
      this.#violate("FORWARD TSN and I-FORWARD-TSN do not go together");
      return "stop";
    }
    const chunk = isInterleaved ? decodeIForwardTsn(value) : decodeForwardTsn(value);
    if (chunk === undefined) this.counters.ignoredChunks++;
    else connection.receiver.handleForwardTsn(chunk);
    return "next";
  }

  #handleReConfig(value: Uint8Array, now: Millis): void {
    const parameters = decodeReConfig(value);
    if (this.#connection === undefined || parameters === undefined) {
      this.counters.ignoredChunks++;
      return;
    }
    this.#connection.reconfiguration.handleParameters(parameters, now, this.#path.roundTrip.rtoMs);
    this.#moveReconfigurationEvents();
  }

  #handleError(value: Uint8Array, now: Millis): "next" | "stop" {
    const causes = decodeError(value);
    if (causes === undefined) {
      this.counters.ignoredChunks++;
      return "next";
    }
    this.#environment.log.debug("the peer reports an error", { cause: causes.map(describeCause).join("; ") });
    // RFC 9260 §5.2.6: the cookie was too old; ask for another.
    const isStale = causes.some(({ code }) => code === CauseCode.staleCookie);
    if (isStale && this.#state === "cookieEchoed") {
      this.#state = "cookieWait";
      this.#connection = undefined;
      this.#sendInit(now);
    }
    return "next";
  }

  // ---- Handshake (RFC 9260 §5) ----

  #sendInit(now: Millis): void {
    this.#pushAlone(this.localInit, 0);
    this.#initSentAt = this.#attempts === 0 ? now : -1;
    this.#timers.set("t1", now + this.#path.roundTrip.rtoMs);
  }

  #initFields(): Omit<InitChunk, "parameters"> {
    return {
      initiateTag: this.#localTag,
      aRwnd: this.#options.receiveWindowBytes,
      outboundStreams: this.#options.outboundStreams,
      inboundStreams: this.#options.inboundStreams,
      initialTsn: this.#localTsn,
    };
  }

  #cookies(): CookieJar {
    this.#cookieJar ??= new CookieJar(this.#environment.crypto, this.#environment.random);
    return this.#cookieJar;
  }

  #handleInit(value: Uint8Array, now: Millis): void {
    const init = decodeInit(value);
    const problem = init === undefined ? "it cannot be read" : initProblem(init);
    if (init === undefined || problem !== undefined) {
      this.counters.ignoredChunks++;
      // RFC 9260 §5.1: an INIT that makes no sense is answered with an ABORT under its own tag.
      if (init !== undefined && init.initiateTag !== 0) {
        this.#pushAlone(encodeAbort([encodeInvalidMandatoryParameter()]), init.initiateTag);
      }
      return;
    }
    if (this.#state === "shutdownAckSent") {
      // RFC 9260 §9.2: the peer did not hear our SHUTDOWN ACK.
      this.#push(encodeShutdownAck());
      return;
    }
    const isSettled = this.#connection !== undefined && this.#state !== "cookieEchoed";
    const isStarted = this.#state === "cookieWait" || this.#state === "cookieEchoed";
    // RFC 9260 §5.2.1: while both set up, the same tag and TSN again. §5.2.2: otherwise new ones, with tie-tags.
    const localTag = isStarted ? this.#localTag : this.#newTag();
    const localTsn = isStarted ? this.#localTsn : randomUint32(this.#environment.random);
    const peerTag = this.#connection?.peer.tag ?? 0;
    const cookie: StateCookie = {
      localTag,
      localTsn,
      peer: agreeWith(init, this.#options),
      localTieTag: isSettled || this.#state === "cookieEchoed" ? this.#localTag : 0,
      peerTieTag: peerTag,
      createdAt: now,
    };
    const answer = encodeInit(ChunkType.initAck, {
      ...this.#initFields(),
      initiateTag: localTag,
      initialTsn: localTsn,
      parameters: [
        encodeStateCookie(this.#cookies().seal(cookie)),
        ...encodeOwnParameters(this.#options),
        ...init.parameters.unrecognized.map(encodeUnrecognizedParameter),
      ],
    });
    this.#pushAlone(answer, init.initiateTag);
  }

  #handleInitAck(value: Uint8Array, now: Millis): void {
    // RFC 9260 §5.2.3: in any other state it is old.
    if (this.#state !== "cookieWait") return;
    const init = decodeInit(value);
    const problem = init === undefined ? "it cannot be read" : initProblem(init);
    if (init === undefined || problem !== undefined) {
      this.#end("protocolViolation", `INIT ACK: ${problem}`);
      return;
    }
    const { stateCookie, unrecognized } = init.parameters;
    if (stateCookie === undefined) {
      const cause = encodeMissingMandatoryParameter([ParameterType.stateCookie]);
      this.#pushAlone(encodeAbort([cause]), init.initiateTag);
      this.#end("protocolViolation", "INIT ACK without a state cookie");
      return;
    }
    // RFC 9260 §6.3.1 C5: only if the INIT was sent once is it known which one was answered.
    if (this.#initSentAt >= 0) this.#path.roundTrip.sample(now - this.#initSentAt, now);
    this.#setPeer(agreeWith(init, this.#options));
    this.#state = "cookieEchoed";
    this.#cookieEcho = encodeCookieEcho(stateCookie);
    this.#isCookieEchoDue = true;
    this.#attempts = 0;
    this.#timers.set("t1", now + this.#path.roundTrip.rtoMs);
    for (const parameter of unrecognized) this.#push(encodeError([encodeUnrecognizedParameters(parameter)]));
  }

  /** RFC 9260 §5.1.5, §5.2.4. @returns whether to go on with the packet. */
  #handleCookieEcho(value: Uint8Array, tag: number, now: Millis): boolean {
    const cookie = this.#cookieJar?.open(value);
    if (cookie === undefined || cookie.localTag !== tag) {
      this.counters.ignoredChunks++;
      return false;
    }
    const verdict = judgeCookie(cookie, {
      state: this.#state,
      localTag: this.#localTag,
      peerTag: this.#connection?.peer.tag,
    });
    const staleForMs = now - cookie.createdAt - this.#options.cookieLifetimeMs;
    // RFC 9260 §5.2.4 3): with both tags right the cookie may be as old as it likes.
    if (staleForMs > 0 && verdict !== "repeat") {
      this.#pushAlone(encodeError([encodeStaleCookie(staleForMs)]), cookie.peer.tag);
      return false;
    }
    switch (verdict) {
      case "accept":
        this.#accept(cookie, now);
        return true;
      case "repeat":
        if (this.#state === "cookieEchoed") this.#becomeEstablished(now);
        this.#push(encodeCookieAck());
        return true;
      case "restart":
        this.#restart(cookie, now);
        return true;
      case "stillShuttingDown":
        this.#push(encodeShutdownAck());
        this.#push(encodeError([encodeCookieReceivedWhileShuttingDown()]));
        return false;
      case "ignore":
        this.counters.ignoredChunks++;
        return false;
      default:
        return verdict satisfies never;
    }
  }

  #accept(cookie: StateCookie, now: Millis): void {
    this.#localTag = cookie.localTag;
    this.#localTsn = cookie.localTsn;
    this.#setPeer(cookie.peer);
    this.#becomeEstablished(now);
    this.#push(encodeCookieAck());
  }

  /** A: the peer has forgotten everything (RFC 9260 §5.2.4). */
  #restart(cookie: StateCookie, now: Millis): void {
    this.#environment.log.info("the SCTP peer restarted");
    this.#localTag = cookie.localTag;
    this.#localTsn = cookie.localTsn;
    this.#flushMessages();
    this.#connection = undefined;
    this.#queue = new SendQueue();
    this.#control.clear();
    this.#path.restart();
    this.#events.push({ type: "restarted" });
    this.#setPeer(cookie.peer);
    this.#state = "cookieEchoed";
    this.#becomeEstablished(now);
    this.#push(encodeCookieAck());
  }

  #setPeer(peer: PeerParameters): void {
    const options = this.#options;
    const receiver = new DataReceiver({
      initialTsn: peer.initialTsn,
      isInterleaved: peer.isInterleaved,
      windowBytes: options.receiveWindowBytes,
      sackDelayMs: options.sackDelayMs,
      maxMessageBytes: options.maxMessageBytes,
      maxTotalBytes: options.maxReassemblyBytes,
    });
    this.#queue.setInterleaved(peer.isInterleaved);
    // What was sent with a COOKIE ECHO is still outstanding when the peer's own cookie comes.
    const isSame = this.#connection?.peer.isInterleaved === peer.isInterleaved;
    const sender =
      (isSame ? this.#connection?.sender : undefined) ??
      new DataSender(
        {
          initialTsn: this.#localTsn,
          isInterleaved: peer.isInterleaved,
          isPartialReliabilityAgreed: peer.isPartiallyReliable,
          peerWindowBytes: peer.aRwnd,
          packetBytes: this.#path.packetBytes,
          initialWindowPackets: options.initialWindowPackets,
        },
        this.#queue,
        this.#path.roundTrip,
      );
    const parts: ReconfigurationParts = {
      queue: this.#queue,
      sender,
      receiver,
      localInitialTsn: this.#localTsn,
      peerInitialTsn: peer.initialTsn,
      outboundStreams: peer.outboundStreams,
      inboundStreams: peer.inboundStreams,
      maxInboundStreams: options.inboundStreams,
    };
    this.#connection = { peer, sender, receiver, parts, reconfiguration: new Reconfiguration(parts) };
  }

  #becomeEstablished(now: Millis): void {
    const connection = this.#connection;
    if (connection === undefined || this.#state === "established") return;
    if (this.#state !== "closed" && this.#state !== "cookieWait" && this.#state !== "cookieEchoed") return;
    this.#state = "established";
    this.#cookieEcho = undefined;
    this.#isCookieEchoDue = false;
    this.#attempts = 0;
    this.#errors = 0;
    this.#timers.stop("t1");
    this.#path.noteLife(now);
    const { outboundStreams, inboundStreams, isInterleaved } = connection.peer;
    this.#environment.log.info("SCTP association established", {
      outboundStreams,
      inboundStreams,
      isInterleaved,
    });
    this.#emit({ type: "connected", outboundStreams, inboundStreams });
  }

  #handleT1(now: Millis): void {
    this.#attempts++;
    if (this.#attempts > this.#options.maxInitRetransmissions) {
      this.#end("timeout", `no answer to ${this.#state === "cookieWait" ? "INIT" : "COOKIE ECHO"}`);
      return;
    }
    this.#path.roundTrip.backOff();
    if (this.#state === "cookieWait") this.#sendInit(now);
    else if (this.#state === "cookieEchoed") {
      this.#isCookieEchoDue = true;
      this.#timers.set("t1", now + this.#path.roundTrip.rtoMs);
    }
  }

  // ---- Shutdown (RFC 9260 §9.2) ----

  #handleShutdown(value: Uint8Array, now: Millis): void {
    const connection = this.#connection;
    const cumulativeTsnAck = decodeShutdown(value);
    if (connection === undefined || cumulativeTsnAck === undefined) {
      this.counters.ignoredChunks++;
      return;
    }
    connection.sender.handleCumulativeAck(cumulativeTsnAck, now);
    if (this.#state === "established" || this.#state === "shutdownPending") this.#state = "shutdownReceived";
    else if (this.#state === "shutdownSent") {
      // Both shut down at once.
      this.#state = "shutdownAckSent";
      this.#sendShutdownAck(now);
      return;
    }
    this.#advanceShutdown(now);
  }

  #handleShutdownAck(): void {
    if (this.#state !== "shutdownSent" && this.#state !== "shutdownAckSent") return;
    if (this.#connection !== undefined) this.#pushAlone(encodeShutdownComplete(), this.#connection.peer.tag);
    this.#end("shutdown", "");
  }

  /** Goes on with a shutdown when nothing is outstanding any more. */
  #advanceShutdown(now: Millis): void {
    const connection = this.#connection;
    if (connection === undefined || !connection.sender.isIdle || !this.#queue.isEmpty) return;
    if (this.#state === "shutdownPending") {
      this.#state = "shutdownSent";
      this.#push(encodeShutdown(connection.receiver.cumulativeTsn));
      this.#timers.set("t2", now + this.#path.roundTrip.rtoMs);
    } else if (this.#state === "shutdownReceived") {
      this.#state = "shutdownAckSent";
      this.#sendShutdownAck(now);
    }
  }

  #sendShutdownAck(now: Millis): void {
    this.#push(encodeShutdownAck());
    this.#timers.set("t2", now + this.#path.roundTrip.rtoMs);
  }

  #handleT2(now: Millis): void {
    this.#path.roundTrip.backOff();
    this.#handleSilence(now);
    if (this.#isOver || this.#connection === undefined) return;
    if (this.#state === "shutdownSent") this.#push(encodeShutdown(this.#connection.receiver.cumulativeTsn));
    else if (this.#state === "shutdownAckSent") this.#push(encodeShutdownAck());
    else return;
    this.#timers.set("t2", now + this.#path.roundTrip.rtoMs);
  }

  // ---- Path (RFC 9260 §8, RFC 8899) ----

  #handleHeartbeatAck(value: Uint8Array, now: Millis): void {
    const result = this.#path.handleHeartbeatAck(value, now);
    if (result === undefined) this.counters.ignoredChunks++;
    this.#handlePathResult(result, now);
  }

  #handlePathResult(result: PathResult | undefined, now: Millis): void {
    if (result === "silent") this.#handleSilence(now);
    if (result === "alive" || result === "larger") this.#errors = 0;
    if (result === "larger") this.#connection?.sender.setPacketBytes(this.#path.packetBytes);
  }

  #sendHeartbeats(now: Millis): void {
    if (this.#isOver || this.#state !== "established") return;
    const heartbeat = this.#path.takeHeartbeat(now);
    if (heartbeat !== undefined) this.#push(heartbeat);
    const probe = this.#path.takeProbe(now);
    if (probe !== undefined) this.#pushAlone(probe, this.#connection?.peer.tag ?? 0);
  }

  /** A timer ran out without an answer (RFC 9260 §8.1). */
  #handleSilence(now: Millis): void {
    this.#errors++;
    if (this.#errors > this.#options.maxRetransmissions) {
      this.#end("timeout", `no answer to ${this.#errors} repetitions`);
      return;
    }
    // RFC 8899 §4.3: it may be that only large packets vanish.
    if (this.#errors >= 2 && this.#path.fallBack(now)) {
      this.#connection?.sender.setPacketBytes(this.#path.packetBytes);
    }
  }

  // ---- Packets ----

  #hasSomethingToSend(connection: Connection, now: Millis): boolean {
    if (!this.#control.isEmpty || connection.receiver.isSackDue) return true;
    if (connection.reconfiguration.hasChunk) return true;
    return this.#maySendData && connection.sender.hasDataToSend(now);
  }

  /** RFC 9260 §4: data is sent until everything has arrived, new data only before that. */
  get #maySendData(): boolean {
    return (
      this.#state === "established" || this.#state === "shutdownPending" || this.#state === "shutdownReceived"
    );
  }

  #begin(tag: number): boolean {
    const slot = this.#arena.acquire(this.#options.headroomBytes);
    if (slot === undefined) {
      this.counters.arenaFull++;
      this.#timers.set("arena", this.#now + ARENA_RETRY_MS);
      return false;
    }
    const { localPort, remotePort } = this.#options;
    this.#packet.begin(slot, this.#path.packetBytes, localPort, remotePort, tag);
    return true;
  }

  #finish(hasChecksum: boolean): PacketSlot | undefined {
    this.counters.packetsSent++;
    return this.#packet.finish(hasChecksum);
  }

  #pollAlone({ chunk, tag }: LoneChunk): PacketSlot | undefined {
    if (!this.#begin(tag)) return undefined;
    this.#control.shiftAlone();
    this.#packet.append(chunk);
    // RFC 9653 §5.2: packets of the handshake, and those for whom it may concern, have a checksum.
    return this.#finish(true);
  }

  /** RFC 9260 §5.1 C: data may go with the cookie, but nothing else until it is acknowledged. */
  #pollCookieEcho(connection: Connection): PacketSlot | undefined {
    const cookieEcho = this.#cookieEcho;
    if (cookieEcho === undefined || !this.#begin(connection.peer.tag)) return undefined;
    this.#isCookieEchoDue = false;
    this.#packet.append(cookieEcho);
    const isFirst = this.#attempts === 0;
    if (isFirst && connection.sender.hasDataToSend(this.#now))
      connection.sender.fill(this.#packet, this.#now);
    // RFC 9653 §5.2: a packet with COOKIE ECHO has a checksum.
    return this.#finish(true);
  }

  #fill(connection: Connection, now: Millis): void {
    const packet = this.#packet;
    const { receiver, sender, reconfiguration } = connection;
    const hasData = this.#maySendData && sender.hasDataToSend(now);
    // RFC 9260 §6.10: control chunks come first. A SACK rides along whenever it has something to say.
    this.#control.fill(packet);
    if (receiver.isSackDue || (hasData && receiver.hasNews)) {
      packet.end = receiver.writeSack(packet.bytes, packet.end, packet.limit);
    }
    if (hasData) {
      const forwardTsn = sender.takeForwardTsn(now);
      if (forwardTsn !== undefined) packet.append(forwardTsn);
    }
    if (reconfiguration.hasChunk && packet.room >= MAX_RECONFIG_BYTES) {
      const chunk = reconfiguration.pollChunk(now, this.#path.roundTrip.rtoMs);
      if (chunk !== undefined) packet.append(chunk);
    }
    if (!hasData) return;
    sender.fill(packet, now);
    // Full, but for what the next message would not have fitted into.
    if (packet.room < FULL_PACKET_ROOM) {
      this.#path.noteFullPacket();
      this.#sendHeartbeats(now);
    }
  }

  #endPacket(now: Millis): void {
    const connection = this.#connection;
    if (connection === undefined || this.#isOver) return;
    connection.receiver.endPacket(now);
    connection.reconfiguration.handleCumulativeTsn();
    this.#moveReconfigurationEvents();
    this.#path.noteLife(now);
  }

  /** The connection, for a chunk that only a peer sends that has one. */
  #receiving(now: Millis): Connection | undefined {
    // The peer took our COOKIE ECHO, or it would not know our tag: its COOKIE ACK was lost, or is behind.
    if (this.#state === "cookieEchoed") this.#becomeEstablished(now);
    return this.#connection;
  }

  #hasOurPorts(packet: Uint8Array): boolean {
    const { localPort, remotePort } = this.#options;
    return ((packet[0]! << 8) | packet[1]!) === remotePort && ((packet[2]! << 8) | packet[3]!) === localPort;
  }

  #checkSending(streamId: number): void {
    if (!this.#isOpen) throw new InvalidStateError("the association is closing or closed");
    const limit = this.#connection?.parts.outboundStreams ?? this.#options.outboundStreams;
    if (!Number.isInteger(streamId) || streamId < 0 || streamId >= limit) {
      throw new RangeError(`a stream to send on is from 0 to ${limit - 1}, got ${streamId}`);
    }
    if (this.isResetting(streamId)) throw new InvalidStateError(`stream ${streamId} is being reset`);
  }

  /** Whether messages are taken: not when it is over, or about to be. */
  get #isOpen(): boolean {
    return !this.#isOver && !this.#state.startsWith("shutdown");
  }

  #push(chunk: Uint8Array): void {
    this.#control.push(chunk);
  }

  #pushAlone(chunk: Uint8Array, tag: number): void {
    this.#control.pushAlone(chunk, tag);
  }

  #violate(reason: string): void {
    this.#abort("protocolViolation", reason, encodeProtocolViolation(reason));
  }

  #abort(reason: SctpCloseReason, detail: string, cause: Uint8Array): void {
    this.#sendAbort(cause);
    this.#end(reason, detail);
  }

  #sendAbort(cause: Uint8Array): void {
    if (this.#connection === undefined) return;
    this.#control.clear();
    this.#pushAlone(encodeAbort([cause]), this.#connection.peer.tag);
  }

  #end(reason: SctpCloseReason, detail: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#state = "closed";
    this.#timers.stopAll();
    this.#path.stop();
    // What would have gone with other chunks goes with nothing now; farewells go by themselves.
    this.#control.dropCompanions();
    this.#environment.log.info("SCTP association over", { reason, detail });
    this.#emit({ type: "closed", reason, detail });
  }

  #moveReconfigurationEvents(): void {
    const reconfiguration = this.#connection?.reconfiguration;
    if (reconfiguration === undefined) return;
    for (let event = reconfiguration.pollEvent(); event; event = reconfiguration.pollEvent())
      this.#emit(event);
  }

  /** Messages that came before an event are told before it. */
  #emit(event: SctpEvent): void {
    this.#flushMessages();
    this.#events.push(event);
  }

  #flushMessages(): void {
    const receiver = this.#connection?.receiver;
    if (receiver === undefined) return;
    for (let message = receiver.pollMessage(); message; message = receiver.pollMessage())
      this.#events.push(message);
  }

  /** RFC 9260 §5.3.1: not 0, which is the tag of an INIT. */
  #newTag(): number {
    return randomUint32(this.#environment.random) || 1;
  }
}
