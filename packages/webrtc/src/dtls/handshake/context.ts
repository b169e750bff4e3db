import type { CryptoProvider, ParsedCertificate } from "../../crypto/index.ts";
import type { Environment } from "../../sansio/index.ts";
import type { DtlsCertificate } from "../certificate.ts";
import type { DtlsGroup } from "../cipher/group.ts";
import { signatureSchemeOf } from "../cipher/signature.ts";
import type { CipherSuite } from "../cipher/suite.ts";
import type { DtlsVersion } from "../constants.ts";
import { DtlsError } from "../errors.ts";
import { type DtlsFingerprint, matchesFingerprint } from "../fingerprint.ts";
import type { KeyUpdater } from "../flight13/key-update.ts";
import type { DtlsPolicy } from "../options.ts";
import type { RecordLayer } from "../record/record-layer.ts";
import type { SrtpProfile } from "../srtp-profile.ts";
import type { Signed } from "./authentication.ts";
import type { HandshakeChannel } from "./channel.ts";
import type { HandshakeMessage } from "./fragment.ts";

/** What a handshake works with. */
export interface HandshakeContext {
  readonly environment: Environment<CryptoProvider>;
  readonly policy: DtlsPolicy;
  readonly certificate: DtlsCertificate | undefined;
  readonly channel: HandshakeChannel;
  readonly records: RecordLayer;
  readonly peer: PeerIdentity;
}

/** What a handshake agreed on. */
export interface HandshakeResult {
  readonly version: DtlsVersion;
  readonly suite: CipherSuite;
  readonly group: DtlsGroup;
  readonly srtpProfile: SrtpProfile | undefined;
  /** RFC 5705, RFC 8446 §7.5. */
  exportKeyingMaterial(label: string, context: Uint8Array | undefined, length: number): Uint8Array;
  /** 1.3: changes keys. */
  readonly keys: KeyUpdater | undefined;
}

/** One side of one version, from after the hellos to the end. */
export interface Handshake {
  /**
   * Takes the next message in order.
   *
   * @throws {DtlsError} when it is not acceptable; then it is as if it had not come.
   */
  handleMessage(message: HandshakeMessage, now: number): void;
  /** Set once the peer has proven that it agrees. */
  readonly result: HandshakeResult | undefined;
  /** Whether the peer has proven to be the one that the hellos were exchanged with: they are final then. */
  readonly isBound: boolean;
}

/** Who the peer is: its certificates, and whether they are those that were announced. */
export class PeerIdentity {
  /** DER, the leaf first; empty until they have come. */
  chain: readonly Uint8Array[] = [];
  readonly #crypto: CryptoProvider;
  #fingerprints: readonly DtlsFingerprint[] | undefined;
  #leaf: ParsedCertificate | undefined;
  #isAccepted = false;

  constructor(crypto: CryptoProvider, fingerprints: readonly DtlsFingerprint[] | undefined) {
    this.#crypto = crypto;
    this.#fingerprints = fingerprints;
  }

  /** Whether the certificate is one of those that were announced, or was accepted by the owner. */
  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  accept(): void {
    this.#isAccepted = true;
  }

  /** @throws {DtlsError} when the certificate has come, and is not one of these. */
  setFingerprints(fingerprints: readonly DtlsFingerprint[]): void {
    this.#fingerprints = fingerprints;
    if (this.chain[0] !== undefined) this.#check(this.chain[0]);
  }

  /** @throws {DtlsError} when there is no certificate, it cannot be used, or is not one that was announced. */
  setChain(chain: readonly Uint8Array[]): void {
    const [der] = chain;
    if (der === undefined) {
      throw new DtlsError(
        "ERR_DTLS_NO_CERTIFICATE",
        "certificate_required",
        "the peer sent no certificate",
        "RFC 8827 §6.5",
      );
    }
    const leaf = this.#crypto.parseCertificate(der);
    if (leaf === undefined) {
      throw new DtlsError(
        "ERR_DTLS_BAD_CERTIFICATE",
        "bad_certificate",
        `the peer's certificate of ${der.length} bytes is not X.509 with a key of a type that is understood`,
      );
    }
    this.#check(der);
    this.#leaf = leaf;
    this.chain = chain;
  }

  /**
   * Checks a signature by the peer's key.
   *
   * @throws {DtlsError} `ERR_DTLS_BAD_SIGNATURE`.
   */
  verify(version: DtlsVersion, content: Uint8Array, { scheme, signature }: Signed): void {
    const leaf = this.#leaf;
    const known = leaf && signatureSchemeOf(scheme, leaf.keyType, version);
    if (leaf === undefined || known === undefined) {
      throw new DtlsError(
        "ERR_DTLS_BAD_SIGNATURE",
        "illegal_parameter",
        `signature scheme 0x${scheme.toString(16)} does not fit the peer's certificate`,
        "RFC 8446 §4.4.3",
      );
    }
    if (!leaf.verify(known, content, signature)) {
      throw new DtlsError(
        "ERR_DTLS_BAD_SIGNATURE",
        "decrypt_error",
        "the peer's signature does not verify with the key of its certificate",
        "RFC 8446 §4.4.3",
      );
    }
  }

  /** Type of the peer's key: in 1.2 the suite has to fit. */
  get keyType(): ParsedCertificate["keyType"] | undefined {
    return this.#leaf?.keyType;
  }

  #check(der: Uint8Array): void {
    if (this.#fingerprints === undefined) return;
    if (!matchesFingerprint(this.#crypto, der, this.#fingerprints)) {
      throw new DtlsError(
        "ERR_DTLS_FINGERPRINT_MISMATCH",
        "bad_certificate",
        `the peer's certificate matches none of the ${this.#fingerprints.length} fingerprints that were announced`,
        "RFC 8122 §5",
      );
    }
    this.#isAccepted = true;
  }
}

/** A message that is not the one expected. */
export function unexpectedMessage(message: HandshakeMessage, expected: string): DtlsError {
  return new DtlsError(
    "ERR_DTLS_UNEXPECTED_MESSAGE",
    "unexpected_message",
    `expected ${expected}, got handshake message ${message.type} in epoch ${message.epoch}`,
    "RFC 8446 §4",
  );
}
