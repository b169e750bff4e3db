/** Hash functions the protocols name. */
export type HashAlgorithm = "md5" | "sha-1" | "sha-256" | "sha-384" | "sha-512";

/** A keyed MAC that lives as long as its key: made once, used for every message. */
export interface Hmac {
  /** MAC length in bytes: 20 for SHA-1, 32 for SHA-256. */
  readonly size: number;
  /** Writes the MAC of `bytes[start, end)` to `target` at `offset`. */
  compute(bytes: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): void;
}

/**
 * Synchronous primitives, given to the cores from outside (`node:crypto` in Node). Protocol code is
 * never interrupted in the middle of a packet by a promise.
 */
export interface CryptoProvider {
  /** Digest of `data`, the caller's to keep. */
  hash(algorithm: HashAlgorithm, data: Uint8Array): Uint8Array;
  /** HMAC (RFC 2104) with `key`, which is copied. */
  createHmac(algorithm: "sha-1" | "sha-256" | "sha-384", key: Uint8Array): Hmac;
}
