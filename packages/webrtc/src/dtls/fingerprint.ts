import { type CryptoProvider, equalConstantTime } from "../crypto/index.ts";

/** Hash functions of fingerprints that are accepted, strongest first. SHA-1 and MD5 are not (RFC 8122 §5). */
export const FINGERPRINT_ALGORITHMS = ["sha-512", "sha-384", "sha-256"] as const;

export type FingerprintAlgorithm = (typeof FINGERPRINT_ALGORITHMS)[number];

/** The hash of a certificate, as `a=fingerprint` has it. */
export interface DtlsFingerprint {
  /** Lower case, for example `sha-256`. Others than {@link FINGERPRINT_ALGORITHMS} match nothing. */
  readonly algorithm: string;
  readonly bytes: Uint8Array;
}

/** The fingerprint of a certificate in DER. */
export function fingerprintOf(
  crypto: CryptoProvider,
  certificate: Uint8Array,
  algorithm: FingerprintAlgorithm,
): DtlsFingerprint {
  return { algorithm, bytes: crypto.hash(algorithm, certificate) };
}

/**
 * Whether a certificate is one of those that were announced (RFC 8122 §5): of the fingerprints with the strongest hash
 * there is, one has to match. Compared in constant time.
 */
export function matchesFingerprint(
  crypto: CryptoProvider,
  certificate: Uint8Array,
  fingerprints: readonly DtlsFingerprint[],
): boolean {
  for (const algorithm of FINGERPRINT_ALGORITHMS) {
    const candidates = fingerprints.filter((fingerprint) => fingerprint.algorithm === algorithm);
    if (candidates.length === 0) continue;
    const digest = crypto.hash(algorithm, certificate);
    return candidates.some(({ bytes }) => equalConstantTime(bytes, digest));
  }
  return false;
}
