import { add16, add32, writeUint32 } from "../../bytes/index.ts";
import type { Millis } from "../../sansio/index.ts";
import { paddedLength } from "../chunk/chunk.ts";
import { DATA_HEADER_BYTES, DataFlag, writeDataHeader } from "../chunk/data.ts";
import { I_DATA_HEADER_BYTES, writeIDataHeader } from "../chunk/i-data.ts";
import { SackView } from "../chunk/sack.ts";
import type { PacketBuilder } from "../packet-builder.ts";
import { CongestionControl } from "./congestion.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { RetransmissionQueue } from "./retransmission-queue.ts";
import type { RoundTrip } from "./rto.ts";
import type { SendQueue } from "./send-queue.ts";
import { SkippedMessages } from "./skipped-messages.ts";

/** What a sender is made with, once the association knows its peer. */
export interface DataSenderOptions {
  readonly initialTsn: number;
  readonly isInterleaved: boolean;
  /** Whether the peer understands that messages are given up (RFC 3758, RFC 8260 §2.3.1). */
  readonly isPartialReliabilityAgreed: boolean;
  readonly peerWindowBytes: number;
  readonly packetBytes: number;
  readonly initialWindowPackets: number;
}

/** The rest of a packet is filled with a piece of the next message if the piece has at least so many bytes. */
const MIN_FRAGMENT_BYTES = 128;

/** What a peer may wait before it acknowledges a lone packet (RFC 9260 §6.2): a probe before that would be for nothing. */
const PEER_SACK_DELAY_MS = 200;
/** No probe sooner: timers and event loops are late by some milliseconds. */
const MIN_PROBE_MS = 10;
/** RFC 9260 §6.3.3: with so small a window the peer is asked to acknowledge at once, or it would wait for a second packet. */
const SMALL_WINDOW_PACKETS = 3;

/** Consecutive timeouts after which the peer is taken to have dropped what it had acknowledged above a gap. */
const TIMEOUTS_BEFORE_FORGETTING = 2;

/**
 * The sending half of an association: cuts messages into chunks, fills packets with them, and repeats what was lost.
 *
 * Losses are found by what was sent later and has been acknowledged; the end of a flight, behind which there is nothing, by a
 * probe (RFC 8985 §7); only when that fails does the retransmission timer of RFC 9260 §6.3 run.
 */
export class DataSender {
  readonly congestion: CongestionControl;
  readonly #queue: SendQueue;
  readonly #roundTrip: RoundTrip;
  readonly #sent: RetransmissionQueue;
  readonly #skipped: SkippedMessages;
  readonly #isInterleaved: boolean;
  readonly #headerBytes: number;
  readonly #isPartialReliabilityAgreed: boolean;
  #packetBytes: number;
  #peerWindowBytes: number;
  #nextPacket = 0;
  #lastSentAt: Millis = Number.NEGATIVE_INFINITY;
  /** When the probe, or else the retransmission timer, is due. */
  #timerAt: Millis = Number.POSITIVE_INFINITY;
  /** Probes and timeouts since something was last acknowledged. */
  #probes = 0;
  #timeouts = 0;
  /** One packet may be sent whatever the window says. */
  #isProbeDue = false;
  #isWindowLimited = false;
  #isForwardTsnDue = false;
  #forwardTsnSentAt: Millis = Number.NEGATIVE_INFINITY;
  /** The first packet after a timeout, and when it left. */
  #timeoutPacket = -1;
  #timeoutSentAt: Millis = 0;
  /** Chunks sent again. */
  retransmissions = 0;

  constructor(options: DataSenderOptions, queue: SendQueue, roundTrip: RoundTrip) {
    this.#queue = queue;
    this.#roundTrip = roundTrip;
    this.#isInterleaved = options.isInterleaved;
    this.#headerBytes = options.isInterleaved ? I_DATA_HEADER_BYTES : DATA_HEADER_BYTES;
    this.#isPartialReliabilityAgreed = options.isPartialReliabilityAgreed;
    this.#packetBytes = options.packetBytes;
    this.#peerWindowBytes = options.peerWindowBytes;
    this.congestion = new CongestionControl(options.packetBytes, options.initialWindowPackets);
    const skipped = new SkippedMessages(options.isInterleaved);
    this.#skipped = skipped;
    this.#sent = new RetransmissionQueue(options.initialTsn, this.#headerBytes, roundTrip, (message) =>
      skipped.add(message),
    );
  }

  get nextTsn(): number {
    return this.#sent.nextTsn;
  }

  /** The last TSN that was acknowledged with all before it. */
  get cumulativeTsnAck(): number {
    return this.#sent.cumulativeTsnAck;
  }

  get flightBytes(): number {
    return this.#sent.flightBytes;
  }

  get peerWindowBytes(): number {
    return this.#peerWindowBytes;
  }

  get abandonedMessages(): number {
    return this.#sent.abandonedMessages;
  }

  /** Whether everything that was sent has been acknowledged, and the peer knows what was given up. */
  get isIdle(): boolean {
    return this.#sent.isEmpty && !this.#sent.needsForwardTsn;
  }

  /** Probes and timeouts in a row without an answer. */
  get timeouts(): number {
    return this.#timeouts;
  }

  /** What packets may measure. */
  setPacketBytes(packetBytes: number): void {
    this.#packetBytes = packetBytes;
    this.congestion.setPacketBytes(packetBytes);
  }

  /** The path has changed: nothing that was learned of the last one is believed, and what is in flight may be lost. */
  handlePathChange(now: Millis): void {
    this.congestion.reset();
    if (!this.#sent.isEmpty) {
      this.#isProbeDue = true;
      this.#probes = 0;
      this.#restartTimer(now);
    }
  }

  /** Takes a SACK; false for one that says nothing. */
  handleSack(sack: SackView, now: Millis): boolean {
    const outcome = this.#sent.handleSack(sack, now);
    if (outcome === undefined) return false;
    this.#peerWindowBytes = sack.aRwnd;
    const largestPacket = this.#sent.largestAckedPacket;
    if (outcome.rttMs >= 0) this.#roundTrip.sample(outcome.rttMs, now);
    this.#judgeTimeout(outcome.ackedBytes, now);
    const lostBytes = this.#sent.detectLosses(now);
    if (outcome.ackedBytes > 0 || lostBytes > 0) {
      this.congestion.handleAck(
        {
          ackedBytes: outcome.ackedBytes,
          rttMs: outcome.rttMs,
          minimumRttMs: this.#roundTrip.minimumMs,
          largestPacket,
          nextPacket: this.#nextPacket,
          flightBytes: this.#sent.flightBytes,
          isWindowLimited: this.#isWindowLimited,
          lostBytes,
          newestLostPacket: this.#sent.newestLostPacket,
        },
        now,
      );
      this.#isWindowLimited = false;
    }
    if (outcome.ackedBytes > 0 || outcome.isAdvanced) {
      this.#probes = 0;
      this.#timeouts = 0;
      this.#isProbeDue = false;
      this.#restartTimer(now);
    } else if (this.isIdle) this.#restartTimer(now);
    this.#skipped.forget(this.#sent.cumulativeTsnAck, this.#sent.advancedAckPoint);
    this.#advanceAckPoint();
    // RFC 3758 §3.5 C3: told again with every SACK that does not show it, but not more often than it can be answered.
    if (this.#sent.needsForwardTsn && now - this.#forwardTsnSentAt >= (this.#roundTrip.smoothedMs ?? 0)) {
      this.#isForwardTsnDue = true;
    }
    return true;
  }

  /** A SHUTDOWN tells a cumulative TSN (RFC 9260 §9.2). */
  handleCumulativeAck(cumulativeTsnAck: number, now: Millis): void {
    const bytes = new Uint8Array(12);
    writeUint32(bytes, 0, cumulativeTsnAck);
    writeUint32(bytes, 4, this.#peerWindowBytes);
    const sack = new SackView();
    if (sack.read(bytes, 0, bytes.length)) this.handleSack(sack, now);
  }

  /** Runs what is due. True when the retransmission timer ran out, which counts against the peer. */
  handleTimeout(now: Millis): boolean {
    if (now >= this.#sent.lossAt) {
      const lostBytes = this.#sent.detectLosses(now);
      if (lostBytes > 0) this.#reportLosses(lostBytes, now);
      this.#advanceAckPoint();
    }
    if (now < this.#timerAt) return false;
    const hasTail = this.#sent.flightBytes > 0 || this.#sent.needsForwardTsn;
    if (this.#probes === 0 && this.#roundTrip.smoothedMs !== undefined && hasTail) {
      this.#probes = 1;
      this.#isProbeDue = this.#sent.flightBytes > 0;
      this.#isForwardTsnDue = this.#sent.needsForwardTsn;
      this.#restartTimer(now);
      return false;
    }
    this.#probes++;
    this.#timeouts++;
    const { flightBytes } = this.#sent;
    this.#sent.loseAll(now, this.#timeouts >= TIMEOUTS_BEFORE_FORGETTING);
    // RFC 9260 §6.1 A: a closed window is probed with this timer; that is not congestion.
    if (this.#peerWindowBytes > 0 || flightBytes > this.#packetBytes) {
      if (this.#timeoutPacket < 0) this.#timeoutPacket = this.#nextPacket;
      this.#timeoutSentAt = now;
      this.congestion.handleTimeout(flightBytes);
    }
    this.#roundTrip.backOff();
    if (this.#sent.needsForwardTsn) this.#isForwardTsnDue = true;
    this.#advanceAckPoint();
    this.#restartTimer(now);
    return true;
  }

  pollTimeout(): Millis {
    return Math.min(this.#sent.lossAt, this.#timerAt);
  }

  /** A FORWARD TSN or I-FORWARD-TSN to send, or undefined. */
  takeForwardTsn(now: Millis): Uint8Array | undefined {
    if (!this.#isForwardTsnDue) return undefined;
    this.#isForwardTsnDue = false;
    this.#forwardTsnSentAt = now;
    this.#lastSentAt = now;
    if (this.#timerAt === Number.POSITIVE_INFINITY) this.#restartTimer(now);
    return this.#skipped.encode(this.#sent.advancedAckPoint);
  }

  /** Whether {@link fill} would put something into a packet. */
  hasDataToSend(now: Millis): boolean {
    if (this.#isForwardTsnDue) return true;
    const hasLost = this.#sent.peekLost() !== undefined;
    if (!hasLost && !this.#isProbeDue && this.#queue.peek(now) === undefined) return false;
    if (this.#isProbeDue) return this.#sent.flightBytes > 0 || hasLost || this.#queue.peek(now) !== undefined;
    if (this.#sent.flightBytes < this.congestion.windowBytes || this.#sent.flightBytes === 0) {
      return hasLost || this.#canSendNew();
    }
    this.#isWindowLimited = true;
    return false;
  }

  /** Fills the rest of a packet with what was lost, then with what is new. Call when {@link hasDataToSend}. */
  fill(packet: PacketBuilder, now: Millis): void {
    this.#fadeWhenIdle(now);
    const before = this.#sent.flightBytes;
    const isProbe = this.#isProbeDue;
    for (let slot = this.#sent.peekLost(); slot !== undefined; slot = this.#sent.peekLost()) {
      if (!this.#resend(packet, slot, isProbe, now)) break;
    }
    if (this.#sent.peekLost() === undefined) this.#fillNew(packet, isProbe, now);
    if (isProbe && !packet.hasData) {
      // RFC 8985 §7.3: with nothing new to send, the last chunk is sent again.
      const slot = this.#sent.peekLastInFlight();
      if (slot !== undefined) this.#resend(packet, slot, true, now);
    }
    if (!packet.hasData) return;
    this.#isProbeDue = false;
    this.#nextPacket++;
    this.#lastSentAt = now;
    this.congestion.handleSent(this.#sent.flightBytes - before);
    // The probe timer counts from the last packet (RFC 8985 §7.2); the retransmission timer goes on (RFC 9260 §6.3.2 R1).
    if (this.#probes === 0 || this.#timerAt === Number.POSITIVE_INFINITY) this.#restartTimer(now);
  }

  #fillNew(packet: PacketBuilder, isProbe: boolean, now: Millis): void {
    for (;;) {
      const message = this.#queue.peek(now);
      if (message === undefined || !this.#canSendNew()) return;
      if (message.sentBytes > 0 && (message.isAbandoned || message.expiresAt <= now)) {
        this.#abandonRest(message);
        continue;
      }
      const room = packet.room - this.#headerBytes;
      const left = message.bytes.length - message.sentBytes;
      if (left > room && room < this.#pieceThatPays(packet, left)) return;
      const length = Math.min(left, room);
      if (message.sentBytes === 0) this.#number(message);
      const offset = message.sentBytes;
      const tsn = this.#sent.nextTsn;
      this.#write(packet, message, offset, length, message.nextFsn, tsn, isProbe);
      this.#sent.add(message, offset, length, message.nextFsn, this.#nextPacket, now);
      message.nextFsn++;
      this.#queue.advance(message, length);
    }
  }

  /** The least of a message that is worth putting into the rest of a packet. */
  #pieceThatPays(packet: PacketBuilder, left: number): number {
    if (!packet.hasData) return 1;
    const full = this.#packetBytes - this.#headerBytes - 16;
    // A message that fits a packet of its own is not cut in two.
    return left <= full ? left : MIN_FRAGMENT_BYTES;
  }

  #canSendNew(): boolean {
    if (this.#sent.isFull) return false;
    // RFC 9260 §6.1 A: with nothing in flight, one chunk probes a closed window.
    return this.#sent.flightBytes === 0 || this.#sent.flightBytes < this.#peerWindowBytes;
  }

  /** Gives a message its number, when its first fragment is sent: what is dropped before leaves no hole. */
  #number(message: OutgoingMessage): void {
    if (!this.#isPartialReliabilityAgreed) message.makeReliable();
    const { stream } = message;
    if (!this.#isInterleaved) {
      message.messageId = stream.nextSsn;
      if (!message.isUnordered) stream.nextSsn = add16(stream.nextSsn, 1);
    } else if (message.isUnordered) {
      message.messageId = stream.nextUnorderedMid;
      stream.nextUnorderedMid = add32(stream.nextUnorderedMid, 1);
    } else {
      message.messageId = stream.nextOrderedMid;
      stream.nextOrderedMid = add32(stream.nextOrderedMid, 1);
    }
  }

  #resend(packet: PacketBuilder, slot: number, isProbe: boolean, now: Millis): boolean {
    const length = this.#sent.lengthAt(slot);
    // What was cut for a larger packet than now fits cannot be cut again (RFC 9260 §6.9): it gets a packet of its own.
    if (this.#headerBytes + paddedLength(length) > packet.room && !packet.isEmpty) return false;
    const message = this.#sent.messageAt(slot);
    const offset = this.#sent.offsetAt(slot);
    this.#write(packet, message, offset, length, this.#sent.fsnAt(slot), this.#sent.tsnAt(slot), isProbe);
    this.#sent.resend(slot, this.#nextPacket, now);
    this.retransmissions++;
    return true;
  }

  #write(
    packet: PacketBuilder,
    message: OutgoingMessage,
    offset: number,
    length: number,
    fsn: number,
    tsn: number,
    isProbe: boolean,
  ): void {
    const { bytes } = packet;
    const total = message.bytes.length;
    let flags = message.isUnordered ? DataFlag.unordered : 0;
    if (offset === 0) flags |= DataFlag.begin;
    if (offset + length === total) flags |= DataFlag.end;
    const isSmall = this.congestion.windowBytes < SMALL_WINDOW_PACKETS * this.#packetBytes;
    if (isProbe || isSmall) flags |= DataFlag.immediate;
    const { id } = message.stream;
    if (this.#isInterleaved) {
      const ppidOrFsn = offset === 0 ? message.ppid : fsn;
      writeIDataHeader(bytes, packet.end, flags, length, tsn, id, message.messageId, ppidOrFsn);
    } else writeDataHeader(bytes, packet.end, flags, length, tsn, id, message.messageId, message.ppid);
    const start = packet.end + this.#headerBytes;
    bytes.set(length === total ? message.bytes : message.bytes.subarray(offset, offset + length), start);
    packet.end = start + paddedLength(length);
    for (let i = start + length; i < packet.end; i++) bytes[i] = 0;
    packet.hasData = true;
  }

  /** Gives up a message that was begun; its end takes a TSN, without which the peer could not be told. */
  #abandonRest(message: OutgoingMessage): void {
    this.#sent.abandon(message);
    this.#sent.addAbandoned(message);
    this.#queue.drop(message);
    this.#advanceAckPoint();
  }

  #advanceAckPoint(): void {
    const before = this.#sent.advancedAckPoint;
    this.#sent.advanceAckPoint();
    if (this.#sent.advancedAckPoint !== before && this.#sent.needsForwardTsn) this.#isForwardTsnDue = true;
  }

  #reportLosses(lostBytes: number, now: Millis): void {
    this.congestion.handleAck(
      {
        ackedBytes: 0,
        rttMs: -1,
        minimumRttMs: this.#roundTrip.minimumMs,
        largestPacket: this.#sent.largestAckedPacket,
        nextPacket: this.#nextPacket,
        flightBytes: this.#sent.flightBytes,
        isWindowLimited: false,
        lostBytes,
        newestLostPacket: this.#sent.newestLostPacket,
      },
      now,
    );
  }

  /** Finds out whether a timeout was for nothing: an acknowledgement that comes sooner than a round trip is the original's. */
  #judgeTimeout(ackedBytes: number, now: Millis): void {
    if (this.#timeoutPacket < 0 || ackedBytes === 0) return;
    this.#timeoutPacket = -1;
    const { minimumMs } = this.#roundTrip;
    if (minimumMs !== Number.POSITIVE_INFINITY && now - this.#timeoutSentAt < minimumMs / 2) {
      this.congestion.undoTimeout();
    } else this.congestion.confirmTimeout();
  }

  #fadeWhenIdle(now: Millis): void {
    if (this.#sent.flightBytes > 0) return;
    const idleMs = now - this.#lastSentAt;
    if (idleMs > this.#roundTrip.rtoMs && idleMs !== Number.POSITIVE_INFINITY) {
      this.congestion.handleIdle(idleMs, this.#roundTrip.rtoMs);
    }
  }

  #restartTimer(now: Millis): void {
    if (this.isIdle) {
      this.#timerAt = Number.POSITIVE_INFINITY;
      return;
    }
    const { smoothedMs, rtoMs } = this.#roundTrip;
    const hasTail = this.#sent.flightBytes > 0 || this.#sent.needsForwardTsn;
    if (this.#probes > 0 || smoothedMs === undefined || !hasTail) {
      this.#timerAt = now + rtoMs;
      return;
    }
    const isLone = this.#sent.flightBytes <= this.#packetBytes;
    const probeMs = Math.max(MIN_PROBE_MS, smoothedMs * 2) + (isLone ? PEER_SACK_DELAY_MS : 0);
    this.#timerAt = now + Math.min(probeMs, rtoMs);
  }
}
