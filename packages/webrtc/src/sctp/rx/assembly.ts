/** The least that a buffer has beyond the first fragment, so that a message of a few fragments grows once. */
const GROWTH = 2;

/**
 * A message that is coming in fragments: what has come without a gap, in one buffer.
 *
 * The buffer is as large as the last message of the stream was, since messages of one stream tend to have one size: then
 * each byte is copied once and the buffer is handed over as it is. Otherwise it doubles.
 */
export class Assembly {
  readonly streamId: number;
  readonly isUnordered: boolean;
  /** SSN or MID. */
  readonly messageId: number;
  readonly ppid: number;
  readonly #expectedBytes: number;
  #buffer: Uint8Array = new Uint8Array(0);
  #length = 0;

  constructor(
    streamId: number,
    isUnordered: boolean,
    messageId: number,
    ppid: number,
    expectedBytes: number,
  ) {
    this.streamId = streamId;
    this.isUnordered = isUnordered;
    this.messageId = messageId;
    this.ppid = ppid;
    this.#expectedBytes = expectedBytes;
  }

  /** Bytes that have come without a gap. */
  get length(): number {
    return this.#length;
  }

  /** Size of the buffer. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** Size that the buffer will have with `bytes` more in it. */
  capacityWith(bytes: number): number {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return this.#buffer.length;
    return this.#length === 0 ? Math.max(needed * GROWTH, this.#expectedBytes) : needed * GROWTH;
  }

  /** Appends a copy of `bytes[start, end)`. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const capacity = this.capacityWith(end - start);
    if (capacity !== this.#buffer.length) {
      const buffer = new Uint8Array(capacity);
      buffer.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = buffer;
    }
    this.#buffer.set(bytes.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  /** The whole message, in memory of its own and of its size. */
  finish(): Uint8Array {
    return this.#length === this.#buffer.length ? this.#buffer : this.#buffer.slice(0, this.#length);
  }
}
