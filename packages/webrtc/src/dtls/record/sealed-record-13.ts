import { readUint16, writeUint16 } from "../../bytes/index.ts";
import {
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  type Aead,
  BLOCK_BYTES,
  type BlockCipher,
  type CryptoProvider,
} from "../../crypto/index.ts";
import type { TrafficKeys } from "../cipher/key-schedule.ts";
import type { CipherSuite } from "../cipher/suite.ts";
import {
  type OpenedRecord,
  type OpenFailure,
  type RecordOpener,
  type RecordSealer,
  writeNonce,
} from "./record.ts";
import { ReplayWindow } from "./replay-window.ts";

/**
 * The unified header (RFC 9147 §4):
 *
 * ```
 *  0 1 2 3 4 5 6 7
 * +-+-+-+-+-+-+-+-+
 * |0|0|1|C|S|L|E E|  C: connection ID follows; S: 16-bit sequence number, not 8; L: length follows;
 * +-+-+-+-+-+-+-+-+  E: low bits of the epoch
 * | 8 or 16 bits of the sequence number, masked |
 * | 16 bits of length, if L                     |
 * ```
 */
export const UnifiedHeader = {
  /** Bits that tell it from all other first bytes, and their value. */
  fixedMask: 0b1110_0000,
  fixed: 0b0010_0000,
  connectionId: 0b0001_0000,
  longSequence: 0b0000_1000,
  length: 0b0000_0100,
  epochMask: 0b0000_0011,
} as const;

/** The header we send: 16-bit sequence number, and a length, so that records can share a datagram. */
const HEADER_BYTES = 5;
/** The content type behind the content (RFC 8446 §5.2). */
const INNER_TYPE_BYTES = 1;

/** What both directions share. */
class Protection13 {
  readonly aead: Aead;
  readonly iv: Uint8Array;
  readonly nonce: Uint8Array = new Uint8Array(AEAD_NONCE_BYTES);
  readonly #masks: BlockCipher;
  readonly #mask = new Uint8Array(BLOCK_BYTES);

  constructor(crypto: CryptoProvider, suite: CipherSuite, keys: TrafficKeys) {
    this.aead = crypto.createAead(suite.aead, keys.key);
    this.iv = keys.iv;
    this.#masks = crypto.createBlockCipher(suite.mask, keys.recordNumberKey);
  }

  /** RFC 9147 §4.2.3: the mask comes from the first 16 bytes of the ciphertext, which starts at `ciphertext`. */
  maskAt(bytes: Uint8Array, ciphertext: number): Uint8Array {
    this.#masks.encrypt(bytes, ciphertext, ciphertext + BLOCK_BYTES, this.#mask, 0);
    return this.#mask;
  }
}

/** Protects records of one epoch of DTLS 1.3. */
export class RecordSealer13 implements RecordSealer {
  readonly epoch: number;
  readonly headerBytes: number = HEADER_BYTES;
  readonly trailerBytes: number = INNER_TYPE_BYTES + AEAD_TAG_BYTES;
  readonly #protection: Protection13;
  #sequence = 0;

  constructor(crypto: CryptoProvider, suite: CipherSuite, keys: TrafficKeys, epoch: number) {
    this.epoch = epoch;
    this.#protection = new Protection13(crypto, suite, keys);
  }

  get sequence(): number {
    return this.#sequence;
  }

  seal(type: number, bytes: Uint8Array, start: number, end: number): number {
    const { aead, nonce, iv } = this.#protection;
    const sequence = this.#sequence++;
    const header = start - HEADER_BYTES;
    const innerEnd = end + INNER_TYPE_BYTES;
    bytes[end] = type;
    bytes[header] =
      UnifiedHeader.fixed |
      UnifiedHeader.longSequence |
      UnifiedHeader.length |
      (this.epoch & UnifiedHeader.epochMask);
    writeUint16(bytes, header + 1, sequence);
    writeUint16(bytes, header + 3, innerEnd - start + AEAD_TAG_BYTES);
    // RFC 9147 §4: unlike in 1.2, the epoch is no part of the nonce.
    writeNonce(nonce, iv, 0, sequence);
    aead.seal(nonce, bytes, header, start, bytes, start, innerEnd);
    const mask = this.#protection.maskAt(bytes, start);
    bytes[header + 1]! ^= mask[0]!;
    bytes[header + 2]! ^= mask[1]!;
    return innerEnd + AEAD_TAG_BYTES;
  }
}

/** Opens records of one epoch of DTLS 1.3. */
export class RecordOpener13 implements RecordOpener {
  readonly epoch: number;
  failures = 0;
  readonly #window = new ReplayWindow();
  readonly #protection: Protection13;
  /** The header with its sequence number unmasked, which is the additional data. */
  readonly #header = new Uint8Array(HEADER_BYTES);

  constructor(crypto: CryptoProvider, suite: CipherSuite, keys: TrafficKeys, epoch: number) {
    this.epoch = epoch;
    this.#protection = new Protection13(crypto, suite, keys);
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
    // RFC 9147 §4.2.3: shorter than the sample for the mask. The tag alone is as long; the type needs one more.
    if (end - headerEnd < AEAD_TAG_BYTES + INNER_TYPE_BYTES) return "malformed";
    const { aead, nonce, iv } = this.#protection;
    const header = this.#header;
    const headerBytes = headerEnd - start;
    for (let i = 0; i < headerBytes; i++) header[i] = bytes[start + i]!;
    const mask = this.#protection.maskAt(bytes, headerEnd);
    header[1]! ^= mask[0]!;
    const isLong = (header[0]! & UnifiedHeader.longSequence) !== 0;
    if (isLong) header[2]! ^= mask[1]!;
    const sequence = reconstructSequence(
      isLong ? readUint16(header, 1) : header[1]!,
      isLong ? 0x1_0000 : 0x100,
      this.#window.highest + 1,
    );
    if (!this.#window.isFresh(sequence)) return "replayed";
    writeNonce(nonce, iv, 0, sequence);
    if (!aead.open(nonce, header, 0, headerBytes, bytes, headerEnd, end, target, offset)) {
      this.failures++;
      return "forged";
    }
    this.#window.add(sequence);
    // RFC 8446 §5.4: zeros behind the content type are padding.
    let typeAt = offset + end - headerEnd - AEAD_TAG_BYTES - 1;
    while (typeAt >= offset && target[typeAt] === 0) typeAt--;
    if (typeAt < offset) return "malformed";
    record.type = target[typeAt]!;
    record.epoch = this.epoch;
    record.sequence = sequence;
    record.bytes = target;
    record.start = offset;
    record.end = typeAt;
    return undefined;
  }
}

/**
 * RFC 9147 §4.2.2: the full sequence number with these low bits that is closest to the expected one.
 *
 * @param modulus - 2 to the number of low bits.
 */
export function reconstructSequence(low: number, modulus: number, expected: number): number {
  const candidate = expected - (expected % modulus) + low;
  if (candidate > expected + modulus / 2 && candidate >= modulus) return candidate - modulus;
  return candidate < expected - modulus / 2 ? candidate + modulus : candidate;
}
