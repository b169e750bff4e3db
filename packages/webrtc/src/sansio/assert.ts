/** Something that cannot happen, happened: a bug of ours, never the caller's or the network's fault. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * States what the code relies on.
 *
 * @throws {AssertionError} when `condition` is false.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) {
    throw new AssertionError(`${message}; this is a bug in @naru/webrtc, please report it`);
  }
}
