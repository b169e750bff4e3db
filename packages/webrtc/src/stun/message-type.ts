/** The four classes of a STUN message (RFC 8489 §5). */
export type StunClass = "request" | "indication" | "success" | "error";

/** STUN methods: Binding (RFC 8489 §18.2), TURN (RFC 8656 §17), TURN over TCP (RFC 6062 §6.1). */
export const StunMethod = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  send: 0x006,
  data: 0x007,
  createPermission: 0x008,
  channelBind: 0x009,
  connect: 0x00a,
  connectionBind: 0x00b,
  connectionAttempt: 0x00c,
} as const;

/** Largest method: 12 bits. */
const MAX_METHOD = 0xfff;

const CLASSES: readonly StunClass[] = ["request", "indication", "success", "error"];

/**
 * The 14-bit message type (RFC 8489 §5): the two class bits lie between the bits of the method.
 *
 *  0                 1
 *  2  3  4 5 6 7 8 9 0 1 2 3 4 5
 * +--+--+-+-+-+-+-+-+-+-+-+-+-+-+
 * |M |M |M|M|M|C|M|M|M|C|M|M|M|M|
 * |11|10|9|8|7|1|6|5|4|0|3|2|1|0|
 * +--+--+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * @throws {RangeError} when `method` does not fit 12 bits.
 */
export function encodeMessageType(messageClass: StunClass, method: number): number {
  if (!Number.isInteger(method) || method < 0 || method > MAX_METHOD) {
    throw new RangeError(`a STUN method is an integer from 0 to 0xfff, got ${method}`);
  }
  const bits = CLASSES.indexOf(messageClass);
  return (
    ((method & 0xf80) << 2) |
    ((method & 0x070) << 1) |
    (method & 0x00f) |
    ((bits & 2) << 7) |
    ((bits & 1) << 4)
  );
}

/** The class in a 14-bit message type. */
export function decodeMessageClass(type: number): StunClass {
  return CLASSES[((type & 0x0100) >> 7) | ((type & 0x0010) >> 4)]!;
}

/** The method in a 14-bit message type. */
export function decodeMessageMethod(type: number): number {
  return ((type & 0x3e00) >> 2) | ((type & 0x00e0) >> 1) | (type & 0x000f);
}
