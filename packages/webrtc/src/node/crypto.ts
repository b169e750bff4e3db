import { createHash, createHmac, createSecretKey, randomFillSync } from "node:crypto";
import type { CryptoProvider, Hash, HashAlgorithm, Hmac } from "../crypto/index.ts";
import type { RandomSource } from "../sansio/index.ts";
import { createAead, createBlockCipher } from "./crypto-cipher.ts";
import { createKemKeyPair, createKeyAgreement, encapsulate } from "./crypto-key-agreement.ts";
import {
  generateSigningKey,
  generateSigningKeyAsync,
  importSigningKey,
  parseCertificate,
} from "./crypto-signature.ts";

const NODE_NAMES: Readonly<Record<HashAlgorithm, string>> = {
  md5: "md5",
  "sha-1": "sha1",
  "sha-256": "sha256",
  "sha-384": "sha384",
  "sha-512": "sha512",
};

const SIZES = { "sha-1": 20, "sha-256": 32, "sha-384": 48 } as const;

/** The primitives of `node:crypto`, and ML-KEM where Node has none. */
export const nodeCrypto: CryptoProvider = {
  hash: (algorithm, data) => new Uint8Array(createHash(NODE_NAMES[algorithm]).update(data).digest()),
  createHash(algorithm): Hash {
    const hash = createHash(NODE_NAMES[algorithm]);
    return {
      update: (data) => void hash.update(data),
      digest: () => new Uint8Array(hash.copy().digest()),
    };
  },
  createHmac(algorithm, key): Hmac {
    // A KeyObject, made once: a raw key costs ten times as much per message on Node 24.
    const secret = createSecretKey(key);
    const name = NODE_NAMES[algorithm];
    return {
      size: SIZES[algorithm],
      compute(bytes, start, end, target, offset) {
        target.set(createHmac(name, secret).update(bytes.subarray(start, end)).digest(), offset);
      },
    };
  },
  createAead,
  createBlockCipher,
  createKeyAgreement,
  createKemKeyPair,
  encapsulate,
  generateSigningKey,
  generateSigningKeyAsync,
  importSigningKey,
  parseCertificate,
};

/** The operating system's generator, read in large pieces: a transaction id does not cost a call of its own. */
export function createNodeRandom(poolBytes = 4096): RandomSource {
  const pool = new Uint8Array(poolBytes);
  let used = poolBytes;
  return {
    fill(target) {
      if (target.length > poolBytes) return randomFillSync(target);
      if (used + target.length > poolBytes) {
        randomFillSync(pool);
        used = 0;
      }
      target.set(pool.subarray(used, used + target.length));
      pool.fill(0, used, used + target.length);
      used += target.length;
      return target;
    },
  };
}
