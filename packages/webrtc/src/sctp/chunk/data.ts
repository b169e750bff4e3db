import { readUint16, readUint32, writeUint16, writeUint32 } from "../../bytes/index.ts";
import { ChunkType, writeChunkHeader } from "./chunk.ts";

/**
 * DATA (RFC 9260 §3.3.1).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 0    |  Res  |I|U|B|E|            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                              TSN                              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |       Stream Identifier       |    Stream Sequence Number     |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                  Payload Protocol Identifier                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * /                           User Data                           /
 */
export const DATA_HEADER_BYTES = 16;

/** Flags of DATA and I-DATA. */
export const DataFlag = {
  /** The last fragment of a message. */
  end: 0x01,
  /** The first fragment of a message. */
  begin: 0x02,
  /** The message is not ordered; its stream sequence number means nothing. */
  unordered: 0x04,
  /** RFC 9260 §3.3.1: the sender asks for a SACK at once. */
  immediate: 0x08,
} as const;

/** One fragment of user data: the fields of DATA and of I-DATA, reused from chunk to chunk on the packet path. */
export interface DataFields {
  flags: number;
  tsn: number;
  streamId: number;
  /** The stream sequence number of DATA (16 bits), or the message identifier of I-DATA (32 bits). */
  messageId: number;
  /** The fragment sequence number of I-DATA; 0 in DATA. */
  fsn: number;
  /** Payload protocol identifier; 0 in I-DATA fragments other than the first, which do not carry it. */
  ppid: number;
  /** Where the user data starts in the packet. */
  start: number;
  /** Where the user data ends in the packet. */
  end: number;
}

/** Fields to reuse. */
export function createDataFields(): DataFields {
  return { flags: 0, tsn: 0, streamId: 0, messageId: 0, fsn: 0, ppid: 0, start: 0, end: 0 };
}

/** Reads the value `bytes[start, end)` of a DATA chunk into `fields`; false when it is too short. */
export function readData(
  bytes: Uint8Array,
  flags: number,
  start: number,
  end: number,
  fields: DataFields,
): boolean {
  if (end - start < DATA_HEADER_BYTES - 4) return false;
  fields.flags = flags;
  fields.tsn = readUint32(bytes, start);
  fields.streamId = readUint16(bytes, start + 4);
  fields.messageId = readUint16(bytes, start + 6);
  fields.fsn = 0;
  fields.ppid = readUint32(bytes, start + 8);
  fields.start = start + 12;
  fields.end = end;
  return true;
}

/** Writes the header of a DATA chunk with `length` bytes of user data. */
export function writeDataHeader(
  bytes: Uint8Array,
  offset: number,
  flags: number,
  length: number,
  tsn: number,
  streamId: number,
  ssn: number,
  ppid: number,
): void {
  writeChunkHeader(bytes, offset, ChunkType.data, flags, DATA_HEADER_BYTES + length);
  writeUint32(bytes, offset + 4, tsn);
  writeUint16(bytes, offset + 8, streamId);
  writeUint16(bytes, offset + 10, ssn);
  writeUint32(bytes, offset + 12, ppid);
}
