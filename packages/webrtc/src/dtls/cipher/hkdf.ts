import type { CryptoProvider } from "../../crypto/index.ts";
import { WireWriter } from "../wire.ts";
import type { SuiteHash } from "./suite.ts";

/** Digest length of the hashes of cipher suites. */
export const HASH_BYTES: Readonly<Record<SuiteHash, number>> = { "sha-256": 32, "sha-384": 48 };

/** RFC 9147 §5.9: no space behind it, unlike "tls13 ". */
const DTLS_LABEL_PREFIX = "dtls13";

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

/** HKDF (RFC 5869) with one hash, and the labels of TLS 1.3 (RFC 8446 §7.1). */
export class Hkdf {
  readonly hash: SuiteHash;
  /** Digest length. */
  readonly size: number;
  readonly #crypto: CryptoProvider;
  readonly #prefix: string;

  /** @param prefix - Of every label. Only the vectors of TLS have another. */
  constructor(crypto: CryptoProvider, hash: SuiteHash, prefix: string = DTLS_LABEL_PREFIX) {
    this.#crypto = crypto;
    this.hash = hash;
    this.size = HASH_BYTES[hash];
    this.#prefix = prefix;
  }

  /** RFC 5869 §2.2. */
  extract(salt: Uint8Array, inputKeyMaterial: Uint8Array): Uint8Array {
    return this.hmac(salt, inputKeyMaterial);
  }

  /** RFC 8446 §7.1: HKDF-Expand-Label. */
  expandLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array {
    const info = new WireWriter()
      .uint16(length)
      .vector(1, encoder.encode(this.#prefix + label))
      .vector(1, context)
      .finish();
    return this.expand(secret, info, length);
  }

  /** RFC 8446 §7.1: Derive-Secret, given the hash of the messages. */
  deriveSecret(secret: Uint8Array, label: string, transcriptHash: Uint8Array): Uint8Array {
    return this.expandLabel(secret, label, transcriptHash, this.size);
  }

  /** RFC 5869 §2.3. */
  expand(secret: Uint8Array, info: Uint8Array, length: number): Uint8Array {
    const hmac = this.#crypto.createHmac(this.hash, secret);
    const blocks = Math.ceil(length / this.size);
    const output = new Uint8Array(blocks * this.size);
    // T(i - 1) | info | i
    const block = new Uint8Array(this.size + info.length + 1);
    block.set(info, this.size);
    for (let i = 1; i <= blocks; i++) {
      block[block.length - 1] = i;
      hmac.compute(block, i === 1 ? this.size : 0, block.length, output, (i - 1) * this.size);
      block.set(output.subarray((i - 1) * this.size, i * this.size));
    }
    return output.subarray(0, length);
  }

  hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
    const mac = new Uint8Array(this.size);
    this.#crypto.createHmac(this.hash, key).compute(data, 0, data.length, mac, 0);
    return mac;
  }

  /** The hash of nothing: the context of secrets that depend on no message. */
  emptyHash(): Uint8Array {
    return this.#crypto.hash(this.hash, NOTHING);
  }
}
