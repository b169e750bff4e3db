/**
 * Serial number arithmetic (RFC 1982) for the counters of the wire. Sequence numbers, TSNs and RTP
 * timestamps are compared only through these functions.
 */

/** a − b of two 16-bit counters as a signed distance in [−32768, 32767]. */
export function distance16(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** a − b of two 32-bit counters as a signed distance in [−2³¹, 2³¹−1]. */
export function distance32(a: number, b: number): number {
  return (a - b) | 0;
}

/** Whether 16-bit counter `a` comes after `b`. */
export function isAfter16(a: number, b: number): boolean {
  return distance16(a, b) > 0;
}

/** Whether 32-bit counter `a` comes after `b`. */
export function isAfter32(a: number, b: number): boolean {
  return distance32(a, b) > 0;
}

/** `value + step` in 16 bits. */
export function add16(value: number, step: number): number {
  return (value + step) & 0xffff;
}

/** `value + step` in 32 bits. */
export function add32(value: number, step: number): number {
  return (value + step) >>> 0;
}
