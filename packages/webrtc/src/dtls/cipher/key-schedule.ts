import type { CryptoProvider } from "../../crypto/index.ts";
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES } from "../../crypto/index.ts";
import type { Hkdf } from "./hkdf.ts";
import type { CipherSuite } from "./suite.ts";

const NOTHING = new Uint8Array(0);

/** A secret for each direction. */
export interface TrafficSecrets {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
}

/** Secrets of the application. */
export interface ApplicationSecrets extends TrafficSecrets {
  /** What exported keying material is derived from. */
  readonly exporter: Uint8Array;
}

/** Keys of one direction in one epoch. */
export interface TrafficKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  /** Masks record numbers. */
  readonly recordNumberKey: Uint8Array;
}

/**
 * The key schedule of TLS 1.3 (RFC 8446 §7.1) without pre-shared keys:
 *
 * ```
 *   0 -> Extract(0) = early -> "derived" -> Extract(ECDHE) = handshake -> "derived" -> Extract(0) = master
 * ```
 */
export class KeySchedule {
  readonly #hkdf: Hkdf;
  readonly #handshake: Uint8Array;

  /** @param sharedSecret - Of the key exchange. */
  constructor(hkdf: Hkdf, sharedSecret: Uint8Array) {
    this.#hkdf = hkdf;
    const zeros = new Uint8Array(hkdf.size);
    const early = hkdf.extract(NOTHING, zeros);
    this.#handshake = hkdf.extract(hkdf.deriveSecret(early, "derived", hkdf.emptyHash()), sharedSecret);
  }

  /** @param transcriptHash - Of ClientHello to ServerHello. */
  handshakeSecrets(transcriptHash: Uint8Array): TrafficSecrets {
    return {
      client: this.#hkdf.deriveSecret(this.#handshake, "c hs traffic", transcriptHash),
      server: this.#hkdf.deriveSecret(this.#handshake, "s hs traffic", transcriptHash),
    };
  }

  /** @param transcriptHash - Of ClientHello to the server's Finished. */
  applicationSecrets(transcriptHash: Uint8Array): ApplicationSecrets {
    const hkdf = this.#hkdf;
    const salt = hkdf.deriveSecret(this.#handshake, "derived", hkdf.emptyHash());
    const master = hkdf.extract(salt, new Uint8Array(hkdf.size));
    return {
      client: hkdf.deriveSecret(master, "c ap traffic", transcriptHash),
      server: hkdf.deriveSecret(master, "s ap traffic", transcriptHash),
      exporter: hkdf.deriveSecret(master, "exp master", transcriptHash),
    };
  }
}

/** RFC 8446 §7.3 and RFC 9147 §4.2.3. */
export function deriveTrafficKeys(hkdf: Hkdf, suite: CipherSuite, secret: Uint8Array): TrafficKeys {
  const keyBytes = AEAD_KEY_BYTES[suite.aead];
  return {
    key: hkdf.expandLabel(secret, "key", NOTHING, keyBytes),
    iv: hkdf.expandLabel(secret, "iv", NOTHING, AEAD_NONCE_BYTES),
    recordNumberKey: hkdf.expandLabel(secret, "sn", NOTHING, keyBytes),
  };
}

/** RFC 8446 §7.2: the secret after a KeyUpdate. */
export function nextTrafficSecret(hkdf: Hkdf, secret: Uint8Array): Uint8Array {
  return hkdf.expandLabel(secret, "traffic upd", NOTHING, hkdf.size);
}

/** RFC 8446 §4.4.4: verify_data of a Finished. */
export function finishedMac(hkdf: Hkdf, secret: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
  return hkdf.hmac(hkdf.expandLabel(secret, "finished", NOTHING, hkdf.size), transcriptHash);
}

/** RFC 8446 §7.5: exported keying material. */
export function exportKeyingMaterial13(
  crypto: CryptoProvider,
  hkdf: Hkdf,
  exporterSecret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const secret = hkdf.deriveSecret(exporterSecret, label, hkdf.emptyHash());
  return hkdf.expandLabel(secret, "exporter", crypto.hash(hkdf.hash, context), length);
}
