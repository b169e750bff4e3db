/**
 * One kind of attribute: its number and how its value is written and read. Each file of this folder has the
 * attributes of one structure: first the bit diagram, then decode, encode and size, then the attributes.
 *
 * Offsets point at the value, behind the 4-byte attribute header. `messageStart` is where the message begins in the
 * same bytes: addresses are masked with its cookie and transaction id.
 */
export interface StunAttribute<T> {
  /** 16-bit type. Below 0x8000 a receiver that does not know it must refuse the message (RFC 8489 §14). */
  readonly type: number;
  /** As in the registry, for logs and errors. */
  readonly name: string;
  /**
   * Length of the encoded value in bytes, without padding.
   *
   * @throws {RangeError} when the value is not one this attribute can have.
   */
  size(value: T): number;
  /** Writes the value; `target` has {@link size} bytes from `offset` on. */
  encode(value: T, target: Uint8Array, offset: number, messageStart: number): void;
  /** Reads `length` bytes at `offset`; undefined when they are not a value of this attribute. */
  decode(bytes: Uint8Array, offset: number, length: number, messageStart: number): T | undefined;
}

/** An attribute with its value, to be added to a message; see {@link attributeValue}. */
export interface StunAttributeValue {
  readonly attribute: StunAttribute<unknown>;
  readonly value: unknown;
}

/** Pairs an attribute with a value of its type: requests are given as data. */
export function attributeValue<T>(attribute: StunAttribute<T>, value: T): StunAttributeValue {
  return { attribute, value };
}

/** Attributes from here on may be ignored by those who do not know them (RFC 8489 §14). */
export const FIRST_COMPREHENSION_OPTIONAL = 0x8000;
