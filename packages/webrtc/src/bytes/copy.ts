/**
 * A copy of `bytes[start, end)`, the caller's to keep. Not `bytes.slice()`: given a Node `Buffer`, which is a
 * `Uint8Array` too, that returns a view of the same memory.
 */
export function copyBytes(bytes: Uint8Array, start = 0, end: number = bytes.length): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}
