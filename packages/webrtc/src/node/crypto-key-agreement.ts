import { createECDH, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createRequire } from "node:module";
import type { Encapsulation, KemKeyPair, KeyAgreement, KeyAgreementGroup } from "../crypto/index.ts";

const CURVES = { "p-256": "prime256v1", "p-384": "secp384r1" } as const;

/** A new ephemeral key. */
export function createKeyAgreement(group: KeyAgreementGroup): KeyAgreement {
  return group === "x25519" ? createX25519() : createEcdh(CURVES[group]);
}

const X25519_BYTES = 32;

/** As JWK in both directions: OpenSSL takes four times as long over DER. */
function createX25519(): KeyAgreement {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  return {
    publicKey: new Uint8Array(Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url")),
    agree(peerPublicKey) {
      if (peerPublicKey.length !== X25519_BYTES) return undefined;
      try {
        return new Uint8Array(diffieHellman({ privateKey, publicKey: importX25519(peerPublicKey) }));
      } catch {
        // RFC 7748 §6.1: OpenSSL refuses the points of small order, with which the secret would be all zeros.
        return undefined;
      }
    },
  };
}

function importX25519(key: Uint8Array): KeyObject {
  const x = Buffer.from(key).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
}

function createEcdh(curve: string): KeyAgreement {
  const ecdh = createECDH(curve);
  const publicKey = new Uint8Array(ecdh.generateKeys());
  return {
    publicKey,
    agree(peerPublicKey) {
      // RFC 8446 §4.2.8.2: uncompressed points only.
      if (peerPublicKey.length !== publicKey.length || peerPublicKey[0] !== 0x04) return undefined;
      try {
        return new Uint8Array(ecdh.computeSecret(peerPublicKey));
      } catch {
        // The point is not on the curve.
        return undefined;
      }
    },
  };
}

/** What is used of `@noble/post-quantum/ml-kem.js`. */
interface MlKem {
  keygen(): { publicKey: Uint8Array; secretKey: Uint8Array };
  encapsulate(publicKey: Uint8Array): { cipherText: Uint8Array; sharedSecret: Uint8Array };
  decapsulate(cipherText: Uint8Array, secretKey: Uint8Array): Uint8Array;
}

const KEM_CIPHERTEXT_BYTES = 1088;
const KEM_PUBLIC_KEY_BYTES = 1184;

let mlKem768: MlKem | undefined;

/** Loaded with the first hybrid handshake: a process that makes none does not pay for it. */
function loadMlKem(): MlKem {
  if (mlKem768 === undefined) {
    const module: { ml_kem768: MlKem } = createRequire(import.meta.url)("@noble/post-quantum/ml-kem.js");
    mlKem768 = module.ml_kem768;
  }
  return mlKem768;
}

/** A new ML-KEM-768 key pair. */
export function createKemKeyPair(): KemKeyPair {
  const kem = loadMlKem();
  const { publicKey, secretKey } = kem.keygen();
  return {
    publicKey,
    decapsulate(ciphertext) {
      // FIPS 203 §7.3: beyond its length every ciphertext is valid; a forged one yields a secret nobody knows.
      return ciphertext.length === KEM_CIPHERTEXT_BYTES ? kem.decapsulate(ciphertext, secretKey) : undefined;
    },
  };
}

/** A fresh secret for the holder of an ML-KEM-768 key. */
export function encapsulate(publicKey: Uint8Array): Encapsulation | undefined {
  if (publicKey.length !== KEM_PUBLIC_KEY_BYTES) return undefined;
  try {
    const { cipherText, sharedSecret } = loadMlKem().encapsulate(publicKey);
    return { ciphertext: cipherText, sharedSecret };
  } catch {
    // FIPS 203 §7.2: a coefficient of the key is not below the modulus.
    return undefined;
  }
}
