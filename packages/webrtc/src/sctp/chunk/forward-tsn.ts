import { readUint16, readUint32, writeUint16, writeUint32 } from "../../bytes/index.ts";
import { CHUNK_HEADER_BYTES, ChunkType, createChunk } from "./chunk.ts";

/**
 * FORWARD TSN (RFC 3758 §3.2).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 192  |  Flags = 0x00 |        Length = Variable      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      New Cumulative TSN                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Stream-1              |       Stream Sequence-1       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export interface ForwardTsnChunk {
  readonly newCumulativeTsn: number;
  readonly skipped: readonly SkippedMessage[];
}

/** The last message of a stream that will not come any more. */
export interface SkippedMessage {
  readonly streamId: number;
  /** Only I-FORWARD-TSN tells skipped unordered messages. */
  readonly isUnordered: boolean;
  /** Stream sequence number, or message identifier in I-FORWARD-TSN. */
  readonly messageId: number;
}

/** Bytes of one entry. */
export const FORWARD_TSN_ENTRY_BYTES = 4;

/** Reads a chunk value; undefined when it is no whole number of entries. */
export function decodeForwardTsn(value: Uint8Array): ForwardTsnChunk | undefined {
  if (value.length < 4 || (value.length - 4) % FORWARD_TSN_ENTRY_BYTES !== 0) return undefined;
  const skipped: SkippedMessage[] = [];
  for (let offset = 4; offset < value.length; offset += FORWARD_TSN_ENTRY_BYTES) {
    skipped.push({
      streamId: readUint16(value, offset),
      isUnordered: false,
      messageId: readUint16(value, offset + 2),
    });
  }
  return { newCumulativeTsn: readUint32(value, 0), skipped };
}

/** A whole chunk. */
export function encodeForwardTsn(value: ForwardTsnChunk): Uint8Array {
  const chunk = createChunk(ChunkType.forwardTsn, 0, 4 + value.skipped.length * FORWARD_TSN_ENTRY_BYTES);
  writeUint32(chunk, CHUNK_HEADER_BYTES, value.newCumulativeTsn);
  let offset = CHUNK_HEADER_BYTES + 4;
  for (const { streamId, messageId } of value.skipped) {
    writeUint16(chunk, offset, streamId);
    writeUint16(chunk, offset + 2, messageId);
    offset += FORWARD_TSN_ENTRY_BYTES;
  }
  return chunk;
}
