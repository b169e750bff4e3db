import type { Millis } from "../sansio/index.ts";

/** RFC 8899 §5.1.2: attempts for one size. */
const MAX_PROBES = 3;
/** RFC 8899 §5.1.1: PMTU_RAISE_TIMER, after which larger sizes are tried again. */
const RAISE_MS = 600_000;
/** Sizes are told apart down to this. */
const RESOLUTION_BYTES = 32;
/** Packets of the full size that were sent before it is worth asking for more: about a quarter of a megabyte. */
const FULL_PACKETS_BEFORE_SEARCH = 200;

/**
 * Finds the largest packet that the path carries (RFC 8899): the largest first, since most paths carry it, then by halves.
 * It searches only while full packets are being sent.
 */
export class PathMtu {
  readonly #baseBytes: number;
  readonly #maxBytes: number;
  #packetBytes: number;
  /** The smallest size known, or believed, not to pass. */
  #tooLarge: number;
  #candidate: number;
  #probes = 0;
  #fullPackets = 0;
  #searchAt: Millis = 0;
  #isProbing = false;

  constructor(baseBytes: number, maxBytes: number) {
    this.#baseBytes = baseBytes;
    this.#maxBytes = maxBytes & ~3;
    this.#packetBytes = baseBytes;
    this.#tooLarge = this.#maxBytes + 4;
    this.#candidate = this.#maxBytes;
  }

  /** What packets may measure. */
  get packetBytes(): number {
    return this.#packetBytes;
  }

  /** A packet of the full size was sent. */
  noteFullPacket(): void {
    this.#fullPackets++;
  }

  /** The size to probe now, or undefined. The owner sends it and answers with {@link handleResult}. */
  takeProbe(now: Millis): number | undefined {
    if (this.#isProbing || now < this.#searchAt || this.#fullPackets < FULL_PACKETS_BEFORE_SEARCH)
      return undefined;
    if (this.#candidate <= this.#packetBytes) return undefined;
    this.#isProbing = true;
    this.#probes++;
    return this.#candidate;
  }

  /** A probe came through, or its time is up. True when packets may now be larger. */
  handleResult(hasPassed: boolean, now: Millis): boolean {
    this.#isProbing = false;
    if (!hasPassed && this.#probes < MAX_PROBES) return false;
    this.#probes = 0;
    if (hasPassed) this.#packetBytes = this.#candidate;
    else this.#tooLarge = this.#candidate;
    this.#candidate = (this.#packetBytes + (this.#tooLarge - this.#packetBytes) / 2) & ~3;
    if (this.#candidate - this.#packetBytes < RESOLUTION_BYTES) {
      this.#candidate = this.#maxBytes;
      this.#tooLarge = this.#maxBytes + 4;
      this.#searchAt = now + RAISE_MS;
    }
    return hasPassed;
  }

  /** RFC 8899 §4.3: large packets vanish, or the path is another. True when packets have to be smaller. */
  fallBack(now: Millis, retryAfterMs: Millis = RAISE_MS): boolean {
    this.#tooLarge = this.#maxBytes + 4;
    this.#candidate = this.#maxBytes;
    this.#probes = 0;
    this.#fullPackets = 0;
    this.#isProbing = false;
    this.#searchAt = now + retryAfterMs;
    const hasChanged = this.#packetBytes !== this.#baseBytes;
    this.#packetBytes = this.#baseBytes;
    return hasChanged;
  }
}
