import { add32, distance32 } from "../../bytes/index.ts";
import type { Millis } from "../../sansio/index.ts";
import { paddedLength } from "../chunk/chunk.ts";
import type { SackView } from "../chunk/sack.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import type { RoundTrip } from "./rto.ts";

/** Chunks that may be outstanding: gap blocks reach 65,535 TSNs (RFC 9260 §3.3.4), and a window of 8 MiB has 7,000 full ones. */
const MAX_OUTSTANDING = 32_768;
const FIRST_CAPACITY = 64;

/** RFC 9260 §7.2.4 and RFC 8985 §6.2: so many later packets acknowledged mean that one is lost. */
const PACKET_THRESHOLD = 3;
/** RFC 8985 §6.2: share of the shortest round trip for which a packet may be overtaken. */
const REORDERING_SHARE = 1 / 4;
/** The largest multiple of that share: from there on it is the smoothed round trip that limits it. */
const MAX_REORDERING_STEPS = 16;

const NONE = -1;

const State = { free: 0, inFlight: 1, lost: 2, acked: 3, abandoned: 4 } as const;

/** What a SACK brought. One object for all of them. */
export interface SackOutcome {
  /** Chunk bytes acknowledged for the first time. */
  ackedBytes: number;
  /** Whether the cumulative TSN moved. */
  isAdvanced: boolean;
  /** Round-trip time of the newest packet acknowledged; −1 when it cannot be told. */
  rttMs: Millis;
}

/**
 * Chunks that were sent and not yet acknowledged: which are in flight, which are lost, which were given up.
 *
 * A ring of parallel arrays indexed by TSN, so a chunk costs no object. Chunks in flight hang in a list in the order in
 * which they were last sent, and lost ones in another: finding losses looks only at chunks that are lost (RFC 8985), and a
 * SACK costs what it newly acknowledges plus its number of gap blocks.
 */
export class RetransmissionQueue {
  readonly #roundTrip: RoundTrip;
  readonly #headerBytes: number;
  #capacity = FIRST_CAPACITY;
  #messages: (OutgoingMessage | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  #states = new Uint8Array(FIRST_CAPACITY);
  #offsets = new Float64Array(FIRST_CAPACITY);
  #lengths = new Uint16Array(FIRST_CAPACITY);
  #fsns = new Uint32Array(FIRST_CAPACITY);
  #sentAt = new Float64Array(FIRST_CAPACITY);
  /** Number of the packet that carried it last. */
  #packets = new Float64Array(FIRST_CAPACITY);
  #sends = new Uint32Array(FIRST_CAPACITY);
  #next = new Int32Array(FIRST_CAPACITY).fill(NONE);
  #previous = new Int32Array(FIRST_CAPACITY).fill(NONE);
  #flightHead = NONE;
  #flightTail = NONE;
  #lostHead = NONE;
  #lostTail = NONE;
  /** The first TSN that is not acknowledged. */
  #firstTsn: number;
  #nextTsn: number;
  /** Gap blocks of the last SACK, relative to its cumulative TSN, to find what the next one has more. */
  #gapStarts = new Int32Array(0);
  #gapEnds = new Int32Array(0);
  #gapCount = 0;
  /** Where the gap blocks of the next SACK go. */
  #spareStarts = new Int32Array(0);
  #spareEnds = new Int32Array(0);
  /** The newest packet of which something was acknowledged. */
  #largestAckedPacket = -1;
  #hasSeenReordering = false;
  #reorderingSteps = 1;
  #lossAt: Millis = Number.POSITIVE_INFINITY;
  /** The last TSN that the peer may be told to forget up to (RFC 3758 §3.5). */
  #advancedAckPoint: number;
  /** The last TSN that was looked at for that: all behind the ack point up to here has been acknowledged. */
  #scanned: number;
  readonly #outcome: SackOutcome = { ackedBytes: 0, isAdvanced: false, rttMs: -1 };
  /** While a SACK is handled: the newest packet it acknowledges, and when that was sent. */
  #newestPacket = -1;
  #newestSentAt = 0;
  #newestIsAmbiguous = false;
  /** The newest packet of which something was found lost. */
  newestLostPacket = -1;
  /** Bytes of chunks in flight, with headers and padding. */
  flightBytes = 0;
  /** Messages given up after something of them was sent. */
  abandonedMessages = 0;
  /** Told of each message of which the peer must be told that it will not come. */
  readonly #onSkipped: (message: OutgoingMessage) => boolean;

  /**
   * @param headerBytes - Of a DATA or I-DATA chunk.
   * @param onSkipped - Called when the ack point moves over a message; false stops it there.
   */
  constructor(
    initialTsn: number,
    headerBytes: number,
    roundTrip: RoundTrip,
    onSkipped: (message: OutgoingMessage) => boolean,
  ) {
    this.#firstTsn = initialTsn;
    this.#nextTsn = initialTsn;
    this.#advancedAckPoint = add32(initialTsn, -1);
    this.#scanned = this.#advancedAckPoint;
    this.#headerBytes = headerBytes;
    this.#roundTrip = roundTrip;
    this.#onSkipped = onSkipped;
  }

  get nextTsn(): number {
    return this.#nextTsn;
  }

  get cumulativeTsnAck(): number {
    return add32(this.#firstTsn, -1);
  }

  get advancedAckPoint(): number {
    return this.#advancedAckPoint;
  }

  get largestAckedPacket(): number {
    return this.#largestAckedPacket;
  }

  /** Whether nothing waits for an acknowledgement. */
  get isEmpty(): boolean {
    return this.#firstTsn === this.#nextTsn;
  }

  get isFull(): boolean {
    return distance32(this.#nextTsn, this.#firstTsn) >= MAX_OUTSTANDING;
  }

  get hasLost(): boolean {
    return this.#lostHead !== NONE;
  }

  /** Whether the peer has to be told to forget what was given up. */
  get needsForwardTsn(): boolean {
    return distance32(this.#advancedAckPoint, this.#firstTsn) >= 0;
  }

  /** When {@link detectLosses} may find more; `Infinity` for never. */
  get lossAt(): Millis {
    return this.#lossAt;
  }

  /** A fragment was sent for the first time, as the next TSN. Not when {@link isFull}. */
  add(
    message: OutgoingMessage,
    offset: number,
    length: number,
    fsn: number,
    packet: number,
    now: Millis,
  ): void {
    const slot = this.#take(message, offset, length, fsn);
    this.#states[slot] = State.inFlight;
    this.#sends[slot] = 1;
    this.#packets[slot] = packet;
    this.#sentAt[slot] = now;
    this.flightBytes += this.#wireBytes(slot);
    this.#appendFlight(slot);
  }

  /** Takes a TSN for the end of a message that was given up before it was wholly sent, so that the peer can be told. */
  addAbandoned(message: OutgoingMessage): void {
    const slot = this.#take(message, message.bytes.length, 0, message.nextFsn);
    this.#states[slot] = State.abandoned;
  }

  /**
   * Takes a SACK.
   *
   * @returns undefined for one that is older than what is known, or that acknowledges what was never sent.
   */
  handleSack(sack: SackView, now: Millis): SackOutcome | undefined {
    const advance = distance32(sack.cumulativeTsnAck, this.cumulativeTsnAck);
    // RFC 9260 §6.2.1 D i: an older SACK arrived late.
    if (advance < 0 || distance32(sack.cumulativeTsnAck, this.#nextTsn) >= 0) return undefined;
    const outcome = this.#outcome;
    outcome.ackedBytes = 0;
    outcome.isAdvanced = advance > 0;
    outcome.rttMs = -1;
    this.#newestPacket = -1;
    for (let i = 0; i < advance; i++) this.#ackFirst();
    this.#handleGaps(sack, advance);
    if (sack.duplicateCount > 0 && this.#reorderingSteps < MAX_REORDERING_STEPS) {
      // RFC 8985 §6.2: something was repeated for nothing, so allow for more reordering.
      this.#reorderingSteps++;
    }
    this.#measure(now);
    if (distance32(this.#advancedAckPoint, this.#firstTsn) < -1) {
      this.#advancedAckPoint = this.cumulativeTsnAck;
    }
    return outcome;
  }

  /**
   * Declares lost what was sent long enough before something that has been acknowledged (RFC 8985 §6.2).
   *
   * @returns the bytes lost.
   */
  detectLosses(now: Millis): number {
    this.#lossAt = Number.POSITIVE_INFINITY;
    let lostBytes = 0;
    const { smoothedMs, latestMs, minimumMs } = this.#roundTrip;
    const rttMs = Math.max(smoothedMs ?? 0, latestMs);
    const shareMs = minimumMs * REORDERING_SHARE * this.#reorderingSteps;
    const windowMs = rttMs + Math.min(shareMs, smoothedMs ?? 0);
    while (this.#flightHead !== NONE) {
      const slot = this.#flightHead;
      const behind = this.#largestAckedPacket - this.#packets[slot]!;
      if (behind <= 0) break;
      const dueAt = this.#sentAt[slot]! + windowMs;
      if (dueAt > now && (this.#hasSeenReordering || behind < PACKET_THRESHOLD)) {
        this.#lossAt = dueAt;
        break;
      }
      lostBytes += this.#wireBytes(slot);
      this.newestLostPacket = Math.max(this.newestLostPacket, this.#packets[slot]!);
      this.#lose(slot, now);
    }
    return lostBytes;
  }

  /** The retransmission timer has run out: nothing in flight is believed to arrive (RFC 9260 §6.3.3). */
  loseAll(now: Millis, forgetGaps: boolean): void {
    while (this.#flightHead !== NONE) this.#lose(this.#flightHead, now);
    this.#lossAt = Number.POSITIVE_INFINITY;
    if (!forgetGaps) return;
    // RFC 9260 §6.2.1 D iii: what was acknowledged above the cumulative TSN may have been dropped by the peer.
    this.#gapCount = 0;
    this.#scanned = this.#advancedAckPoint;
    for (let tsn = this.#firstTsn; tsn !== this.#nextTsn; tsn = add32(tsn, 1)) {
      const slot = this.#slot(tsn);
      if (this.#states[slot] !== State.acked) continue;
      this.#states[slot] = State.lost;
      this.#appendLost(slot);
    }
  }

  /** The oldest lost chunk that is still worth sending, or undefined. Gives up those that are not. */
  peekLost(): number | undefined {
    while (this.#lostHead !== NONE) {
      const slot = this.#lostHead;
      if (!this.#messages[slot]!.isAbandoned) return slot;
      this.#unlinkLost(slot);
      this.#states[slot] = State.abandoned;
    }
    return undefined;
  }

  /** The chunk in flight that was sent last, to probe with, or undefined. */
  peekLastInFlight(): number | undefined {
    return this.#flightTail === NONE ? undefined : this.#flightTail;
  }

  /** A chunk was sent again. */
  resend(slot: number, packet: number, now: Millis): void {
    if (this.#states[slot] === State.lost) {
      this.#unlinkLost(slot);
      this.#states[slot] = State.inFlight;
      this.flightBytes += this.#wireBytes(slot);
    } else this.#unlinkFlight(slot);
    this.#sends[slot]!++;
    this.#packets[slot] = packet;
    this.#sentAt[slot] = now;
    this.#appendFlight(slot);
  }

  messageAt(slot: number): OutgoingMessage {
    return this.#messages[slot]!;
  }

  offsetAt(slot: number): number {
    return this.#offsets[slot]!;
  }

  lengthAt(slot: number): number {
    return this.#lengths[slot]!;
  }

  fsnAt(slot: number): number {
    return this.#fsns[slot]!;
  }

  tsnAt(slot: number): number {
    const mask = this.#capacity - 1;
    return add32(this.#firstTsn, (slot - this.#slot(this.#firstTsn)) & mask);
  }

  /** Gives a message up; the caller sees to its end having a TSN. */
  abandon(message: OutgoingMessage): void {
    if (message.isAbandoned) return;
    message.isAbandoned = true;
    this.abandonedMessages++;
  }

  /**
   * Moves the ack point over what was given up (RFC 3758 §3.5 C2), and over what the peer has in between: stopping there
   * would take a round trip for each message that is given up.
   */
  advanceAckPoint(): void {
    if (distance32(this.#scanned, this.#advancedAckPoint) < 0) this.#scanned = this.#advancedAckPoint;
    for (;;) {
      const tsn = add32(this.#scanned, 1);
      if (distance32(tsn, this.#nextTsn) >= 0) return;
      const slot = this.#slot(tsn);
      const message = this.#messages[slot];
      if (message === undefined) return;
      if (message.isAbandoned) {
        if (!this.#onSkipped(message)) return;
        this.#advancedAckPoint = tsn;
      } else if (this.#states[slot] !== State.acked) return;
      this.#scanned = tsn;
    }
  }

  #take(message: OutgoingMessage, offset: number, length: number, fsn: number): number {
    if (distance32(this.#nextTsn, this.#firstTsn) >= this.#capacity) this.#grow();
    const slot = this.#slot(this.#nextTsn);
    this.#nextTsn = add32(this.#nextTsn, 1);
    this.#messages[slot] = message;
    this.#offsets[slot] = offset;
    this.#lengths[slot] = length;
    this.#fsns[slot] = fsn;
    return slot;
  }

  #slot(tsn: number): number {
    return tsn & (this.#capacity - 1);
  }

  #wireBytes(slot: number): number {
    return this.#headerBytes + paddedLength(this.#lengths[slot]!);
  }

  #ackFirst(): void {
    const slot = this.#slot(this.#firstTsn);
    this.#ack(slot);
    this.#states[slot] = State.free;
    this.#messages[slot] = undefined;
    this.#firstTsn = add32(this.#firstTsn, 1);
  }

  #ack(slot: number): void {
    const state = this.#states[slot];
    if (state === State.inFlight) {
      this.#unlinkFlight(slot);
      this.flightBytes -= this.#wireBytes(slot);
    } else if (state === State.lost) {
      this.#unlinkLost(slot);
      // It was not lost, only late.
      if (this.#sends[slot] === 1) this.#noteReordering();
    } else return;
    this.#states[slot] = State.acked;
    // What the peer was told to forget says nothing about the path.
    if (this.#messages[slot]!.isAbandoned) return;
    this.#outcome.ackedBytes += this.#wireBytes(slot);
    const packet = this.#packets[slot]!;
    const isRepeated = this.#sends[slot]! > 1;
    if (packet < this.#largestAckedPacket && !isRepeated && state === State.inFlight) {
      this.#hasSeenReordering = true;
    }
    if (packet > this.#newestPacket) {
      this.#newestPacket = packet;
      this.#newestSentAt = this.#sentAt[slot]!;
      this.#newestIsAmbiguous = isRepeated;
    }
  }

  #noteReordering(): void {
    this.#hasSeenReordering = true;
    if (this.#reorderingSteps < MAX_REORDERING_STEPS) this.#reorderingSteps++;
  }

  /** Acknowledges what the gap blocks of this SACK have beyond those of the last. */
  #handleGaps(sack: SackView, advance: number): void {
    const sent = distance32(this.#nextTsn, this.#firstTsn);
    let known = 0;
    let end = 0;
    let count = 0;
    const knownCount = this.#gapCount;
    const starts = this.#gapStarts;
    const ends = this.#gapEnds;
    if (this.#spareStarts.length < sack.gapCount) {
      this.#spareStarts = new Int32Array(sack.gapCount * 2);
      this.#spareEnds = new Int32Array(sack.gapCount * 2);
    }
    for (let i = 0; i < sack.gapCount; i++) {
      const blockStart = sack.gapStart(i);
      const blockEnd = sack.gapEnd(i);
      // RFC 9260 §3.3.4: blocks ascend and are apart; and what was never sent cannot have come.
      if (blockStart <= end || blockEnd < blockStart || blockEnd > sent) break;
      end = blockEnd;
      this.#spareStarts[count] = blockStart;
      this.#spareEnds[count] = blockEnd;
      count++;
      let cursor = blockStart;
      while (cursor <= blockEnd) {
        while (known < knownCount && ends[known]! - advance < cursor) known++;
        const knownStart = known < knownCount ? starts[known]! - advance : Number.POSITIVE_INFINITY;
        if (knownStart <= cursor) {
          cursor = ends[known]! - advance + 1;
          continue;
        }
        const last = Math.min(blockEnd, knownStart - 1);
        // Offset 1 is the first TSN that is not acknowledged.
        for (; cursor <= last; cursor++) this.#ack(this.#slot(add32(this.#firstTsn, cursor - 1)));
      }
    }
    this.#gapCount = count;
    this.#gapStarts = this.#spareStarts;
    this.#gapEnds = this.#spareEnds;
    this.#spareStarts = starts;
    this.#spareEnds = ends;
  }

  /** Learns from the newest packet that was acknowledged. */
  #measure(now: Millis): void {
    if (this.#newestPacket < 0) return;
    const rttMs = now - this.#newestSentAt;
    // RFC 8985 §6.2: a repetition acknowledged too soon was the original, which says nothing about the repetition.
    if (this.#newestIsAmbiguous && rttMs < this.#roundTrip.minimumMs) return;
    if (this.#newestPacket > this.#largestAckedPacket) this.#largestAckedPacket = this.#newestPacket;
    // RFC 9260 §6.3.1 C5: no round trip is measured with what was repeated.
    if (!this.#newestIsAmbiguous) this.#outcome.rttMs = rttMs;
  }

  #lose(slot: number, now: Millis): void {
    this.#unlinkFlight(slot);
    this.flightBytes -= this.#wireBytes(slot);
    const message = this.#messages[slot]!;
    // RFC 3758 §4.1, RFC 8831 §6.6: not repeated too often, nor too late.
    if (this.#sends[slot]! > message.maxRetransmits || message.expiresAt <= now) this.abandon(message);
    if (message.isAbandoned) {
      this.#states[slot] = State.abandoned;
      return;
    }
    this.#states[slot] = State.lost;
    this.#appendLost(slot);
  }

  #appendFlight(slot: number): void {
    this.#previous[slot] = this.#flightTail;
    this.#next[slot] = NONE;
    if (this.#flightTail === NONE) this.#flightHead = slot;
    else this.#next[this.#flightTail] = slot;
    this.#flightTail = slot;
  }

  #unlinkFlight(slot: number): void {
    const previous = this.#previous[slot]!;
    const next = this.#next[slot]!;
    if (previous === NONE) this.#flightHead = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#flightTail = previous;
    else this.#previous[next] = previous;
  }

  #appendLost(slot: number): void {
    this.#previous[slot] = this.#lostTail;
    this.#next[slot] = NONE;
    if (this.#lostTail === NONE) this.#lostHead = slot;
    else this.#next[this.#lostTail] = slot;
    this.#lostTail = slot;
  }

  #unlinkLost(slot: number): void {
    const previous = this.#previous[slot]!;
    const next = this.#next[slot]!;
    if (previous === NONE) this.#lostHead = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#lostTail = previous;
    else this.#previous[next] = previous;
  }

  /** Doubles the ring. Slots change, so the lists are made again. */
  #grow(): void {
    const old = { head: this.#flightHead, lost: this.#lostHead, mask: this.#capacity - 1, next: this.#next };
    const capacity = this.#capacity * 2;
    const firstTsn = this.#firstTsn;
    const count = distance32(this.#nextTsn, firstTsn);
    const moved = <T extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(from: T, to: T): T => {
      for (let i = 0; i < count; i++) {
        const tsn = add32(firstTsn, i);
        to[tsn & (capacity - 1)] = from[tsn & old.mask]!;
      }
      return to;
    };
    const messages: (OutgoingMessage | undefined)[] = new Array(capacity).fill(undefined);
    for (let i = 0; i < count; i++) {
      const tsn = add32(firstTsn, i);
      messages[tsn & (capacity - 1)] = this.#messages[tsn & old.mask];
    }
    this.#messages = messages;
    this.#states = moved(this.#states, new Uint8Array(capacity));
    this.#offsets = moved(this.#offsets, new Float64Array(capacity));
    this.#lengths = moved(this.#lengths, new Uint16Array(capacity));
    this.#fsns = moved(this.#fsns, new Uint32Array(capacity));
    this.#sentAt = moved(this.#sentAt, new Float64Array(capacity));
    this.#packets = moved(this.#packets, new Float64Array(capacity));
    this.#sends = moved(this.#sends, new Uint32Array(capacity));
    this.#next = new Int32Array(capacity).fill(NONE);
    this.#previous = new Int32Array(capacity).fill(NONE);
    this.#capacity = capacity;
    this.#flightHead = NONE;
    this.#flightTail = NONE;
    this.#lostHead = NONE;
    this.#lostTail = NONE;
    const place = (slot: number): number =>
      add32(firstTsn, (slot - (firstTsn & old.mask)) & old.mask) & (capacity - 1);
    for (let slot = old.head; slot !== NONE; slot = old.next[slot]!) this.#appendFlight(place(slot));
    for (let slot = old.lost; slot !== NONE; slot = old.next[slot]!) this.#appendLost(place(slot));
  }
}
