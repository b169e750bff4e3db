import { writeUint16 } from "../../bytes/index.ts";
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, type Aead, type CryptoProvider } from "../../crypto/index.ts";
import type { KeyBlockHalf } from "../cipher/prf.ts";
import type { CipherSuite } from "../cipher/suite.ts";
import { WireVersion } from "../constants.ts";
import {
  type OpenedRecord,
  type OpenFailure,
  PLAINTEXT_HEADER_BYTES,
  type RecordOpener,
  type RecordSealer,
  readSequence,
  writeNonce,
  writeRecordHeader,
} from "./record.ts";
import { ReplayWindow } from "./replay-window.ts";

/** RFC 5288 §3: with GCM the last 8 bytes of the nonce stand before the ciphertext. */
const EXPLICIT_NONCE_BYTES = 8;
const AAD_BYTES = 13;

/** What both directions share: the AEAD, its nonce and its additional data (RFC 5246 §6.2.3.3). */
class Protection12 {
  readonly aead: Aead;
  readonly explicitNonceBytes: number;
  readonly nonce: Uint8Array = new Uint8Array(AEAD_NONCE_BYTES);
  readonly aad: Uint8Array = new Uint8Array(AAD_BYTES);
  /** With ChaCha20 the whole nonce's (RFC 7905 §2); with GCM its first 4 bytes, and zeros. */
  readonly iv: Uint8Array = new Uint8Array(AEAD_NONCE_BYTES);

  constructor(crypto: CryptoProvider, suite: CipherSuite, keys: KeyBlockHalf) {
    this.aead = crypto.createAead(suite.aead, keys.key);
    this.explicitNonceBytes = suite.aead === "chacha20-poly1305" ? 0 : EXPLICIT_NONCE_BYTES;
    this.iv.set(keys.iv);
  }

  /** RFC 6347 §4.1.2.1: epoch and sequence number stand where TLS has its sequence number. */
  writeAad(header: Uint8Array, start: number, length: number): void {
    const aad = this.aad;
    for (let i = 0; i < 8; i++) aad[i] = header[start + 3 + i]!;
    for (let i = 0; i < 3; i++) aad[8 + i] = header[start + i]!;
    writeUint16(aad, 11, length);
  }
}

/** Protects records of DTLS 1.2. */
export class RecordSealer12 implements RecordSealer {
  readonly epoch = 1;
  readonly headerBytes: number;
  readonly trailerBytes: number = AEAD_TAG_BYTES;
  readonly #protection: Protection12;
  #sequence = 0;

  constructor(crypto: CryptoProvider, suite: CipherSuite, keys: KeyBlockHalf) {
    this.#protection = new Protection12(crypto, suite, keys);
    this.headerBytes = PLAINTEXT_HEADER_BYTES + this.#protection.explicitNonceBytes;
  }

  get sequence(): number {
    return this.#sequence;
  }

  seal(type: number, bytes: Uint8Array, start: number, end: number): number {
    const { aead, nonce, aad, iv, explicitNonceBytes } = this.#protection;
    const sequence = this.#sequence++;
    const header = start - this.headerBytes;
    const length = explicitNonceBytes + end - start + AEAD_TAG_BYTES;
    writeRecordHeader(bytes, header, type, WireVersion.dtls12, this.epoch, sequence, length);
    this.#protection.writeAad(bytes, header, end - start);
    writeNonce(nonce, iv, this.epoch, sequence);
    // The epoch and sequence number: counted, and so never used twice.
    if (explicitNonceBytes > 0) bytes.set(nonce.subarray(4), header + PLAINTEXT_HEADER_BYTES);
    aead.seal(nonce, aad, 0, AAD_BYTES, bytes, start, end);
    return end + AEAD_TAG_BYTES;
  }
}

/** Opens records of DTLS 1.2. */
export class RecordOpener12 implements RecordOpener {
  readonly epoch = 1;
  failures = 0;
  readonly #window = new ReplayWindow();
  readonly #protection: Protection12;

  constructor(crypto: CryptoProvider, suite: CipherSuite, keys: KeyBlockHalf) {
    this.#protection = new Protection12(crypto, suite, keys);
  }

  open(
    bytes: Uint8Array,
    start: number,
    headerEnd: number,
    end: number,
    target: Uint8Array,
    offset: number,
    record: OpenedRecord,
  ): OpenFailure | undefined {
    const { aead, nonce, aad, iv, explicitNonceBytes } = this.#protection;
    const ciphertext = headerEnd + explicitNonceBytes;
    const length = end - ciphertext - AEAD_TAG_BYTES;
    if (length < 0) return "malformed";
    const sequence = readSequence(bytes, start + 5);
    if (!this.#window.isFresh(sequence)) return "replayed";
    this.#protection.writeAad(bytes, start, length);
    writeNonce(nonce, iv, this.epoch, sequence);
    // The peer chooses the explicit nonce as it likes (RFC 5288 §3).
    if (explicitNonceBytes > 0) nonce.set(bytes.subarray(headerEnd, ciphertext), 4);
    if (!aead.open(nonce, aad, 0, AAD_BYTES, bytes, ciphertext, end, target, offset)) {
      this.failures++;
      return "forged";
    }
    this.#window.add(sequence);
    record.type = bytes[start]!;
    record.epoch = this.epoch;
    record.sequence = sequence;
    record.bytes = target;
    record.start = offset;
    record.end = offset + length;
    return undefined;
  }
}
