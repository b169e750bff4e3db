import { readUint16, readUint32, writeUint16, writeUint32 } from "../../bytes/index.ts";
import { CHUNK_HEADER_BYTES, ChunkType, createChunk } from "./chunk.ts";
import type { ForwardTsnChunk, SkippedMessage } from "./forward-tsn.ts";

/**
 * I-FORWARD-TSN (RFC 8260 §2.3.1).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 194  | Flags = 0x00  |      Length = Variable        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       New Cumulative TSN                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |       Stream Identifier       |          Reserved           |U|
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Message Identifier                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
const UNORDERED = 0x0001;

/** Bytes of one entry. */
export const I_FORWARD_TSN_ENTRY_BYTES = 8;

/** Reads a chunk value; undefined when it is no whole number of entries. */
export function decodeIForwardTsn(value: Uint8Array): ForwardTsnChunk | undefined {
  if (value.length < 4 || (value.length - 4) % I_FORWARD_TSN_ENTRY_BYTES !== 0) return undefined;
  const skipped: SkippedMessage[] = [];
  for (let offset = 4; offset < value.length; offset += I_FORWARD_TSN_ENTRY_BYTES) {
    skipped.push({
      streamId: readUint16(value, offset),
      isUnordered: (readUint16(value, offset + 2) & UNORDERED) !== 0,
      messageId: readUint32(value, offset + 4),
    });
  }
  return { newCumulativeTsn: readUint32(value, 0), skipped };
}

/** A whole chunk. */
export function encodeIForwardTsn(value: ForwardTsnChunk): Uint8Array {
  const chunk = createChunk(ChunkType.iForwardTsn, 0, 4 + value.skipped.length * I_FORWARD_TSN_ENTRY_BYTES);
  writeUint32(chunk, CHUNK_HEADER_BYTES, value.newCumulativeTsn);
  let offset = CHUNK_HEADER_BYTES + 4;
  for (const { streamId, isUnordered, messageId } of value.skipped) {
    writeUint16(chunk, offset, streamId);
    writeUint16(chunk, offset + 2, isUnordered ? UNORDERED : 0);
    writeUint32(chunk, offset + 4, messageId);
    offset += I_FORWARD_TSN_ENTRY_BYTES;
  }
  return chunk;
}
