import { AEAD_KEY_BYTES, type CryptoProvider } from "../../crypto/index.ts";
import type { CipherSuite, SuiteHash } from "./suite.ts";

const encoder = new TextEncoder();

/** Bytes of a master secret (RFC 5246 §8.1) and of verify_data (§7.4.9). */
const MASTER_SECRET_BYTES = 48;
export const VERIFY_DATA_BYTES = 12;

/** PRF(secret, label, seed) of TLS 1.2 (RFC 5246 §5) with the hash of the suite. */
export function prf(
  crypto: CryptoProvider,
  hash: SuiteHash,
  secret: Uint8Array,
  label: string,
  seed: Uint8Array,
  length: number,
): Uint8Array {
  const hmac = crypto.createHmac(hash, secret);
  const text = encoder.encode(label);
  // A(i) | label | seed, where A(0) = label | seed
  const block = new Uint8Array(hmac.size + text.length + seed.length);
  block.set(text, hmac.size);
  block.set(seed, hmac.size + text.length);
  const output = new Uint8Array(Math.ceil(length / hmac.size) * hmac.size);
  hmac.compute(block, hmac.size, block.length, block, 0);
  for (let offset = 0; offset < length; offset += hmac.size) {
    if (offset > 0) hmac.compute(block, 0, hmac.size, block, 0);
    hmac.compute(block, 0, block.length, output, offset);
  }
  return output.slice(0, length);
}

/** RFC 7627 §4: the master secret that depends on the whole handshake, not on the two randoms alone. */
export function extendedMasterSecret(
  crypto: CryptoProvider,
  hash: SuiteHash,
  premaster: Uint8Array,
  sessionHash: Uint8Array,
): Uint8Array {
  return prf(crypto, hash, premaster, "extended master secret", sessionHash, MASTER_SECRET_BYTES);
}

/** RFC 5246 §8.1. */
export function masterSecret(
  crypto: CryptoProvider,
  hash: SuiteHash,
  premaster: Uint8Array,
  randoms: Uint8Array,
): Uint8Array {
  return prf(crypto, hash, premaster, "master secret", randoms, MASTER_SECRET_BYTES);
}

/** Keys of one direction. */
export interface KeyBlockHalf {
  readonly key: Uint8Array;
  /** 4 bytes (GCM, RFC 5288 §3) or 12 (ChaCha20-Poly1305, RFC 7905 §2). */
  readonly iv: Uint8Array;
}

/** RFC 5246 §6.3: no MAC keys, for all suites here are AEADs. */
export function deriveKeyBlock(
  crypto: CryptoProvider,
  suite: CipherSuite,
  master: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): { client: KeyBlockHalf; server: KeyBlockHalf } {
  const keyBytes = AEAD_KEY_BYTES[suite.aead];
  const ivBytes = suite.aead === "chacha20-poly1305" ? 12 : 4;
  const seed = new Uint8Array(64);
  seed.set(serverRandom);
  seed.set(clientRandom, 32);
  const block = prf(crypto, suite.hash, master, "key expansion", seed, 2 * (keyBytes + ivBytes));
  const ivs = 2 * keyBytes;
  return {
    client: { key: block.slice(0, keyBytes), iv: block.slice(ivs, ivs + ivBytes) },
    server: { key: block.slice(keyBytes, ivs), iv: block.slice(ivs + ivBytes) },
  };
}
