import type { Millis } from "../../sansio/index.ts";

/** RFC 9438 §4.6: what remains of the window after congestion. */
const REDUCTION = 0.7;
/** What remains at most: less than what a short queue adds to the window, so that it drains. */
const MILD_REDUCTION = 0.85;
/** RFC 9438 §5: how fast the window returns, in packets a second cubed. */
const CUBIC_SCALE = 0.4;
/** RFC 9438 §4.3: growth that is as friendly as halving is. */
const FRIENDLY_GROWTH = (3 * (1 - REDUCTION)) / (1 + REDUCTION);

/** RFC 9406 §4.3, with a higher floor: timers and event loops are late by some milliseconds without any queue. */
const MIN_QUEUE_MS = 8;
const MAX_QUEUE_MS = 16;
const QUEUE_SHARE = 1 / 8;
/** RFC 9406 §4.2: samples of a round before it is judged, and rounds of slower growth. */
const ROUND_SAMPLES = 8;
const CONSERVATIVE_ROUNDS = 5;
const CONSERVATIVE_GROWTH = 1 / 4;

/**
 * Growth for each round trip while the path shows no queue, times the square root of the window in packets: quick for
 * large windows, and quicker in proportion for small ones, so that flows that share a path come to share it evenly.
 */
const FREE_GROWTH = 1;

/**
 * Losses without a queue are held for noise of the medium up to this share of a round, and up to this many packets; or up to
 * twice what is lost all the time, however little is sent. A bottleneck that drops more is full, however short its queue.
 */
const NOISE_SHARE = 0.05;
const NOISE_PACKETS = 5;
const NOISE_MULTIPLE = 2;
const MAX_NOISE_SHARE = 0.3;
/** How fast the estimate of what is lost all the time follows. */
const NOISE_GAIN = 1 / 8;

/** RFC 9260 §7.2.3: the window after congestion is never less than so many packets. */
const MIN_WINDOW_PACKETS = 4;
/** Bytes in flight beyond which no path this is for gets faster. */
const MAX_WINDOW_BYTES = 67_108_864;

/** What an acknowledgement says to congestion control. */
export interface Acknowledgement {
  readonly ackedBytes: number;
  /** −1 when it could not be measured. */
  readonly rttMs: Millis;
  readonly minimumRttMs: Millis;
  /** The newest packet acknowledged so far. */
  readonly largestPacket: number;
  /** The packet that will be sent next. */
  readonly nextPacket: number;
  /** In flight after it. */
  readonly flightBytes: number;
  /** Whether it was the window that kept us from sending more. */
  readonly isWindowLimited: boolean;
  /** The bytes that were found lost with it. */
  readonly lostBytes: number;
  /** The newest packet of which something was found lost so far. */
  readonly newestLostPacket: number;
}

/**
 * How much may be in flight. Slow start that ends when a queue builds up (RFC 9406), growth by RFC 9438 after that, and a
 * reduction paced over a round trip (RFC 6937).
 *
 * Departing from RFC 9260 §7.2, a loss is taken for congestion only if the round trip shows a queue or if much is lost at once:
 * on radio links packets are lost without congestion, and halving the window for each would leave most of the path unused.
 */
export class CongestionControl {
  #packetBytes: number;
  readonly #initialBytes: number;
  #windowBytes: number;
  #threshold = Number.POSITIVE_INFINITY;
  // The current round.
  #roundEnd = 0;
  #roundMinimumMs = Number.POSITIVE_INFINITY;
  #previousMinimumMs = Number.POSITIVE_INFINITY;
  #roundSamples = 0;
  #roundAcked = 0;
  #roundLost = 0;
  /** Share of what is sent that is lost without a queue. */
  #noiseShare = 0;
  #previousAcked = 0;
  #previousLost = 0;
  /** The least of the last three round-trip times: one that a delayed SACK made long does not count. */
  #recentMs = 0;
  #lastMs = Number.POSITIVE_INFINITY;
  #lastButOneMs = Number.POSITIVE_INFINITY;
  #minimumMs = Number.POSITIVE_INFINITY;
  // Conservative slow start.
  #conservativeRounds = 0;
  #conservativeBaseMs = Number.POSITIVE_INFINITY;
  // Recovery.
  #recoveryEnd = -1;
  /** The first packet sent after the last reduction. */
  #reducedAt = 0;
  #recoveryFlight = 0;
  #recoveryDelivered = 0;
  #recoverySent = 0;
  // CUBIC.
  #maximum = 0;
  #epochAt: Millis | undefined;
  #friendly = 0;
  #periodMs = 0;
  /** To return to, when a timeout turns out to have been wrong. */
  #beforeTimeout: { windowBytes: number; threshold: number } | undefined;
  /** Reductions so far. */
  reductions = 0;

  /** @param initialPackets - The first window (RFC 6928: 10). */
  constructor(packetBytes: number, initialPackets: number) {
    this.#packetBytes = packetBytes;
    this.#initialBytes = packetBytes * initialPackets;
    this.#windowBytes = this.#initialBytes;
  }

  get windowBytes(): number {
    return this.#windowBytes;
  }

  get thresholdBytes(): number {
    return this.#threshold;
  }

  get isInRecovery(): boolean {
    return this.#recoveryEnd >= 0;
  }

  /** The size of packets has changed. */
  setPacketBytes(packetBytes: number): void {
    this.#packetBytes = packetBytes;
  }

  /** `bytes` were sent. */
  handleSent(bytes: number): void {
    if (this.#recoveryEnd >= 0) this.#recoverySent += bytes;
  }

  handleAck(ack: Acknowledgement, now: Millis): void {
    this.#minimumMs = ack.minimumRttMs;
    this.#updateRound(ack);
    if (this.#recoveryEnd >= 0 && ack.largestPacket >= this.#recoveryEnd) this.#endRecovery();
    // RFC 9260 §7.2.4: once for each flight. What was sent before the last reduction is paid for.
    const isNewLoss = ack.lostBytes > 0 && ack.newestLostPacket >= this.#reducedAt;
    if (this.#recoveryEnd < 0 && isNewLoss && this.#isCongestion()) this.#reduce(ack);
    if (this.#recoveryEnd >= 0) {
      this.#recover(ack);
      return;
    }
    if (!ack.isWindowLimited) {
      this.#epochAt = undefined;
      return;
    }
    if (this.#windowBytes < this.#threshold) this.#growFast(ack.ackedBytes);
    else this.#growSlowly(ack.ackedBytes, now);
    this.#windowBytes = Math.min(this.#windowBytes, MAX_WINDOW_BYTES);
  }

  /** The retransmission timer has run out (RFC 9260 §7.2.3). */
  handleTimeout(flightBytes: number): void {
    this.#beforeTimeout ??= { windowBytes: this.#windowBytes, threshold: this.#threshold };
    this.#maximum = this.#windowBytes;
    this.#threshold = Math.max(Math.min(this.#windowBytes, flightBytes) / 2, this.#floor);
    this.#windowBytes = this.#packetBytes;
    this.#recoveryEnd = -1;
    this.#epochAt = undefined;
    this.reductions++;
  }

  /** What the timer took for lost has arrived: the timer was wrong, not the path. */
  undoTimeout(): void {
    if (this.#beforeTimeout === undefined) return;
    this.#windowBytes = Math.max(this.#windowBytes, this.#beforeTimeout.windowBytes);
    this.#threshold = this.#beforeTimeout.threshold;
    this.#beforeTimeout = undefined;
  }

  /** What was sent after a timeout has been acknowledged: it was right. */
  confirmTimeout(): void {
    this.#beforeTimeout = undefined;
  }

  /** Nothing was sent for `idleMs`: what was learned of the path fades (RFC 9260 §7.2.1). */
  handleIdle(idleMs: Millis, rtoMs: Millis): void {
    for (let left = idleMs; left >= rtoMs && this.#windowBytes > this.#initialBytes; left -= rtoMs) {
      this.#windowBytes = Math.max(this.#windowBytes / 2, this.#initialBytes);
    }
  }

  /** The path is another: start again. */
  reset(): void {
    this.#windowBytes = this.#initialBytes;
    this.#threshold = Number.POSITIVE_INFINITY;
    this.#recoveryEnd = -1;
    this.#epochAt = undefined;
    this.#conservativeRounds = 0;
    this.#recentMs = 0;
    this.#beforeTimeout = undefined;
  }

  get #floor(): number {
    return MIN_WINDOW_PACKETS * this.#packetBytes;
  }

  /** How much longer than the shortest a round trip may be without there being a queue. */
  get #queueMs(): Millis {
    return Math.min(MAX_QUEUE_MS, Math.max(MIN_QUEUE_MS, this.#minimumMs * QUEUE_SHARE));
  }

  get #hasQueue(): boolean {
    return this.#recentMs > this.#minimumMs + this.#queueMs;
  }

  #updateRound(ack: Acknowledgement): void {
    this.#roundAcked += ack.ackedBytes;
    this.#roundLost += ack.lostBytes;
    if (ack.rttMs >= 0) {
      this.#roundSamples++;
      if (ack.rttMs < this.#roundMinimumMs) this.#roundMinimumMs = ack.rttMs;
      this.#recentMs = Math.min(ack.rttMs, this.#lastMs, this.#lastButOneMs);
      this.#lastButOneMs = this.#lastMs;
      this.#lastMs = ack.rttMs;
    }
    if (ack.largestPacket < this.#roundEnd) return;
    this.#endConservativeRound();
    const total = this.#roundAcked + this.#roundLost;
    if (total > 0 && !this.#hasQueue) {
      this.#noiseShare += NOISE_GAIN * (this.#roundLost / total - this.#noiseShare);
    }
    this.#roundEnd = ack.nextPacket;
    this.#previousMinimumMs = this.#roundMinimumMs;
    this.#roundMinimumMs = Number.POSITIVE_INFINITY;
    this.#roundSamples = 0;
    this.#previousAcked = this.#roundAcked;
    this.#previousLost = this.#roundLost;
    this.#roundAcked = 0;
    this.#roundLost = 0;
  }

  #isCongestion(): boolean {
    if (this.#hasQueue) return true;
    const lost = this.#roundLost + this.#previousLost;
    const total = lost + this.#roundAcked + this.#previousAcked;
    const share = Math.min(Math.max(NOISE_SHARE, this.#noiseShare * NOISE_MULTIPLE), MAX_NOISE_SHARE);
    return lost > NOISE_PACKETS * this.#packetBytes && lost > share * total;
  }

  #reduce(ack: Acknowledgement): void {
    this.reductions++;
    const before = this.#windowBytes;
    // RFC 9438 §4.7: a window that stays below its last maximum gives room to newcomers.
    this.#maximum = before < this.#maximum ? (before * (1 + REDUCTION)) / 2 : before;
    // What fits the path without a queue, if that is known to be more.
    const unqueued = this.#recentMs > 0 ? this.#minimumMs / this.#recentMs : 0;
    const rest = Math.min(MILD_REDUCTION, Math.max(REDUCTION, unqueued));
    this.#threshold = Math.max(before * rest, this.#floor);
    this.#epochAt = undefined;
    this.#conservativeRounds = 0;
    this.#recoveryEnd = ack.nextPacket;
    this.#reducedAt = ack.nextPacket;
    this.#recoveryFlight = Math.max(ack.flightBytes + ack.lostBytes + ack.ackedBytes, this.#packetBytes);
    this.#recoveryDelivered = 0;
    this.#recoverySent = 0;
    this.#previousLost = 0;
  }

  /** RFC 6937 §3: the reduction is spread over the round trip, so that acknowledgements keep coming. */
  #recover(ack: Acknowledgement): void {
    this.#recoveryDelivered += ack.ackedBytes;
    let allowed: number;
    if (ack.flightBytes > this.#threshold) {
      const share = (this.#recoveryDelivered * this.#threshold) / this.#recoveryFlight;
      allowed = Math.ceil(share) - this.#recoverySent;
    } else {
      const owed = Math.max(this.#recoveryDelivered - this.#recoverySent, ack.ackedBytes) + this.#packetBytes;
      allowed = Math.min(this.#threshold - ack.flightBytes, owed);
    }
    this.#windowBytes = ack.flightBytes + Math.max(allowed, 0);
  }

  #endRecovery(): void {
    this.#recoveryEnd = -1;
    this.#windowBytes = this.#threshold;
  }

  #growFast(ackedBytes: number): void {
    const isConservative = this.#conservativeRounds > 0;
    this.#windowBytes += isConservative ? ackedBytes * CONSERVATIVE_GROWTH : ackedBytes;
    if (isConservative || this.#roundSamples < ROUND_SAMPLES) return;
    if (this.#roundMinimumMs < this.#minimumMs + this.#queueMs) return;
    // RFC 9406 §4.2: a queue builds up; grow more slowly until it is certain.
    this.#conservativeRounds = 1;
    this.#conservativeBaseMs = this.#roundMinimumMs;
  }

  #endConservativeRound(): void {
    if (this.#conservativeRounds === 0 || this.#roundSamples < ROUND_SAMPLES) return;
    if (this.#roundMinimumMs < this.#conservativeBaseMs) {
      this.#conservativeRounds = 0;
      return;
    }
    this.#conservativeRounds++;
    if (this.#conservativeRounds <= CONSERVATIVE_ROUNDS) return;
    this.#conservativeRounds = 0;
    this.#threshold = this.#windowBytes;
  }

  /** RFC 9438 §4.2, §4.3. */
  #growSlowly(ackedBytes: number, now: Millis): void {
    const packet = this.#packetBytes;
    if (this.#epochAt === undefined) {
      this.#epochAt = now;
      this.#friendly = this.#windowBytes;
      if (this.#maximum < this.#windowBytes) this.#maximum = this.#windowBytes;
      this.#periodMs = Math.cbrt((this.#maximum - this.#windowBytes) / packet / CUBIC_SCALE) * 1000;
    }
    const seconds = (now - this.#epochAt + this.#minimumMs - this.#periodMs) / 1000;
    const cubic = CUBIC_SCALE * seconds ** 3 * packet + this.#maximum;
    const growth = this.#friendly < this.#maximum ? FRIENDLY_GROWTH : 1;
    this.#friendly += (growth * ackedBytes * packet) / this.#windowBytes;
    const target = Math.min(Math.max(cubic, this.#windowBytes), this.#windowBytes * 1.5);
    const grown = this.#windowBytes + ((target - this.#windowBytes) * ackedBytes) / this.#windowBytes;
    // Without a queue the path has room, and a long way back would leave it empty.
    const isPathFree = this.#previousMinimumMs < this.#minimumMs + this.#queueMs / 2;
    const perRound = FREE_GROWTH * Math.sqrt(this.#windowBytes / packet) * packet;
    const floor = isPathFree ? this.#windowBytes + (ackedBytes * perRound) / this.#windowBytes : 0;
    this.#windowBytes = Math.max(grown, this.#friendly, floor);
  }
}
