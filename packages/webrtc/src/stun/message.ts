import { copyBytes, crc32, equalBytes, readUint16, readUint32 } from "../bytes/index.ts";
import { equalConstantTime, type Hmac } from "../crypto/index.ts";
import { FIRST_COMPREHENSION_OPTIONAL, type StunAttribute } from "./attribute/attribute.ts";
import { createStunError, type StunDecodeFailure } from "./errors.ts";
import {
  ATTRIBUTE_HEADER_BYTES,
  hasStunHeader,
  paddedLength,
  STUN_HEADER_BYTES,
  TRANSACTION_ID_BYTES,
  TRANSACTION_ID_OFFSET,
} from "./header.ts";
import {
  FINGERPRINT_BYTES,
  FINGERPRINT_TYPE,
  FINGERPRINT_XOR,
  integrityType,
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
/** What an instance holds that holds no message: reading it is harmless. */
const EMPTY_MESSAGE = new Uint8Array(STUN_HEADER_BYTES);
const NONE: readonly number[] = [];

/** What became of a check: the value is not there, is right, or is not. */
export type StunCheck = "absent" | "valid" | "wrong";

/**
 * A decoded message: a view of the bytes it was read from and an index of its attributes, whose values are read when
 * asked for. It borrows the bytes: what outlives them is copied ({@link copyStunMessage}).
 *
 * One instance can be used again for message after message (see {@link safeDecodeStunMessage}), so that a server
 * decodes without allocating.
 */
export class StunMessage {
  #bytes: Uint8Array = EMPTY_MESSAGE;
  #count = 0;
  readonly #types: Uint16Array;
  /** Where each value starts. */
  readonly #offsets: Uint32Array;
  #scratch: Uint8Array = EMPTY;

  /** @param maximumAttributes - What it has room for; messages with more are refused. */
  constructor(maximumAttributes: number = MAX_ATTRIBUTES) {
    this.#types = new Uint16Array(maximumAttributes);
    this.#offsets = new Uint32Array(maximumAttributes);
  }

  /** The whole message. Lent: good as long as what it was decoded from. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get messageClass(): StunClass {
    return decodeMessageClass(readUint16(this.#bytes, 0));
  }

  get method(): number {
    return decodeMessageMethod(readUint16(this.#bytes, 0));
  }

  /** The 12 bytes of the transaction id: a view. */
  get transactionId(): Uint8Array {
    return this.#bytes.subarray(TRANSACTION_ID_OFFSET, TRANSACTION_ID_OFFSET + TRANSACTION_ID_BYTES);
  }

  /** Types of all attributes, in order. */
  get attributeTypes(): number[] {
    return Array.from(this.#types.subarray(0, this.#count));
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

  /** Whether an attribute is there, well-formed or not. */
  has(attribute: { readonly type: number }): boolean {
    return this.#find(attribute.type) !== -1;
  }

  /** Whether an attribute is there and its value is exactly `bytes`: compares without decoding. */
  valueEquals(attribute: { readonly type: number }, bytes: Uint8Array): boolean {
    const index = this.#find(attribute.type);
    if (index === -1 || this.#length(index) !== bytes.length) return false;
    const offset = this.#offsets[index]!;
    return equalBytes(this.#bytes.subarray(offset, offset + bytes.length), bytes);
  }

  /**
   * Types that have to be understood and are not in `understood` (RFC 8489 §6.3.1): such a request is answered with 420,
   * such a response ends its transaction. Every use of STUN has its own set; the attributes of RFC 8489 itself are known
   * everywhere, and ignored where they are not expected (§6.3).
   */
  unknownAttributes(understood: ReadonlySet<number>): readonly number[] {
    let unknown: number[] | undefined;
    for (let i = 0; i < this.#count; i++) {
      const type = this.#types[i]!;
      if (type >= FIRST_COMPREHENSION_OPTIONAL || BASE_ATTRIBUTES.has(type) || understood.has(type)) continue;
      unknown ??= [];
      if (!unknown.includes(type)) unknown.push(type);
    }
    return unknown ?? NONE;
  }

  /**
   * Checks MESSAGE-INTEGRITY with an HMAC-SHA1 key (RFC 8489 §14.5), MESSAGE-INTEGRITY-SHA256 with an HMAC-SHA256 key
   * (§14.6). A truncated SHA-256 value is wrong: no use of STUN here has agreed to one.
   */
  checkIntegrity(key: Hmac): StunCheck {
    const index = this.#find(integrityType(key));
    if (index === -1) return "absent";
    if (this.#length(index) !== key.size) return "wrong";
    const offset = this.#offsets[index]!;
    const mac = this.#computeMac(key, offset);
    return equalConstantTime(mac, this.#bytes.subarray(offset, offset + key.size)) ? "valid" : "wrong";
  }

  /** Checks FINGERPRINT (RFC 8489 §14.7). */
  checkFingerprint(): StunCheck {
    const index = this.#find(FINGERPRINT_TYPE);
    if (index === -1) return "absent";
    const offset = this.#offsets[index]!;
    if (this.#length(index) !== FINGERPRINT_BYTES) return "wrong";
    const expected = (crc32(this.#bytes, 0, offset - ATTRIBUTE_HEADER_BYTES) ^ FINGERPRINT_XOR) >>> 0;
    return readUint32(this.#bytes, offset) === expected ? "valid" : "wrong";
  }

  /**
   * Reads `bytes` into this instance, in place of what it held; {@link safeDecodeStunMessage} is the usual way in.
   *
   * @returns why they are no message; the instance is empty then.
   */
  read(bytes: Uint8Array): StunDecodeFailure | undefined {
    this.#bytes = EMPTY_MESSAGE;
    this.#count = 0;
    if (bytes.length < STUN_HEADER_BYTES) return "truncated";
    if (!hasStunHeader(bytes)) return "not-stun";
    const length = readUint16(bytes, 2);
    if (length % 4 !== 0 || length + STUN_HEADER_BYTES !== bytes.length) return "bad-length";
    const failure = this.#index(bytes);
    if (failure === undefined) this.#bytes = bytes;
    else this.#count = 0;
    return failure;
  }

  #index(bytes: Uint8Array): StunDecodeFailure | undefined {
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
      // Those that are ignored cost work, too.
      if (++seen > MAX_ATTRIBUTES) return "too-many-attributes";
      if (isIgnoredAfter(trailing, type)) continue;
      if (isTrailing(type)) trailing = type;
      if (this.#count === this.#types.length) return "too-many-attributes";
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
    return readUint16(this.#bytes, this.#offsets[index]! - 2);
  }

  #decode<T>(attribute: StunAttribute<T>, index: number): T | undefined {
    return attribute.decode(this.#bytes, this.#offsets[index]!, this.#length(index), 0);
  }

  /** The MAC that should stand at `offset`: a view of scratch memory. */
  #computeMac(key: Hmac, offset: number): Uint8Array {
    const end = offset - ATTRIBUTE_HEADER_BYTES;
    // RFC 8489 §14.5: the MAC covers what precedes the attribute, with a length field that ends with the attribute. The
    // bytes are only lent, so the length is changed in a copy.
    if (this.#scratch.length < end + key.size) this.#scratch = new Uint8Array(Math.max(512, end + key.size));
    const scratch = this.#scratch;
    scratch.set(this.#bytes.subarray(0, end));
    const length = offset + key.size - STUN_HEADER_BYTES;
    scratch[2] = length >>> 8;
    scratch[3] = length;
    key.compute(scratch, 0, end, scratch, end);
    return scratch.subarray(end, end + key.size);
  }
}

/** The attributes of RFC 8489 §14 that have to be understood. */
const BASE_ATTRIBUTES: ReadonlySet<number> = new Set([
  0x0001, 0x0006, 0x0008, 0x0009, 0x000a, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e, 0x0020,
]);

/** What may only stand at the end, in this order (RFC 8489 §14.5–14.7). */
function isTrailing(type: number): boolean {
  return (
    type === MESSAGE_INTEGRITY_TYPE || type === MESSAGE_INTEGRITY_SHA256_TYPE || type === FINGERPRINT_TYPE
  );
}

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
  const copy = new StunMessage(message.attributeTypes.length);
  copy.read(copyBytes(message.bytes));
  return copy;
}
