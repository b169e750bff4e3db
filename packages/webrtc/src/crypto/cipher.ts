/** Authenticated encryption with associated data, all with a nonce of 12 and a tag of 16 bytes. */
export type AeadAlgorithm = "aes-128-gcm" | "aes-256-gcm" | "chacha20-poly1305";

/** Key length of each AEAD in bytes. */
export const AEAD_KEY_BYTES: Readonly<Record<AeadAlgorithm, number>> = {
  "aes-128-gcm": 16,
  "aes-256-gcm": 32,
  "chacha20-poly1305": 32,
};

/** Bytes an AEAD adds behind what it encrypts. */
export const AEAD_TAG_BYTES = 16;
/** Bytes of an AEAD's nonce. */
export const AEAD_NONCE_BYTES = 12;

/** An AEAD with its key: made once, used for every packet. */
export interface Aead {
  /**
   * Encrypts `bytes[start, end)` in place and writes the tag at `end`.
   *
   * @param nonce - 12 bytes, never used twice with one key.
   * @param aad - Holds what is authenticated and not encrypted, at `[aadStart, aadEnd)`; may be `bytes`.
   */
  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    aadStart: number,
    aadEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;
  /**
   * Decrypts `bytes[start, end)`, of which the last 16 are the tag, to `target` at `offset`.
   *
   * @returns false when it is not authentic; `target` is then as it was.
   */
  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    aadStart: number,
    aadEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
  ): boolean;
}

/**
 * A function of blocks of 16 bytes: AES (ECB), or the first 16 bytes of the ChaCha20 key stream whose counter (4 bytes,
 * little-endian) and nonce (12 bytes) are the block.
 */
export type BlockCipherAlgorithm = "aes-128" | "aes-256" | "chacha20";

/** Bytes of a block. */
export const BLOCK_BYTES = 16;

/** A block function with its key: key streams, and the masks of record numbers, many blocks in one call. */
export interface BlockCipher {
  /** Maps the blocks of `bytes[start, end)` to `target` at `offset`. The length is a multiple of 16. */
  encrypt(bytes: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): void;
}
