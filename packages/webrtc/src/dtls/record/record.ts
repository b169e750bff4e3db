import { writeUint16 } from "../../bytes/index.ts";

/** Room a record needs before its content, whatever the version: header and explicit nonce of 1.2. */
export const RECORD_HEADROOM_BYTES = 21;
/** Room it needs behind: the inner content type of 1.3, and the tag. */
export const RECORD_TRAILER_BYTES = 17;

/** RFC 9147 §4.2.1: sequence numbers have 48 bits on the wire in 1.2, and are not let beyond them in 1.3. */
export const MAX_SEQUENCE: number = 2 ** 48 - 1;

/** What was in a record. One object per layer, written anew for each record. */
export interface OpenedRecord {
  type: number;
  epoch: number;
  sequence: number;
  /** Holds the content at `[start, end)`; lent until the next record is asked for. */
  bytes: Uint8Array;
  start: number;
  end: number;
}

/** Protects records of one epoch, one after the other. */
export interface RecordSealer {
  readonly epoch: number;
  /** Sequence number of the next record. */
  readonly sequence: number;
  /** Bytes before the content. */
  readonly headerBytes: number;
  /** Bytes behind the content. */
  readonly trailerBytes: number;
  /**
   * Makes a record of `bytes[start, end)` in place, from `start - headerBytes` on.
   *
   * @returns where the record ends.
   */
  seal(type: number, bytes: Uint8Array, start: number, end: number): number;
}

/** Why a record was not opened. */
export type OpenFailure = "malformed" | "replayed" | "forged";

/** Opens records of one epoch, in any order. */
export interface RecordOpener {
  readonly epoch: number;
  /** Records that failed authentication (RFC 9147 §4.5.3). */
  readonly failures: number;
  /**
   * Opens the record `bytes[start, end)` to `target` at `offset`, and notes its sequence number when it is authentic.
   *
   * @param headerEnd - Where the header ends that has been parsed.
   */
  open(
    bytes: Uint8Array,
    start: number,
    headerEnd: number,
    end: number,
    target: Uint8Array,
    offset: number,
    record: OpenedRecord,
  ): OpenFailure | undefined;
}

/** Header of DTLSPlaintext, and of every record of 1.2. */
export const PLAINTEXT_HEADER_BYTES = 13;

/**
 * Writes the header that plaintext records of all versions and protected records of 1.2 have (RFC 6347 §4.1):
 *
 * ```
 *  0        1           3         5                       11        13
 *  +--------+-----------+---------+-----------------------+---------+
 *  |  Type  |  Version  |  Epoch  |    Sequence number    |  Length |
 *  +--------+-----------+---------+-----------------------+---------+
 * ```
 */
export function writeRecordHeader(
  bytes: Uint8Array,
  start: number,
  type: number,
  version: number,
  epoch: number,
  sequence: number,
  length: number,
): void {
  bytes[start] = type;
  writeUint16(bytes, start + 1, version);
  writeUint16(bytes, start + 3, epoch);
  writeSequence(bytes, start + 5, sequence);
  writeUint16(bytes, start + 11, length);
}

/** A sequence number of 48 bits. */
export function writeSequence(bytes: Uint8Array, offset: number, sequence: number): void {
  writeUint16(bytes, offset, Math.floor(sequence / 2 ** 32));
  bytes[offset + 2] = sequence >>> 24;
  bytes[offset + 3] = sequence >>> 16;
  bytes[offset + 4] = sequence >>> 8;
  bytes[offset + 5] = sequence;
}

/** A sequence number of 48 bits. */
export function readSequence(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let i = 0; i < 6; i++) value = value * 256 + bytes[offset + i]!;
  return value;
}

/** Epoch 0: records in the clear. */
export class PlaintextSealer implements RecordSealer {
  readonly epoch = 0;
  readonly headerBytes: number = PLAINTEXT_HEADER_BYTES;
  readonly trailerBytes = 0;
  /** On the wire; 1.0 in a client's first records, for servers that know nothing newer. */
  version: number;
  #sequence = 0;

  constructor(version: number) {
    this.version = version;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** RFC 6347 §4.2.1: a server that kept no state goes on behind the record that it answers. */
  skipTo(sequence: number): void {
    if (sequence > this.#sequence && sequence <= MAX_SEQUENCE) this.#sequence = sequence;
  }

  seal(type: number, bytes: Uint8Array, start: number, end: number): number {
    writeRecordHeader(
      bytes,
      start - PLAINTEXT_HEADER_BYTES,
      type,
      this.version,
      0,
      this.#sequence++,
      end - start,
    );
    return end;
  }
}

/** The nonce of a record: the IV with the sequence number (and epoch) XORed into its last 8 bytes. */
export function writeNonce(nonce: Uint8Array, iv: Uint8Array, epoch: number, sequence: number): void {
  const high = Math.floor(sequence / 2 ** 32);
  const low = sequence >>> 0;
  nonce[0] = iv[0]!;
  nonce[1] = iv[1]!;
  nonce[2] = iv[2]!;
  nonce[3] = iv[3]!;
  nonce[4] = iv[4]! ^ (epoch >>> 8);
  nonce[5] = iv[5]! ^ (epoch & 0xff);
  nonce[6] = iv[6]! ^ (high >>> 8);
  nonce[7] = iv[7]! ^ (high & 0xff);
  nonce[8] = iv[8]! ^ (low >>> 24);
  nonce[9] = iv[9]! ^ ((low >>> 16) & 0xff);
  nonce[10] = iv[10]! ^ ((low >>> 8) & 0xff);
  nonce[11] = iv[11]! ^ (low & 0xff);
}
