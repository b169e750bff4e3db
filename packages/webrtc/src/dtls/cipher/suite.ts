import type { AeadAlgorithm, BlockCipherAlgorithm } from "../../crypto/index.ts";
import type { DtlsVersion } from "../constants.ts";

/** Hashes of cipher suites. */
export type SuiteHash = "sha-256" | "sha-384";

/** A cipher suite: for 1.3 the AEAD and the hash, for 1.2 the key exchange (always ECDHE) and the signature too. */
export interface CipherSuite {
  readonly id: number;
  /** As IANA lists it. */
  readonly name: string;
  readonly version: DtlsVersion;
  readonly aead: AeadAlgorithm;
  readonly hash: SuiteHash;
  /** Masks record numbers (RFC 9147 §4.2.3). */
  readonly mask: BlockCipherAlgorithm;
  /** 1.2: the server's key. */
  readonly authentication: "ecdsa" | "rsa" | undefined;
  /** How many records one key may protect. */
  readonly recordLimit: number;
}

/** RFC 8446 §5.5: 2^24.5 full-size records for AES-GCM; half of it leaves time for the update. */
const GCM_RECORDS = 2 ** 23;
/** RFC 8446 §5.5: ChaCha20-Poly1305 outlasts the sequence number; a key should still not live for ever. */
const CHACHA_RECORDS = 2 ** 32;

const AES_128 = { aead: "aes-128-gcm", hash: "sha-256", mask: "aes-128", recordLimit: GCM_RECORDS } as const;
const AES_256 = { aead: "aes-256-gcm", hash: "sha-384", mask: "aes-256", recordLimit: GCM_RECORDS } as const;
const CHACHA = {
  aead: "chacha20-poly1305",
  hash: "sha-256",
  mask: "chacha20",
  recordLimit: CHACHA_RECORDS,
} as const;
const V13 = { version: "1.3", authentication: undefined } as const;
const ECDSA = { version: "1.2", authentication: "ecdsa" } as const;
const RSA = { version: "1.2", authentication: "rsa" } as const;

/**
 * Every suite that is spoken, in order of preference. AES-128 first: on every machine with AES instructions it is the
 * cheapest, and both browsers put it first.
 */
export const CIPHER_SUITES: readonly CipherSuite[] = [
  { id: 0x1301, name: "TLS_AES_128_GCM_SHA256", ...V13, ...AES_128 },
  { id: 0x1302, name: "TLS_AES_256_GCM_SHA384", ...V13, ...AES_256 },
  { id: 0x1303, name: "TLS_CHACHA20_POLY1305_SHA256", ...V13, ...CHACHA },
  { id: 0xc02b, name: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ...ECDSA, ...AES_128 },
  { id: 0xc02f, name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", ...RSA, ...AES_128 },
  { id: 0xc02c, name: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", ...ECDSA, ...AES_256 },
  { id: 0xc030, name: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", ...RSA, ...AES_256 },
  { id: 0xcca9, name: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ...ECDSA, ...CHACHA },
  { id: 0xcca8, name: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ...RSA, ...CHACHA },
];
