import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import {
  AEAD_KEY_BYTES,
  AEAD_TAG_BYTES,
  type Aead,
  type AeadAlgorithm,
  BLOCK_BYTES,
  type BlockCipher,
  type BlockCipherAlgorithm,
} from "../crypto/index.ts";

const TAG = { authTagLength: AEAD_TAG_BYTES } as const;

const BLOCK_KEY_BYTES: Readonly<Record<BlockCipherAlgorithm, number>> = {
  "aes-128": 16,
  "aes-256": 32,
  chacha20: 32,
};

/** An AEAD of OpenSSL. */
export function createAead(algorithm: AeadAlgorithm, key: Uint8Array): Aead {
  const secret = secretKey(algorithm, key, AEAD_KEY_BYTES[algorithm]);
  return {
    seal(nonce, aad, aadStart, aadEnd, bytes, start, end) {
      const cipher = createAeadCipher(algorithm, secret, nonce);
      cipher.setAAD(aad.subarray(aadStart, aadEnd), { plaintextLength: end - start });
      bytes.set(cipher.update(bytes.subarray(start, end)), start);
      cipher.final();
      bytes.set(cipher.getAuthTag(), end);
    },
    open(nonce, aad, aadStart, aadEnd, bytes, start, end, target, offset) {
      const tagStart = end - AEAD_TAG_BYTES;
      if (tagStart < start) return false;
      const decipher = createAeadDecipher(algorithm, secret, nonce);
      decipher.setAAD(aad.subarray(aadStart, aadEnd), { plaintextLength: tagStart - start });
      decipher.setAuthTag(bytes.subarray(tagStart, end));
      const plaintext = decipher.update(bytes.subarray(start, tagStart));
      try {
        decipher.final();
      } catch {
        // The one thing it throws for: the tag does not match.
        return false;
      }
      target.set(plaintext, offset);
      return true;
    },
  };
}

// One literal per call: the types of Node have an overload for each mode.
function createAeadCipher(algorithm: AeadAlgorithm, key: KeyObject, nonce: Uint8Array) {
  return algorithm === "chacha20-poly1305"
    ? createCipheriv(algorithm, key, nonce, TAG)
    : createCipheriv(algorithm, key, nonce, TAG);
}

function createAeadDecipher(algorithm: AeadAlgorithm, key: KeyObject, nonce: Uint8Array) {
  return algorithm === "chacha20-poly1305"
    ? createDecipheriv(algorithm, key, nonce, TAG)
    : createDecipheriv(algorithm, key, nonce, TAG);
}

/** AES in ECB as one cipher for life; ChaCha20 as one per block, for its counter is in the block. */
export function createBlockCipher(algorithm: BlockCipherAlgorithm, key: Uint8Array): BlockCipher {
  const secret = secretKey(algorithm, key, BLOCK_KEY_BYTES[algorithm]);
  if (algorithm === "chacha20") return createChaCha20(secret);
  const cipher = createCipheriv(`${algorithm}-ecb`, secret, null).setAutoPadding(false);
  return {
    encrypt(bytes, start, end, target, offset) {
      target.set(cipher.update(bytes.subarray(start, end)), offset);
    },
  };
}

const ZERO_BLOCK = new Uint8Array(BLOCK_BYTES);

function createChaCha20(secret: KeyObject): BlockCipher {
  return {
    encrypt(bytes, start, end, target, offset) {
      for (let at = start; at < end; at += BLOCK_BYTES) {
        const cipher = createCipheriv("chacha20", secret, bytes.subarray(at, at + BLOCK_BYTES));
        target.set(cipher.update(ZERO_BLOCK), offset + at - start);
      }
    },
  };
}

function secretKey(algorithm: string, key: Uint8Array, length: number): KeyObject {
  if (key.length !== length)
    throw new RangeError(`${algorithm} takes a key of ${length} bytes, got ${key.length}`);
  return createSecretKey(key);
}
