import { readUint16, readUint32, writeUint16, writeUint32 } from "../../bytes/index.ts";
import type { RecordNumber } from "./flight.ts";

/** Epoch and sequence number, 64 bits each. */
const RECORD_NUMBER_BYTES = 16;
/** A flight has a dozen records; what a peer acknowledges beyond is not looked at. */
export const MAX_ACKED_RECORDS = 64;

/**
 * The content of an ACK (RFC 9147 §7): a vector of record numbers.
 *
 * ```
 *  length(2)  { epoch(8) sequence_number(8) }*
 * ```
 */
export function encodeAck(records: readonly RecordNumber[]): Uint8Array {
  const bytes = new Uint8Array(2 + records.length * RECORD_NUMBER_BYTES);
  writeUint16(bytes, 0, records.length * RECORD_NUMBER_BYTES);
  // RFC 9147 §7: in numerically increasing order.
  const sorted = [...records].sort((a, b) => a.epoch - b.epoch || a.sequence - b.sequence);
  sorted.forEach(({ epoch, sequence }, index) => {
    const at = 2 + index * RECORD_NUMBER_BYTES;
    writeNumber(bytes, at, epoch);
    writeNumber(bytes, at + 8, sequence);
  });
  return bytes;
}

/** The records of an ACK, at most 64; undefined when it is not one in form. */
export function decodeAck(bytes: Uint8Array): RecordNumber[] | undefined {
  if (bytes.length < 2) return undefined;
  const length = readUint16(bytes, 0);
  if (length !== bytes.length - 2 || length % RECORD_NUMBER_BYTES !== 0) return undefined;
  const count = Math.min(length / RECORD_NUMBER_BYTES, MAX_ACKED_RECORDS);
  return Array.from({ length: count }, (_, index) => {
    const at = 2 + index * RECORD_NUMBER_BYTES;
    return { epoch: readNumber(bytes, at), sequence: readNumber(bytes, at + 8) };
  });
}

/** Beyond 2^53 it is not exact, and not a number we ever sent. */
function readNumber(bytes: Uint8Array, offset: number): number {
  return readUint32(bytes, offset) * 2 ** 32 + readUint32(bytes, offset + 4);
}

function writeNumber(bytes: Uint8Array, offset: number, value: number): void {
  writeUint32(bytes, offset, Math.floor(value / 2 ** 32));
  writeUint32(bytes, offset + 4, value % 2 ** 32);
}
