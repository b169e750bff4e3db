import { crc32, writeUint16, writeUint32 } from "../bytes/index.ts";
import type { Hmac } from "../crypto/index.ts";
import type { StunAttribute } from "./attribute/attribute.ts";
import {
  ATTRIBUTE_HEADER_BYTES,
  paddedLength,
  STUN_HEADER_BYTES,
  STUN_MAGIC_COOKIE,
  TRANSACTION_ID_BYTES,
  TRANSACTION_ID_OFFSET,
} from "./header.ts";
import {
  FINGERPRINT_BYTES,
  FINGERPRINT_TYPE,
  FINGERPRINT_XOR,
  MESSAGE_INTEGRITY_SHA256_TYPE,
  MESSAGE_INTEGRITY_TYPE,
} from "./integrity.ts";
import { encodeMessageType, type StunClass } from "./message-type.ts";

/** A datagram that crosses any path without fragmentation leaves this much for STUN. */
const DEFAULT_CAPACITY_BYTES = 1280;

/** The length field has 16 bits, the lowest two of them 0 (RFC 8489 §5). */
const MAX_MESSAGE_BYTES = STUN_HEADER_BYTES + 0xfffc;

/**
 * Writes a message from front to back into one buffer: header, attributes, and at the end what covers them.
 * It can be used again for message after message.
 *
 * @example
 * const bytes = new StunMessageBuilder()
 *   .start("request", StunMethod.binding, randomBytes(random, 12))
 *   .add(USERNAME, "remote:local")
 *   .addIntegrity(key)
 *   .addFingerprint()
 *   .finish();
 */
export class StunMessageBuilder {
  #target: Uint8Array;
  #start = 0;
  #end = 0;

  /** @param target - Where messages are written to; lent to the builder as long as it is used. */
  constructor(target: Uint8Array = new Uint8Array(DEFAULT_CAPACITY_BYTES)) {
    this.#target = target;
  }

  /** Goes on in other memory, for example in a packet slot, from `offset` on. */
  useTarget(target: Uint8Array, offset = 0): this {
    this.#target = target;
    this.#start = offset;
    this.#end = offset;
    return this;
  }

  /**
   * Begins a message.
   *
   * @param transactionId - Memory that holds its 12 bytes at `idOffset`; copied.
   */
  start(messageClass: StunClass, method: number, transactionId: Uint8Array, idOffset = 0): this {
    if (transactionId.length - idOffset < TRANSACTION_ID_BYTES) {
      throw new RangeError(`a STUN transaction id has 12 bytes, got ${transactionId.length - idOffset}`);
    }
    this.#end = this.#start;
    this.#reserve(STUN_HEADER_BYTES);
    const target = this.#target;
    writeUint16(target, this.#start, encodeMessageType(messageClass, method));
    writeUint32(target, this.#start + 4, STUN_MAGIC_COOKIE);
    for (let i = 0; i < TRANSACTION_ID_BYTES; i++) {
      target[this.#start + TRANSACTION_ID_OFFSET + i] = transactionId[idOffset + i]!;
    }
    this.#end = this.#start + STUN_HEADER_BYTES;
    this.#writeLength(this.#end);
    return this;
  }

  /**
   * Adds an attribute. Padding is zero, so that no memory leaks onto the wire.
   *
   * @throws {RangeError} when the buffer, or the 16-bit length field, is too small for it.
   */
  add<T>(attribute: StunAttribute<T>, value: T): this {
    const size = attribute.size(value);
    const offset = this.#addHeader(attribute.type, size);
    attribute.encode(value, this.#target, offset, this.#start);
    return this;
  }

  /** Adds MESSAGE-INTEGRITY with an HMAC-SHA1 key (RFC 8489 §14.5). */
  addIntegrity(key: Hmac): this {
    return this.#addMac(MESSAGE_INTEGRITY_TYPE, key);
  }

  /** Adds MESSAGE-INTEGRITY-SHA256 with an HMAC-SHA256 key (RFC 8489 §14.6). */
  addIntegritySha256(key: Hmac): this {
    return this.#addMac(MESSAGE_INTEGRITY_SHA256_TYPE, key);
  }

  /** Adds FINGERPRINT, the last attribute of all (RFC 8489 §14.7). */
  addFingerprint(): this {
    const end = this.#end;
    const offset = this.#addHeader(FINGERPRINT_TYPE, FINGERPRINT_BYTES);
    writeUint32(this.#target, offset, crc32(this.#target, this.#start, end) ^ FINGERPRINT_XOR);
    return this;
  }

  /** The message so far: a view of the buffer, good until the next {@link start}. `slice()` it to keep it. */
  finish(): Uint8Array {
    return this.#target.subarray(this.#start, this.#end);
  }

  /** Where the message ends in the buffer, for those who hold the buffer. */
  get end(): number {
    return this.#end;
  }

  #addMac(type: number, key: Hmac): this {
    const end = this.#end;
    const offset = this.#addHeader(type, key.size);
    key.compute(this.#target, this.#start, end, this.#target, offset);
    return this;
  }

  /** Appends an attribute header and returns where its value belongs. The padding is cleared. */
  #addHeader(type: number, size: number): number {
    const padded = paddedLength(size);
    this.#reserve(ATTRIBUTE_HEADER_BYTES + padded);
    writeUint16(this.#target, this.#end, type);
    writeUint16(this.#target, this.#end + 2, size);
    const offset = this.#end + ATTRIBUTE_HEADER_BYTES;
    this.#end = offset + padded;
    for (let i = offset + size; i < this.#end; i++) this.#target[i] = 0;
    this.#writeLength(this.#end);
    return offset;
  }

  #writeLength(end: number): void {
    writeUint16(this.#target, this.#start + 2, end - this.#start - STUN_HEADER_BYTES);
  }

  #reserve(bytes: number): void {
    const capacity = Math.min(this.#target.length - this.#start, MAX_MESSAGE_BYTES);
    if (this.#end + bytes - this.#start <= capacity) return;
    throw new RangeError(
      `the STUN message needs ${this.#end + bytes - this.#start} bytes and the buffer has ${capacity}; give the builder a larger one`,
    );
  }
}
