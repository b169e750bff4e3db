import { readUint16, readUint32, writeUint16, writeUint32 } from "../../bytes/index.ts";
import { ChunkType, writeChunkHeader } from "./chunk.ts";
import { type DataFields, DataFlag } from "./data.ts";

/**
 * I-DATA (RFC 8260 §2.1): fragments that name their message, so that messages of different streams can be interleaved.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 64   |  Res  |I|U|B|E|       Length = Variable       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                              TSN                              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |        Stream Identifier      |           Reserved            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      Message Identifier                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |    Payload Protocol Identifier / Fragment Sequence Number     |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * /                           User Data                           /
 */
export const I_DATA_HEADER_BYTES = 20;

/** Reads the value `bytes[start, end)` of an I-DATA chunk into `fields`; false when it is too short. */
export function readIData(
  bytes: Uint8Array,
  flags: number,
  start: number,
  end: number,
  fields: DataFields,
): boolean {
  if (end - start < I_DATA_HEADER_BYTES - 4) return false;
  const last = readUint32(bytes, start + 12);
  // RFC 8260 §2.1: the first fragment carries the PPID in this place and has the FSN 0.
  const isFirst = (flags & DataFlag.begin) !== 0;
  fields.flags = flags;
  fields.tsn = readUint32(bytes, start);
  fields.streamId = readUint16(bytes, start + 4);
  fields.messageId = readUint32(bytes, start + 8);
  fields.fsn = isFirst ? 0 : last;
  fields.ppid = isFirst ? last : 0;
  fields.start = start + 16;
  fields.end = end;
  return true;
}

/**
 * Writes the header of an I-DATA chunk with `length` bytes of user data.
 *
 * @param ppidOrFsn - The PPID in the first fragment, the fragment sequence number in all others.
 */
export function writeIDataHeader(
  bytes: Uint8Array,
  offset: number,
  flags: number,
  length: number,
  tsn: number,
  streamId: number,
  mid: number,
  ppidOrFsn: number,
): void {
  writeChunkHeader(bytes, offset, ChunkType.iData, flags, I_DATA_HEADER_BYTES + length);
  writeUint32(bytes, offset + 4, tsn);
  writeUint16(bytes, offset + 8, streamId);
  writeUint16(bytes, offset + 10, 0);
  writeUint32(bytes, offset + 12, mid);
  writeUint32(bytes, offset + 16, ppidOrFsn);
}
