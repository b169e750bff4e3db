import type { CryptoProvider, SigningKey, SigningKeyAlgorithm } from "../crypto/index.ts";
import { type RandomSource, randomBytes, type WallClockMillis } from "../sansio/index.ts";
import { type DtlsFingerprint, type FingerprintAlgorithm, fingerprintOf } from "./fingerprint.ts";
import { encodeSelfSigned } from "./x509/self-signed.ts";

/** Default validity: W3C WebRTC §4.9.1 leaves it to us; 30 days is what browsers give. */
export const DEFAULT_CERTIFICATE_LIFETIME_MS: number = 30 * 24 * 3600 * 1000;
/** W3C WebRTC §4.9.2: whatever is asked for, a year is enough for a key nobody can revoke. */
export const MAX_CERTIFICATE_LIFETIME_MS: number = 365 * 24 * 3600 * 1000;
/** Clocks differ: valid from a day before it was made, as in browsers. */
const BACKDATE_MS = 24 * 3600 * 1000;
const SERIAL_NUMBER_BYTES = 8;

/** How a certificate is made. */
export interface CertificateOptions {
  /** The wall clock, for the validity. */
  readonly wallClock: WallClockMillis;
  /** Validity from now on, at most a year. Default 30 days. */
  readonly lifetimeMs?: number;
  /** Issuer and subject. Default `WebRTC`, like everybody's. */
  readonly commonName?: string;
}

/** A certificate with its key: made once and used for many connections. */
export class DtlsCertificate {
  /** DER, the leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly key: SigningKey;
  /** End of validity, milliseconds since 1970. */
  readonly expires: WallClockMillis;
  readonly #crypto: CryptoProvider;

  /**
   * A certificate that somebody else made: a server's, with the chain up to its authority.
   *
   * @param chain - DER, the leaf first.
   * @throws {TypeError} when the first is not a certificate with a key that can sign here.
   */
  constructor(crypto: CryptoProvider, chain: readonly Uint8Array[], key: SigningKey) {
    const leaf = chain[0] && crypto.parseCertificate(chain[0]);
    if (leaf === undefined || leaf.keyType !== key.keyType) {
      throw new TypeError(
        leaf === undefined
          ? "expected at least one X.509 certificate in DER, with a key of ECDSA (P-256, P-384), Ed25519 or RSA"
          : `the certificate is for a key of ${leaf.keyType}, and the private key is one of ${key.keyType}`,
      );
    }
    this.chain = chain;
    this.key = key;
    this.expires = leaf.notAfter;
    this.#crypto = crypto;
  }

  /**
   * A new self-signed certificate with a new key, made on this thread: 0.1 ms for ECDSA, 100 ms for RSA.
   *
   * @throws {RangeError} when the lifetime is negative.
   */
  static generate(
    crypto: CryptoProvider,
    random: RandomSource,
    options: CertificateOptions,
    algorithm: SigningKeyAlgorithm = "ecdsa-p256",
  ): DtlsCertificate {
    return selfSigned(crypto, random, crypto.generateSigningKey(algorithm), options);
  }

  /**
   * The same with the key made on another thread.
   *
   * @throws {RangeError} (rejects) when the lifetime is negative.
   */
  static async generateAsync(
    crypto: CryptoProvider,
    random: RandomSource,
    options: CertificateOptions,
    algorithm: SigningKeyAlgorithm = "ecdsa-p256",
  ): Promise<DtlsCertificate> {
    return selfSigned(crypto, random, await crypto.generateSigningKeyAsync(algorithm), options);
  }

  /** The hash of the leaf. */
  fingerprint(algorithm: FingerprintAlgorithm = "sha-256"): DtlsFingerprint {
    return fingerprintOf(this.#crypto, this.chain[0]!, algorithm);
  }
}

function selfSigned(
  crypto: CryptoProvider,
  random: RandomSource,
  key: SigningKey,
  { wallClock, lifetimeMs = DEFAULT_CERTIFICATE_LIFETIME_MS, commonName = "WebRTC" }: CertificateOptions,
): DtlsCertificate {
  if (!(lifetimeMs >= 0)) {
    throw new RangeError(`a certificate's lifetime must be 0 ms or more, got ${lifetimeMs}`);
  }
  const serialNumber = randomBytes(random, SERIAL_NUMBER_BYTES);
  // Positive, and without a zero byte in front (RFC 5280 §4.1.2.2).
  serialNumber[0] = (serialNumber[0]! & 0x3f) | 0x40;
  const certificate = encodeSelfSigned(key, {
    commonName,
    serialNumber,
    notBefore: wallClock - BACKDATE_MS,
    notAfter: wallClock + Math.min(lifetimeMs, MAX_CERTIFICATE_LIFETIME_MS),
  });
  return new DtlsCertificate(crypto, [certificate], key);
}
