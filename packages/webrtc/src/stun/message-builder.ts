import { crc32, writeUint16, writeUint32 } from "../bytes/index.ts";
import type { Hmac } from "../crypto/index.ts";
import { assert } from "../sansio/index.ts";
import type { StunAttribute, StunAttributeValue } from "./attribute/attribute.ts";
import {
  ATTRIBUTE_HEADER_BYTES,
  paddedLength,
  STUN_HEADER_BYTES,
  STUN_MAGIC_COOKIE,
  TRANSACTION_ID_BYTES,
  TRANSACTION_ID_OFFSET,
} from "./header.ts";
import { FINGERPRINT_BYTES, FINGERPRINT_TYPE, FINGERPRINT_XOR, integrityType } from "./integrity.ts";
import { encodeMessageType, type StunClass } from "./message-type.ts";

/** A datagram that crosses any path without fragmentation leaves this much for STUN. */
const INITIAL_CAPACITY_BYTES = 1280;

/** Header and the most that the 16-bit length field can count. */
const MAX_MESSAGE_BYTES = 0xfffc + STUN_HEADER_BYTES;

/**
 * Writes a message from front to back: header, attributes, and at the end what covers them. It can be used again for
 * message after message. It has a buffer of its own that grows as needed; with {@link useTarget} it writes to given
 * memory, which does not.
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
  #target: Uint8Array = new Uint8Array(INITIAL_CAPACITY_BYTES);
  /** Whether the buffer is ours to replace by a larger one. */
  #mayGrow = true;
  #start = 0;
  #end = 0;
  /** A trailing attribute has been written: what follows would not be covered by it. */
  #sealed = false;

  /** From now on writes to `target`, for example a packet slot, from `offset` on. The memory is lent to the builder. */
  useTarget(target: Uint8Array, offset = 0): this {
    this.#target = target;
    this.#mayGrow = false;
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
    this.#sealed = false;
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
   * @throws {RangeError} when the value is not one the attribute can have, or does not fit the given memory.
   * @throws {AssertionError} after MESSAGE-INTEGRITY or FINGERPRINT, which have to cover it.
   */
  add<T>(attribute: StunAttribute<T>, value: T): this {
    assert(!this.#sealed, `${attribute.name} is added before what covers it`);
    const size = attribute.size(value);
    const offset = this.#addHeader(attribute.type, size);
    attribute.encode(value, this.#target, offset, this.#start);
    return this;
  }

  /** Adds attributes that come as data. */
  addAll(values: readonly StunAttributeValue[]): this {
    for (const { attribute, value } of values) this.add(attribute, value);
    return this;
  }

  /** Adds MESSAGE-INTEGRITY with an HMAC-SHA1 key (RFC 8489 §14.5), MESSAGE-INTEGRITY-SHA256 with an HMAC-SHA256 key (§14.6). */
  addIntegrity(key: Hmac): this {
    this.#sealed = true;
    const end = this.#end;
    const offset = this.#addHeader(integrityType(key), key.size);
    key.compute(this.#target, this.#start, end, this.#target, offset);
    return this;
  }

  /** Adds FINGERPRINT, the last attribute of all (RFC 8489 §14.7). */
  addFingerprint(): this {
    this.#sealed = true;
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
    const needed = this.#end + bytes;
    if (needed <= this.#target.length) return;
    if (!this.#mayGrow || needed - this.#start > MAX_MESSAGE_BYTES) {
      const capacity = this.#mayGrow ? MAX_MESSAGE_BYTES : this.#target.length - this.#start;
      throw new RangeError(
        `the STUN message needs ${needed - this.#start} bytes; there is room for ${capacity}`,
      );
    }
    const target = new Uint8Array(Math.min(MAX_MESSAGE_BYTES, Math.max(needed, this.#target.length * 2)));
    target.set(this.#target);
    this.#target = target;
  }
}
