import { crc32, equalBytes, readUint16, readUint32, toHex } from "../bytes/index.ts";
import { equalConstantTime, type Hmac } from "../crypto/index.ts";
import { FIRST_COMPREHENSION_OPTIONAL, type StunAttribute } from "./attribute/attribute.ts";
import { createStunError, type StunDecodeFailure } from "./errors.ts";
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
import { decodeMessageClass, decodeMessageMethod, type StunClass } from "./message-type.ts";

/**
 * More attributes than any request or answer has (a CreatePermission with a full list of peers is the longest); a
 * datagram of empty attributes must not buy more work than that.
 */
const MAX_ATTRIBUTES = 64;

const EMPTY = new Uint8Array(0);

/**
 * A decoded message: a view of the bytes it was read from and an index of its attributes, whose values are read when
 * asked for. It borrows the bytes: what outlives them is copied (`slice()`), or use {@link copyStunMessage}.
 *
 * One instance can be used again for message after message (see {@link safeDecodeStunMessage}), so that a server
 * decodes without allocating.
 */
export class StunMessage {
  /** The whole message, without anything behind it. */
  bytes: Uint8Array = EMPTY;
  /** 14-bit message type; see {@link messageClass} and {@link method}. */
  type = 0;
  #count = 0;
  readonly #types = new Uint16Array(MAX_ATTRIBUTES);
  /** Where each value starts. */
  readonly #offsets = new Uint32Array(MAX_ATTRIBUTES);
  #scratch: Uint8Array = EMPTY;

  get messageClass(): StunClass {
    return decodeMessageClass(this.type);
  }

  get method(): number {
    return decodeMessageMethod(this.type);
  }

  /** The 12 bytes of the transaction id: a view. */
  get transactionId(): Uint8Array {
    return this.bytes.subarray(TRANSACTION_ID_OFFSET, TRANSACTION_ID_OFFSET + TRANSACTION_ID_BYTES);
  }

  /** The transaction id as a `Map` key. */
  get transactionKey(): string {
    return toHex(this.transactionId);
  }

  /**
   * The value of an attribute, the first where there are several (RFC 8489 §14); undefined when it is absent or
   * malformed ({@link has} tells which).
   */
  get<T>(attribute: StunAttribute<T>): T | undefined {
    const index = this.#find(attribute.type);
    return index === -1 ? undefined : this.#decode(attribute, index);
  }

  /** Every well-formed value of an attribute that may come several times. */
  getAll<T>(attribute: StunAttribute<T>): T[] {
    const values: T[] = [];
    for (let i = 0; i < this.#count; i++) {
      const value = this.#types[i] === attribute.type ? this.#decode(attribute, i) : undefined;
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  has(attribute: StunAttribute<unknown> | { readonly type: number }): boolean {
    return this.#find(attribute.type) !== -1;
  }

  /** Types of all attributes, in order. */
  get attributeTypes(): number[] {
    return Array.from(this.#types.subarray(0, this.#count));
  }

  /**
   * Types that have to be understood and are not in `understood` (RFC 8489 §6.3.1): such a request is answered with 420,
   * such a response ends the transaction. Every use of STUN has its own set.
   */
  unknownAttributes(understood: ReadonlySet<number>): number[] {
    const unknown: number[] = [];
    for (let i = 0; i < this.#count; i++) {
      const type = this.#types[i]!;
      if (type >= FIRST_COMPREHENSION_OPTIONAL || ALWAYS_UNDERSTOOD.has(type) || understood.has(type))
        continue;
      if (!unknown.includes(type)) unknown.push(type);
    }
    return unknown;
  }

  /** Whether MESSAGE-INTEGRITY is there and made with `key` (an HMAC-SHA1) (RFC 8489 §14.5). */
  hasIntegrity(key: Hmac): boolean {
    return this.#verify(MESSAGE_INTEGRITY_TYPE, key);
  }

  /**
   * Whether MESSAGE-INTEGRITY-SHA256 is there, in full length, and made with `key` (an HMAC-SHA256) (RFC 8489 §14.6).
   * Truncated values are refused: no use of STUN here has agreed to them.
   */
  hasIntegritySha256(key: Hmac): boolean {
    return this.#verify(MESSAGE_INTEGRITY_SHA256_TYPE, key);
  }

  /** Whether FINGERPRINT is there and right (RFC 8489 §14.7). */
  get hasFingerprint(): boolean {
    const index = this.#find(FINGERPRINT_TYPE);
    if (index === -1 || this.#length(index) !== FINGERPRINT_BYTES) return false;
    const offset = this.#offsets[index]!;
    const expected = (crc32(this.bytes, 0, offset - ATTRIBUTE_HEADER_BYTES) ^ FINGERPRINT_XOR) >>> 0;
    return readUint32(this.bytes, offset) === expected;
  }

  /** Whether both are responses or requests of the same transaction. */
  hasTransactionId(id: Uint8Array): boolean {
    return equalBytes(this.transactionId, id);
  }

  /** Reads `bytes` into this instance. Internal: {@link safeDecodeStunMessage} is the way in. */
  read(bytes: Uint8Array): StunDecodeFailure | undefined {
    this.bytes = bytes;
    this.#count = 0;
    const failure = checkHeader(bytes) ?? this.#index();
    if (failure === undefined) {
      this.type = readUint16(bytes, 0);
      return undefined;
    }
    this.bytes = EMPTY;
    this.type = 0;
    this.#count = 0;
    return failure;
  }

  #index(): StunDecodeFailure | undefined {
    const { bytes } = this;
    /** The last of the three trailing attributes that was seen, 0 before. */
    let trailing = 0;
    let seen = 0;
    let position = STUN_HEADER_BYTES;
    while (position < bytes.length) {
      // The length is a multiple of 4, so an attribute header always fits; its value may not.
      const type = readUint16(bytes, position);
      const offset = position + ATTRIBUTE_HEADER_BYTES;
      position = offset + paddedLength(readUint16(bytes, position + 2));
      if (position > bytes.length) return "truncated-attribute";
      if (trailing === FINGERPRINT_TYPE) return "fingerprint-not-last";
      if (++seen > MAX_ATTRIBUTES) return "too-many-attributes";
      if (isIgnoredAfter(trailing, type)) continue;
      if (TRAILING.has(type)) trailing = type;
      this.#types[this.#count] = type;
      this.#offsets[this.#count] = offset;
      this.#count++;
    }
    return undefined;
  }

  #find(type: number): number {
    for (let i = 0; i < this.#count; i++) if (this.#types[i] === type) return i;
    return -1;
  }

  #length(index: number): number {
    return readUint16(this.bytes, this.#offsets[index]! - 2);
  }

  #decode<T>(attribute: StunAttribute<T>, index: number): T | undefined {
    return attribute.decode(this.bytes, this.#offsets[index]!, this.#length(index), 0);
  }

  #verify(type: number, key: Hmac): boolean {
    const index = this.#find(type);
    if (index === -1 || this.#length(index) !== key.size) return false;
    const offset = this.#offsets[index]!;
    const end = offset - ATTRIBUTE_HEADER_BYTES;
    // RFC 8489 §14.5: the MAC covers what precedes the attribute, with a length field that ends with the attribute. The
    // bytes are only lent, so the length is changed in a copy.
    if (this.#scratch.length < end + key.size) this.#scratch = new Uint8Array(Math.max(512, end + key.size));
    const scratch = this.#scratch;
    scratch.set(this.bytes.subarray(0, end));
    const length = offset + key.size - STUN_HEADER_BYTES;
    scratch[2] = length >>> 8;
    scratch[3] = length;
    key.compute(scratch, 0, end, scratch, end);
    return equalConstantTime(
      scratch.subarray(end, end + key.size),
      this.bytes.subarray(offset, offset + key.size),
    );
  }
}

/** RFC 8489 §6.3: the first two bits are 0, the magic cookie has the correct value, the length is sensible. */
function checkHeader(bytes: Uint8Array): StunDecodeFailure | undefined {
  if (bytes.length < STUN_HEADER_BYTES) return "truncated";
  if (bytes[0]! >= 4 || readUint32(bytes, 4) !== STUN_MAGIC_COOKIE) return "not-stun";
  const length = readUint16(bytes, 2);
  return length % 4 !== 0 || length + STUN_HEADER_BYTES !== bytes.length ? "bad-length" : undefined;
}

/** What may only stand at the end, in this order (RFC 8489 §14.5–14.7). */
const TRAILING: ReadonlySet<number> = new Set([
  MESSAGE_INTEGRITY_TYPE,
  MESSAGE_INTEGRITY_SHA256_TYPE,
  FINGERPRINT_TYPE,
]);

/** Understood by every use: the message itself deals with them. */
const ALWAYS_UNDERSTOOD: ReadonlySet<number> = new Set([
  MESSAGE_INTEGRITY_TYPE,
  MESSAGE_INTEGRITY_SHA256_TYPE,
]);

/**
 * RFC 8489 §14.5: behind MESSAGE-INTEGRITY only MESSAGE-INTEGRITY-SHA256 and FINGERPRINT count, behind
 * MESSAGE-INTEGRITY-SHA256 only FINGERPRINT (§14.6). All else is not covered by the MAC and is ignored.
 */
function isIgnoredAfter(trailing: number, type: number): boolean {
  if (trailing === MESSAGE_INTEGRITY_TYPE) {
    return type !== MESSAGE_INTEGRITY_SHA256_TYPE && type !== FINGERPRINT_TYPE;
  }
  return trailing === MESSAGE_INTEGRITY_SHA256_TYPE && type !== FINGERPRINT_TYPE;
}

/**
 * Decodes one message, for people: a wrong one throws.
 *
 * @param bytes - Exactly one message; lent for as long as the result is used.
 * @throws {StunError} whose `code` says what is wrong with the bytes.
 */
export function decodeStunMessage(bytes: Uint8Array): StunMessage {
  const message = safeDecodeStunMessage(bytes);
  if (typeof message === "string") throw createStunError(message, bytes.length);
  return message;
}

/**
 * Decodes one message, for the hot path: a wrong one is answered with the reason.
 *
 * @param bytes - Exactly one message; lent for as long as the result is used.
 * @param reuse - Instance to read into. What it held before is gone, also when the bytes are refused.
 */
export function safeDecodeStunMessage(
  bytes: Uint8Array,
  reuse: StunMessage = new StunMessage(),
): StunMessage | StunDecodeFailure {
  return reuse.read(bytes) ?? reuse;
}

/** A message that owns its bytes, for whoever keeps it. */
export function copyStunMessage(message: StunMessage): StunMessage {
  const copy = new StunMessage();
  // Not `slice()`: of a Buffer that would be a view.
  copy.read(new Uint8Array(message.bytes));
  return copy;
}
