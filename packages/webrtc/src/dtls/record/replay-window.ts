/** Records that may overtake a record and still let it in. A burst of SCTP at 100 Mbit/s reordered by 100 ms is 1000. */
const WINDOW = 1024;
const WORDS = WINDOW / 32;

/**
 * Which sequence numbers of one epoch have been seen (RFC 9147 §4.5.1): a ring of bits up to the highest. Asked before
 * a record is opened, told after it was found authentic: what a stranger writes into a header moves nothing.
 */
export class ReplayWindow {
  #highest = -1;
  readonly #bits = new Uint32Array(WORDS);

  /** The highest authentic sequence number; −1 before the first. */
  get highest(): number {
    return this.#highest;
  }

  /** Whether `sequence` may be new: not seen, and not too old to tell. */
  isFresh(sequence: number): boolean {
    if (sequence > this.#highest) return true;
    if (sequence <= this.#highest - WINDOW) return false;
    const bit = sequence % WINDOW;
    return (this.#bits[bit >>> 5]! & (1 << (bit & 31))) === 0;
  }

  /** Notes that the record with `sequence`, which was fresh, is authentic. */
  add(sequence: number): void {
    if (sequence > this.#highest) this.#advance(sequence);
    const bit = sequence % WINDOW;
    this.#bits[bit >>> 5]! |= 1 << (bit & 31);
  }

  #advance(sequence: number): void {
    if (sequence - this.#highest >= WINDOW) this.#bits.fill(0);
    else {
      for (let skipped = this.#highest + 1; skipped <= sequence; skipped++) {
        const bit = skipped % WINDOW;
        this.#bits[bit >>> 5]! &= ~(1 << (bit & 31));
      }
    }
    this.#highest = sequence;
  }
}
