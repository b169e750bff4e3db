import type { CryptoProvider } from "../crypto/index.ts";
import type { PacketArena, PacketSlot } from "../kernel/index.ts";
import { type Core, type Environment, InvalidStateError, type Millis, Queue } from "../sansio/index.ts";
import {
  SctpAssociation,
  type SctpCloseReason,
  type SctpEvent,
  type SctpMessageEvent,
  type SctpOptions,
} from "../sctp/index.ts";
import { type ChannelEntry, createChannelEntry, type DataChannel } from "./channel.ts";
import {
  type DataChannelParameters,
  DataChannelPpid,
  encodeDcepAck,
  encodeDcepOpen,
  safeDecodeDcep,
} from "./dcep.ts";
import { EarlyMessages } from "./early-messages.ts";
import { checkOptions, type DataChannelOptions } from "./options.ts";
import { type DtlsRole, MAX_STREAM_ID, StreamIds } from "./stream-ids.ts";

export type DataChannelEvent =
  /** The association is there; channels open. */
  | { readonly type: "connected" }
  /** The peer announced a channel. An `open` for it follows. */
  | { readonly type: "channel"; readonly channel: DataChannel }
  | { readonly type: "open"; readonly channel: DataChannel }
  | {
      readonly type: "message";
      readonly channel: DataChannel;
      /** Whether the bytes are UTF-8 text. */
      readonly isText: boolean;
      /** The receiver's. */
      readonly bytes: Uint8Array;
    }
  | { readonly type: "bufferedAmountLow"; readonly channel: DataChannel }
  /** The peer closes the channel. */
  | { readonly type: "closing"; readonly channel: DataChannel }
  /** The channel is closed; with a problem if it was not closed by either side. */
  | {
      readonly type: "closed";
      readonly channel: DataChannel;
      readonly problem: DataChannelProblem | undefined;
    }
  /** The association is over; every channel has been closed. */
  | { readonly type: "disconnected"; readonly reason: SctpCloseReason; readonly detail: string };

/** Why a channel closed by itself. */
export type DataChannelProblem =
  /** No stream number is left, or the peer takes no more streams. */
  | "no stream left"
  /** The association is over. */
  | "disconnected"
  /** The peer started again and knows nothing of it. */
  | "restarted";

/** Limits of a table. */
export interface DataChannelTableOptions extends Partial<SctpOptions> {
  /** Channels at once, both sides together. Default 65535. */
  readonly maxChannels?: number;
  /** Bytes of all labels and protocols that the peer announced. Default 4 MiB: 64 bytes for each of 65535 channels. */
  readonly maxRemoteTextBytes?: number;
}

/** What the table did not do, by reason. */
export interface DataChannelCounters {
  /** DCEP messages that are none, or come on a stream where they must not. */
  badDcep: number;
  /** Messages for streams without a channel, or with an unknown PPID. */
  ignoredMessages: number;
  /** Channels of the peer that were refused. */
  refusedChannels: number;
}

const MAX_CHANNELS = 65_535;
const MAX_REMOTE_TEXT_BYTES = 4_194_304;
const MAX_EVENTS = 1_048_576;
/** Parts of one message that are kept. */
const MAX_PART_BYTES = 67_108_864;

/** What stands for an empty message (RFC 8831 §6.6: a single byte of zero, to be ignored). */
const EMPTY_MESSAGE = new Uint8Array(1);
const NOTHING = new Uint8Array(0);
/** What the application did not send does not count into its buffered amount (webrtc-pc §6.2). */
const UNCOUNTED = { isCounted: false } as const;

/**
 * The data channels of one association (RFC 8831, RFC 8832): opens them on either side, sends and receives messages, and
 * closes them by resetting their streams. It owns the association and moves its packets.
 */
export class DataChannelTable implements Core<Uint8Array, PacketSlot, DataChannelEvent> {
  readonly counters: DataChannelCounters = { badDcep: 0, ignoredMessages: 0, refusedChannels: 0 };
  readonly #association: SctpAssociation;
  readonly #environment: Environment<CryptoProvider>;
  readonly #maxMessageBytes: number;
  readonly #maxChannels: number;
  readonly #maxRemoteTextBytes: number;
  readonly #channels = new Map<number, ChannelEntry>();
  /** Channels that have no stream yet. */
  readonly #unnumbered: ChannelEntry[] = [];
  readonly #early = new EarlyMessages();
  readonly #events = new Queue<DataChannelEvent>(MAX_EVENTS);
  #ids: StreamIds | undefined;
  #remoteTextBytes = 0;
  #isConnected = false;
  #isOver = false;
  #now: Millis = 0;

  constructor(
    environment: Environment<CryptoProvider>,
    arena: PacketArena,
    options: DataChannelTableOptions = {},
  ) {
    const { maxChannels = MAX_CHANNELS, maxRemoteTextBytes = MAX_REMOTE_TEXT_BYTES, ...sctp } = options;
    this.#environment = environment;
    this.#association = new SctpAssociation(environment, arena, sctp);
    this.#maxMessageBytes = sctp.maxMessageBytes ?? Number.POSITIVE_INFINITY;
    this.#maxChannels = maxChannels;
    this.#maxRemoteTextBytes = maxRemoteTextBytes;
  }

  /**
   * Starts the association. Channels may be opened before and after.
   *
   * @param role - Of this side in DTLS.
   */
  connect(role: DtlsRole, now: Millis): void {
    this.#setRole(role, now);
    this.#association.connect(now);
  }

  /** The same from INIT chunks that both sides know (SNAP); see {@link SctpAssociation.establish}. */
  establish(role: DtlsRole, remoteInit: Uint8Array, now: Millis): boolean {
    this.#setRole(role, now);
    const isEstablished = this.#association.establish(remoteInit, now);
    this.#takeEvents(now);
    return isEstablished;
  }

  /**
   * Opens a channel. It has a stream once the role in DTLS is known, and is open once the association is.
   *
   * @throws {TypeError} or {RangeError} when the options are none a channel can have.
   * @throws {InvalidStateError} when the association is over, the id is in use, or there are as many channels as may be.
   */
  open(options: DataChannelOptions, now: Millis): DataChannel {
    const { parameters, streamId } = checkOptions(options);
    if (this.#isOver) throw new InvalidStateError("the association is over; no channel can be opened on it");
    if (this.#channels.size + this.#unnumbered.length >= this.#maxChannels) {
      throw new InvalidStateError(`there are ${this.#maxChannels} channels already, and no more may be`);
    }
    if (streamId !== undefined && this.#isTaken(streamId)) {
      throw new InvalidStateError(`the id ${streamId} is in use by another channel`);
    }
    const channel = createChannelEntry(parameters, streamId !== undefined, false, streamId);
    if (streamId === undefined) this.#unnumbered.push(channel);
    else this.#channels.set(streamId, channel);
    this.#number(now);
    if (this.#isConnected && streamId !== undefined) this.#start(channel, now);
    return channel;
  }

  /**
   * Sends a message.
   *
   * @param bytes - Given away; must not change any more.
   * @returns false when too much waits already.
   * @throws {InvalidStateError} when the channel is not open.
   */
  send(channel: DataChannel, bytes: Uint8Array, isText: boolean, now: Millis): boolean {
    const entry = this.#entry(channel);
    if (entry.state !== "open" || entry.streamId === undefined) {
      throw new InvalidStateError(`a message is sent on an open channel; this one is ${entry.state}`);
    }
    const isEmpty = bytes.length === 0;
    const textPpid = isEmpty ? DataChannelPpid.stringEmpty : DataChannelPpid.string;
    const binaryPpid = isEmpty ? DataChannelPpid.binaryEmpty : DataChannelPpid.binary;
    // RFC 8832 §6: in order behind the DATA_CHANNEL_OPEN until the peer is known to have it.
    const ordered = entry.isAcknowledged ? entry.sendOptions : { ...entry.sendOptions, isOrdered: true };
    const options = isEmpty ? { ...ordered, ...UNCOUNTED } : ordered;
    const isTaken = this.#association.send(
      entry.streamId,
      isText ? textPpid : binaryPpid,
      isEmpty ? EMPTY_MESSAGE : bytes,
      options,
      now,
    );
    if (isTaken) {
      entry.messagesSent++;
      entry.bytesSent += bytes.length;
    }
    return isTaken;
  }

  /** Closes a channel when what was sent on it is on its way (RFC 8831 §6.7). */
  close(channel: DataChannel, now: Millis): void {
    const entry = this.#entry(channel);
    if (entry.state === "closing" || entry.state === "closed") return;
    entry.state = "closing";
    this.#resetOutgoing(entry, false, now);
  }

  /** Bytes of the channel that wait to be sent. */
  bufferedAmount(channel: DataChannel): number {
    return channel.streamId === undefined ? 0 : this.#association.bufferedAmount(channel.streamId);
  }

  /** When what waits falls to so many bytes, `bufferedAmountLow` is told. Default 0. */
  setBufferedAmountLowThreshold(channel: DataChannel, bytes: number): void {
    const entry = this.#entry(channel);
    entry.lowThresholdBytes = bytes;
    if (entry.streamId !== undefined) this.#association.setBufferedAmountLowThreshold(entry.streamId, bytes);
  }

  /** Ends the association at once, and with it every channel. */
  disconnect(now: Millis): void {
    this.#association.close(now);
    this.#takeEvents(now);
  }

  /** The datagrams take another path; see {@link SctpAssociation.handlePathChange}. */
  handlePathChange(now: Millis): void {
    this.#association.handlePathChange(now);
  }

  handleInput(packet: Uint8Array, now: Millis): void {
    this.#association.handleInput(packet, now);
    this.#takeEvents(now);
  }

  handleTimeout(now: Millis): void {
    this.#association.handleTimeout(now);
    this.#takeEvents(now);
  }

  /** The next packet, in an arena slot that is the caller's to release. */
  pollTransmit(): PacketSlot | undefined {
    return this.#association.pollTransmit();
  }

  pollEvent(): DataChannelEvent | undefined {
    // What fell below its threshold while packets were made is only known after that.
    if (this.#events.length === 0) this.#takeEvents(undefined);
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    return this.#association.pollTimeout();
  }

  /** The association underneath, for its state and statistics. */
  get association(): SctpAssociation {
    return this.#association;
  }

  /** Channels that are not closed. */
  get channels(): readonly DataChannel[] {
    return [...this.#channels.values(), ...this.#unnumbered];
  }

  // ---- Opening ----

  #setRole(role: DtlsRole, now: Millis): void {
    this.#ids = new StreamIds(role, (id) => this.#isTaken(id));
    this.#number(now);
  }

  /** Gives streams to the channels that have none, as far as that is possible. */
  #number(now: Millis): void {
    if (this.#ids === undefined) return;
    for (let channel = this.#unnumbered.shift(); channel !== undefined; channel = this.#unnumbered.shift()) {
      const streamId = this.#ids.take();
      if (streamId === undefined) {
        this.#forget(channel, "no stream left");
        continue;
      }
      channel.streamId = streamId;
      this.#channels.set(streamId, channel);
      if (this.#isConnected) this.#start(channel, now);
    }
  }

  /** The association is there: announces a channel and opens it. */
  #start(channel: ChannelEntry, now: Millis): void {
    const { streamId } = channel;
    if (streamId === undefined || channel.state !== "connecting") return;
    const { outboundStreams } = this.#association;
    if (streamId >= outboundStreams) {
      // RFC 8831 §6.2: more are asked for when they are needed.
      const isAsked = this.#association.addOutgoingStreams(streamId + 1 - outboundStreams, now);
      if (!isAsked) this.#forget(channel, "no stream left");
      return;
    }
    // The association is shutting down: the channel ends with it.
    if (!this.#association.canSend(streamId)) return;
    this.#association.setStreamPriority(streamId, channel.priority);
    this.#association.setBufferedAmountLowThreshold(streamId, channel.lowThresholdBytes);
    if (!channel.isNegotiated && !channel.isRemote) {
      // RFC 8832 §6: reliable and in order, whatever the channel is.
      this.#association.send(streamId, DataChannelPpid.dcep, encodeDcepOpen(channel), UNCOUNTED, now);
    }
    channel.state = "open";
    this.#push({ type: "open", channel });
    for (const message of this.#early.take(streamId)) this.#handleMessage(message, now);
  }

  /** Whether a stream has a channel, or is still being closed. */
  #isTaken(streamId: number): boolean {
    return this.#channels.has(streamId) || this.#association.isResetting(streamId);
  }

  #handleDcep(message: SctpMessageEvent, now: Millis): void {
    const dcep = safeDecodeDcep(message.bytes);
    const channel = this.#channels.get(message.streamId);
    if (typeof dcep === "string") {
      this.counters.badDcep++;
      this.#environment.log.debug("a DCEP message is none", { problem: dcep });
      if (channel === undefined) this.#refuse(message.streamId, now);
      return;
    }
    if (dcep.type === "ack") {
      if (channel === undefined) this.counters.badDcep++;
      else channel.isAcknowledged = true;
      return;
    }
    // RFC 8832 §6: on a stream that is in use, or of our numbers, an OPEN is an error.
    const isTheirs = this.#ids?.isPeers(message.streamId) === true && message.streamId <= MAX_STREAM_ID;
    if (channel !== undefined || !isTheirs) {
      this.counters.badDcep++;
      if (channel === undefined) this.#refuse(message.streamId, now);
      return;
    }
    this.#acceptChannel(message.streamId, dcep.parameters, now);
  }

  #acceptChannel(streamId: number, parameters: DataChannelParameters, now: Millis): void {
    const textBytes = parameters.label.length + parameters.protocol.length;
    const isTooMuch = this.#remoteTextBytes + textBytes > this.#maxRemoteTextBytes;
    if (isTooMuch || this.#channels.size >= this.#maxChannels || !this.#association.canSend(streamId)) {
      this.#refuse(streamId, now);
      return;
    }
    this.#remoteTextBytes += textBytes;
    const channel = createChannelEntry(parameters, false, true, streamId);
    this.#channels.set(streamId, channel);
    this.#association.send(streamId, DataChannelPpid.dcep, encodeDcepAck(), UNCOUNTED, now);
    this.#push({ type: "channel", channel });
    this.#start(channel, now);
  }

  /** RFC 8832 §6: a channel that cannot be is closed by resetting its stream. */
  #refuse(streamId: number, now: Millis): void {
    this.counters.refusedChannels++;
    this.#early.take(streamId);
    this.#association.resetStreams([streamId], true, now);
  }

  // ---- Messages ----

  #handleMessage(message: SctpMessageEvent, now: Millis): void {
    if (message.ppid === DataChannelPpid.dcep) {
      this.#handleDcep(message, now);
      return;
    }
    const channel = this.#channels.get(message.streamId);
    if (channel === undefined || channel.state === "connecting") {
      // RFC 8831 §6.6, RFC 8832 §6: it may be ahead of the OPEN, or of a negotiated channel on this side.
      if (!this.#early.keep(message)) this.counters.ignoredMessages++;
      return;
    }
    if (channel.state === "closed" || channel.isIncomingReset) {
      this.counters.ignoredMessages++;
      return;
    }
    // RFC 8832 §6: a message is as good as the ACK.
    channel.isAcknowledged = true;
    const { bytes } = message;
    switch (message.ppid) {
      case DataChannelPpid.string:
        this.#deliver(channel, true, withParts(channel, bytes));
        return;
      case DataChannelPpid.binary:
        this.#deliver(channel, false, withParts(channel, bytes));
        return;
      case DataChannelPpid.stringEmpty:
        this.#deliver(channel, true, NOTHING);
        return;
      case DataChannelPpid.binaryEmpty:
        this.#deliver(channel, false, NOTHING);
        return;
      case DataChannelPpid.stringPartial:
      case DataChannelPpid.binaryPartial:
        this.#keepPart(channel, bytes);
        return;
      default:
        this.counters.ignoredMessages++;
    }
  }

  #deliver(channel: ChannelEntry, isText: boolean, bytes: Uint8Array): void {
    channel.messagesReceived++;
    channel.bytesReceived += bytes.length;
    this.#push({ type: "message", channel, isText, bytes });
  }

  /** RFC 8831 §6.6: deprecated, but not to be lost. */
  #keepPart(channel: ChannelEntry, bytes: Uint8Array): void {
    if (channel.partBytes + bytes.length > Math.min(this.#maxMessageBytes, MAX_PART_BYTES)) {
      this.counters.ignoredMessages++;
      channel.parts = [];
      channel.partBytes = 0;
      return;
    }
    channel.parts.push(bytes);
    channel.partBytes += bytes.length;
  }

  // ---- Closing ----

  #resetOutgoing(channel: ChannelEntry, discard: boolean, now: Millis): void {
    const { streamId } = channel;
    const canReset = streamId !== undefined && this.#isConnected;
    if (canReset && this.#association.resetStreams([streamId], discard, now)) return;
    // Never announced, or with a peer that cannot reset streams: there is nothing to wait for.
    this.#forget(channel, undefined);
  }

  #handleIncomingReset(streamIds: readonly number[] | "all", now: Millis): void {
    const ids = streamIds === "all" ? [...this.#channels.keys()] : streamIds;
    for (const streamId of ids) {
      this.#early.take(streamId);
      const channel = this.#channels.get(streamId);
      if (channel === undefined || channel.isIncomingReset) continue;
      channel.isIncomingReset = true;
      if (channel.state === "open" || channel.state === "connecting") {
        channel.state = "closing";
        this.#push({ type: "closing", channel });
        // RFC 8831 §6.7: what still waits has nobody left to receive it.
        this.#resetOutgoing(channel, true, now);
      }
      if (channel.isOutgoingReset) this.#forget(channel, undefined);
    }
  }

  #handleOutgoingReset(streamIds: readonly number[], isReset: boolean): void {
    for (const streamId of streamIds) {
      const channel = this.#channels.get(streamId);
      if (channel === undefined) continue;
      channel.isOutgoingReset = true;
      // A peer that refuses will not reset its side either.
      if (channel.isIncomingReset || !isReset) this.#forget(channel, undefined);
    }
  }

  #forget(channel: ChannelEntry, problem: DataChannelProblem | undefined): void {
    const { streamId } = channel;
    if (channel.state === "closed") return;
    channel.state = "closed";
    channel.parts = [];
    if (channel.isRemote) this.#remoteTextBytes -= channel.label.length + channel.protocol.length;
    const index = this.#unnumbered.indexOf(channel);
    if (index >= 0) this.#unnumbered.splice(index, 1);
    if (streamId !== undefined && this.#channels.get(streamId) === channel) {
      this.#channels.delete(streamId);
      this.#ids?.free(streamId);
    }
    this.#push({ type: "closed", channel, problem });
  }

  // ---- The association's events ----

  #takeEvents(now: Millis | undefined): void {
    if (now !== undefined) this.#now = now;
    for (let event = this.#association.pollEvent(); event; event = this.#association.pollEvent()) {
      this.#handleEvent(event, this.#now);
    }
  }

  #handleEvent(event: SctpEvent, now: Millis): void {
    switch (event.type) {
      case "message":
        this.#handleMessage(event, now);
        return;
      case "connected":
        this.#isConnected = true;
        this.#push({ type: "connected" });
        for (const channel of [...this.#channels.values()]) this.#start(channel, now);
        return;
      case "incomingStreamsReset":
        this.#handleIncomingReset(event.streamIds, now);
        return;
      case "outgoingStreamsReset":
        this.#handleOutgoingReset(event.streamIds, event.isReset);
        return;
      case "outgoingStreamsAdded":
        this.#handleStreamsAdded(event.isAdded, now);
        return;
      case "incomingStreamsAdded":
        return;
      case "bufferedAmountLow": {
        const channel = this.#channels.get(event.streamId);
        if (channel !== undefined && channel.state !== "closed")
          this.#push({ type: "bufferedAmountLow", channel });
        return;
      }
      case "restarted":
        this.#forgetAll("restarted");
        this.#isConnected = false;
        return;
      case "closed":
        this.#isOver = true;
        this.#isConnected = false;
        this.#forgetAll("disconnected");
        this.#push({ type: "disconnected", reason: event.reason, detail: event.detail });
        return;
      default:
        event satisfies never;
    }
  }

  #handleStreamsAdded(isAdded: boolean, now: Millis): void {
    for (const channel of [...this.#channels.values()]) {
      if (channel.state !== "connecting") continue;
      if (isAdded) this.#start(channel, now);
      else this.#forget(channel, "no stream left");
    }
  }

  #forgetAll(problem: DataChannelProblem): void {
    for (const channel of [...this.#channels.values(), ...this.#unnumbered]) this.#forget(channel, problem);
    this.#early.clear();
  }

  #push(event: DataChannelEvent): void {
    this.#events.push(event);
  }

  #entry(channel: DataChannel): ChannelEntry {
    const { streamId } = channel;
    const entry = streamId === undefined ? undefined : this.#channels.get(streamId);
    if (entry === channel) return entry;
    const unnumbered = this.#unnumbered.find((other) => other === channel);
    if (unnumbered !== undefined) return unnumbered;
    throw new InvalidStateError("the channel is closed, or of another table");
  }
}

/** A message with the parts that came before it. */
function withParts(channel: ChannelEntry, last: Uint8Array): Uint8Array {
  if (channel.parts.length === 0) return last;
  const whole = new Uint8Array(channel.partBytes + last.length);
  let offset = 0;
  for (const part of [...channel.parts, last]) {
    whole.set(part, offset);
    offset += part.length;
  }
  channel.parts = [];
  channel.partBytes = 0;
  return whole;
}
