import type { Aead, AeadAlgorithm, BlockCipher, BlockCipherAlgorithm } from "./cipher.ts";
import type { ParsedCertificate, SigningKey, SigningKeyAlgorithm } from "./signature.ts";

/** Hash functions the protocols name. */
export type HashAlgorithm = "md5" | "sha-1" | "sha-256" | "sha-384" | "sha-512";

/** A keyed MAC that lives as long as its key: made once, used for every message. */
export interface Hmac {
  /** MAC length in bytes: 20 for SHA-1, 32 for SHA-256. */
  readonly size: number;
  /** Writes the MAC of `bytes[start, end)` to `target` at `offset`. */
  compute(bytes: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): void;
}

/** A hash that grows: what a handshake transcript needs. */
export interface Hash {
  update(data: Uint8Array): void;
  /** The digest of everything so far, the caller's to keep. The hash may grow further. */
  digest(): Uint8Array;
}

/** Diffie-Hellman groups: X25519 (RFC 7748), and the curves of NIST with uncompressed points. */
export type KeyAgreementGroup = "x25519" | "p-256" | "p-384";

/** One ephemeral Diffie-Hellman key. */
export interface KeyAgreement {
  /** 32 bytes, or an uncompressed point (0x04, x, y). */
  readonly publicKey: Uint8Array;
  /** The shared secret with a peer, or undefined when its public key is not valid in the group. */
  agree(peerPublicKey: Uint8Array): Uint8Array | undefined;
}

/** A key pair of ML-KEM-768 (FIPS 203). */
export interface KemKeyPair {
  /** The encapsulation key, 1184 bytes. */
  readonly publicKey: Uint8Array;
  /** The shared secret of 32 bytes in a ciphertext of 1088, or undefined when its length is another. */
  decapsulate(ciphertext: Uint8Array): Uint8Array | undefined;
}

/** What an encapsulation yields. */
export interface Encapsulation {
  /** 1088 bytes, for the holder of the key. */
  readonly ciphertext: Uint8Array;
  /** 32 bytes. */
  readonly sharedSecret: Uint8Array;
}

/**
 * Synchronous primitives, given to the cores from outside (`node:crypto` in Node). Protocol code is
 * never interrupted in the middle of a packet by a promise.
 */
export interface CryptoProvider {
  /** Digest of `data`, the caller's to keep. */
  hash(algorithm: HashAlgorithm, data: Uint8Array): Uint8Array;
  /** A hash that grows. */
  createHash(algorithm: HashAlgorithm): Hash;
  /** HMAC (RFC 2104) with `key`, which is copied. */
  createHmac(algorithm: "sha-1" | "sha-256" | "sha-384", key: Uint8Array): Hmac;
  /**
   * An AEAD for the life of its key, which is copied.
   *
   * @throws {RangeError} when the key has not the length of the algorithm's.
   */
  createAead(algorithm: AeadAlgorithm, key: Uint8Array): Aead;
  /**
   * A block function for the life of its key, which is copied.
   *
   * @throws {RangeError} when the key has not the length of the algorithm's.
   */
  createBlockCipher(algorithm: BlockCipherAlgorithm, key: Uint8Array): BlockCipher;
  /** A new ephemeral key. */
  createKeyAgreement(group: KeyAgreementGroup): KeyAgreement;
  /** A new ML-KEM-768 key pair. The first call may load the implementation. */
  createKemKeyPair(): KemKeyPair;
  /** A fresh secret for the holder of an ML-KEM-768 key, or undefined when the key is not valid (FIPS 203 §7.2). */
  encapsulate(publicKey: Uint8Array): Encapsulation | undefined;
  /** A new signing key. RSA takes a tenth of a second; {@link generateSigningKeyAsync} takes it off this thread. */
  generateSigningKey(algorithm: SigningKeyAlgorithm): SigningKey;
  generateSigningKeyAsync(algorithm: SigningKeyAlgorithm): Promise<SigningKey>;
  /**
   * A signing key in PEM (PKCS #8, SEC 1 or PKCS #1).
   *
   * @throws {TypeError} when the text is not a private key of a type that can sign here.
   */
  importSigningKey(pem: string): SigningKey;
  /** Reads an X.509 certificate in DER; undefined when it is not one, or its key cannot verify here. */
  parseCertificate(der: Uint8Array): ParsedCertificate | undefined;
}
