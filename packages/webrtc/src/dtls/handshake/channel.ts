import type { PacketArena, PacketSlot } from "../../kernel/index.ts";
import { type Millis, type Queue, TimerTable } from "../../sansio/index.ts";
import type { AlertName } from "../alert.ts";
import { encodeAlert } from "../alert.ts";
import { ContentType } from "../constants.ts";
import type { DtlsPolicy } from "../options.ts";
import { DatagramWriter } from "../record/datagram-writer.ts";
import { PlaintextSealer, type RecordSealer } from "../record/record.ts";
import { decodeAck, encodeAck, MAX_ACKED_RECORDS } from "./ack.ts";
import { Flight, type RecordNumber } from "./flight.ts";

/** After so many intervals without an answer the datagrams may be too large for the path (RFC 6347 §4.1.1.1). */
const SHRINK_AFTER = 3;
/** After so many, whoever asked for the flight was not the peer. */
const STALLED_AFTER = 2;
/** Passes where anything passes: IPv4's 576 bytes without the headers. */
const SMALL_MTU = 548;
/** RFC 9147 §7.1: a part of a flight is acknowledged after a quarter of the retransmission interval. */
const ACK_SHARE = 1 / 4;
/** A flight is not repeated on the peer's request more often than this share of the interval. */
const REPEAT_SHARE = 1 / 2;

type TimerName = "retransmit" | "ack";

/**
 * The sending half of a handshake: flights, their repetition until they are answered or acknowledged, and the
 * acknowledgement of what comes in (RFC 9147 §5.8, §7; RFC 6347 §4.2.4).
 */
export class HandshakeChannel {
  /** Records in the clear. */
  readonly plaintext: PlaintextSealer;
  /** What new messages go out under. */
  sealer: RecordSealer;
  /** 1.3: both sides acknowledge. */
  usesAcks = false;
  /**
   * Whether records in the clear are acknowledged: once they are known to be the peer's. If a forged one was taken for
   * the peer's, the peer has to send its own again.
   */
  acksPlaintext = false;
  readonly #writer: DatagramWriter;
  readonly #policy: DtlsPolicy;
  readonly #timers = new TimerTable<TimerName>(["ack", "retransmit"]);
  readonly #flight = new Flight();
  #nextSequence = 0;
  #intervalMs: Millis;
  #repetitions = 0;
  #transmittedAt: Millis = Number.NEGATIVE_INFINITY;
  #expectsAnswer = false;
  /** Records of the flight that is coming in. */
  #received: RecordNumber[] = [];

  constructor(arena: PacketArena, policy: DtlsPolicy, transmits: Queue<PacketSlot>, version: number) {
    this.plaintext = new PlaintextSealer(version);
    this.sealer = this.plaintext;
    this.#policy = policy;
    this.#writer = new DatagramWriter(arena, policy.headroomBytes, policy.mtu, transmits);
    this.#intervalMs = policy.retransmitMs;
  }

  /** message_seq of the next message: what a server that kept no state sets to go on from. */
  set nextSequence(sequence: number) {
    this.#nextSequence = sequence;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Whether a flight waits for its answer or acknowledgement. */
  get isWaiting(): boolean {
    return this.#expectsAnswer;
  }

  /** Whether the flight has been repeated, and nothing came of it. */
  get isStalled(): boolean {
    return this.#expectsAnswer && this.#repetitions >= STALLED_AFTER;
  }

  /** Datagrams not sent for want of memory. */
  get droppedCount(): number {
    return this.#writer.droppedCount;
  }

  /** A new flight: the peer has the one before, and need not hear of what it sent. */
  startFlight(): void {
    this.#flight.clear();
    this.#received = [];
    this.#timers.stopAll();
    this.#expectsAnswer = false;
    this.#repetitions = 0;
    this.#intervalMs = this.#policy.retransmitMs;
    this.#writer.mtu = this.#policy.mtu;
  }

  /** Adds a message to the flight and returns its message_seq. */
  send(type: number, body: Uint8Array): number {
    const sequence = this.#nextSequence++;
    this.#flight.add(type, sequence, body, this.sealer);
    return sequence;
  }

  /** 1.2: what follows is protected. */
  sendChangeCipherSpec(): void {
    this.#flight.addChangeCipherSpec(this.plaintext);
  }

  /** Sends the flight; it is repeated until it is answered or acknowledged, if either is expected. */
  endFlight(now: Millis, expectsAnswer: boolean): void {
    this.#expectsAnswer = expectsAnswer;
    this.#transmit(now);
  }

  /** The peer has the flight. */
  finishFlight(): void {
    this.#expectsAnswer = false;
    this.#timers.stop("retransmit");
  }

  /** Sends a message once, outside of any flight: the answer of a server that keeps nothing. */
  sendOnce(type: number, sequence: number, body: Uint8Array): void {
    const flight = new Flight();
    flight.add(type, sequence, body, this.plaintext);
    flight.transmit(this.#writer);
  }

  /** The peer repeats itself: it misses something of ours (RFC 9147 §5.8.1, third way out of WAITING). */
  repeatFlight(now: Millis): void {
    if (this.#flight.isEmpty || (this.usesAcks && !this.#expectsAnswer)) return;
    if (now - this.#transmittedAt < this.#policy.retransmitMs * REPEAT_SHARE) return;
    this.#transmit(now);
  }

  /**
   * An ACK came in.
   *
   * @returns whether the whole flight has arrived.
   */
  handleAck(content: Uint8Array, epoch: number, now: Millis): boolean {
    const records = decodeAck(content);
    if (records === undefined || !this.#expectsAnswer) return false;
    // In the clear it may be anybody's: then it is no more than a hint that something is missing.
    const isNews = epoch > 0 && this.#flight.acknowledge(records);
    if (this.#flight.isAcked) {
      this.finishFlight();
      return true;
    }
    if (isNews) this.#repetitions = 0;
    this.repeatFlight(now);
    return false;
  }

  /** Notes that a record held something of the flight that is coming in. */
  noteReceived(epoch: number, sequence: number, now: Millis): void {
    if (!this.usesAcks) return;
    const isKnown = this.#received.some((known) => known.epoch === epoch && known.sequence === sequence);
    if (!isKnown) {
      // RFC 9147 §7.1: the newest are what the peer does not know of yet.
      if (this.#received.length >= MAX_ACKED_RECORDS) this.#received.shift();
      this.#received.push({ epoch, sequence });
    }
    this.scheduleAck(now);
  }

  /** Something is missing: if it does not come soon, the peer should know. */
  scheduleAck(now: Millis): void {
    if (this.#timers.deadline("ack") !== Number.POSITIVE_INFINITY) return;
    this.#timers.set("ack", now + this.#policy.retransmitMs * ACK_SHARE);
  }

  /** Acknowledges what has come in. */
  sendAck(): void {
    this.#timers.stop("ack");
    const content = encodeAck(this.#received.filter(({ epoch }) => epoch > 0 || this.acksPlaintext));
    this.#append(ContentType.ack, content);
  }

  /** What came in is complete, and acknowledged or answered. */
  forgetReceived(): void {
    this.#received = [];
    this.#timers.stop("ack");
  }

  sendAlert(alert: AlertName): void {
    this.#append(ContentType.alert, encodeAlert(alert));
  }

  /** Nothing is repeated or acknowledged any more. */
  stop(): void {
    this.#timers.stopAll();
    this.#expectsAnswer = false;
  }

  handleTimeout(now: Millis): void {
    for (let due = this.#timers.expire(now); due !== undefined; due = this.#timers.expire(now)) {
      if (due === "ack") {
        this.sendAck();
        continue;
      }
      this.#repetitions++;
      this.#intervalMs = Math.min(this.#intervalMs * 2, this.#policy.maximumRetransmitMs);
      if (this.#repetitions >= SHRINK_AFTER) this.#writer.mtu = Math.min(this.#policy.mtu, SMALL_MTU);
      this.#transmit(now);
    }
  }

  pollTimeout(): Millis {
    return this.#timers.next();
  }

  #transmit(now: Millis): void {
    this.#transmittedAt = now;
    this.#flight.transmit(this.#writer);
    if (this.#expectsAnswer) this.#timers.set("retransmit", now + this.#intervalMs);
  }

  #append(type: number, content: Uint8Array): void {
    this.#writer.append(this.sealer, type, content.length, (bytes, at) => bytes.set(content, at));
    this.#writer.flush();
  }
}
