import { DtlsError } from "./errors.ts";

/** Reads the presentation language of TLS (RFC 8446 §3) from bytes it does not own. */
export class WireReader {
  readonly #bytes: Uint8Array;
  /** What is read, for the message of the error. */
  readonly #what: string;
  #offset = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  uint8(): number {
    return this.#uint(1);
  }

  uint16(): number {
    return this.#uint(2);
  }

  uint24(): number {
    return this.#uint(3);
  }

  uint32(): number {
    return this.#uint(4);
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number): Uint8Array {
    const start = this.#offset;
    if (length > this.remaining) {
      throw this.#malformed(`ends ${length - this.remaining} bytes early, at byte ${this.#bytes.length}`);
    }
    this.#offset += length;
    return this.#bytes.subarray(start, this.#offset);
  }

  /** Everything left, as a view. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** A vector whose length stands before it in 1, 2 or 3 bytes, as a view. */
  vector(lengthBytes: 1 | 2 | 3, minimum = 0): Uint8Array {
    const length = this.#uint(lengthBytes);
    if (length < minimum) throw this.#malformed(`has a vector of ${length} bytes, shorter than ${minimum}`);
    return this.bytes(length);
  }

  /** A vector of 16-bit numbers. */
  uint16List(lengthBytes: 1 | 2): number[] {
    const bytes = this.vector(lengthBytes);
    if (bytes.length % 2 !== 0) throw this.#malformed("has a list of 16-bit numbers of odd length");
    const list: number[] = [];
    for (let i = 0; i < bytes.length; i += 2) list.push((bytes[i]! << 8) | bytes[i + 1]!);
    return list;
  }

  /** @throws {DtlsError} `ERR_DTLS_MALFORMED` when something is left. */
  end(): void {
    if (this.remaining > 0) throw this.#malformed(`has ${this.remaining} bytes more than its fields`);
  }

  #uint(length: number): number {
    let value = 0;
    for (const byte of this.bytes(length)) value = value * 256 + byte;
    return value;
  }

  #malformed(text: string): DtlsError {
    return new DtlsError("ERR_DTLS_MALFORMED", "decode_error", `${this.#what} ${text}`, "RFC 8446 §6.2");
  }
}

/** Writes the presentation language of TLS to memory that grows. Off the packet path only. */
export class WireWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  uint8(value: number): this {
    return this.#uint(value, 1);
  }

  uint16(value: number): this {
    return this.#uint(value, 2);
  }

  uint24(value: number): this {
    return this.#uint(value, 3);
  }

  uint32(value: number): this {
    return this.#uint(value, 4);
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** A vector with its length before it. */
  vector(lengthBytes: 1 | 2 | 3, content: Uint8Array | ((writer: this) => void)): this {
    const start = this.#length;
    this.#uint(0, lengthBytes);
    if (typeof content === "function") content(this);
    else this.bytes(content);
    const length = this.#length - start - lengthBytes;
    if (length >= 2 ** (8 * lengthBytes)) {
      throw new RangeError(`a vector of ${length} bytes does not fit a length of ${lengthBytes} bytes`);
    }
    this.#put(start, length, lengthBytes);
    return this;
  }

  /** A vector of 16-bit numbers. */
  uint16List(lengthBytes: 1 | 2, values: readonly number[]): this {
    return this.vector(lengthBytes, () => {
      for (const value of values) this.uint16(value);
    });
  }

  /** What was written, the caller's to keep. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #uint(value: number, length: number): this {
    this.#reserve(length);
    this.#put(this.#length, value, length);
    this.#length += length;
    return this;
  }

  #put(offset: number, value: number, length: number): void {
    let rest = value;
    for (let i = length - 1; i >= 0; i--) {
      this.#bytes[offset + i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
