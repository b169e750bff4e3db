import { readUint16, readUint32, writeUint16, writeUint32 } from "../../bytes/index.ts";
import { decodeInitParameters, type InitParameters } from "../parameter/init-parameters.ts";
import { CHUNK_HEADER_BYTES, type ChunkType, createChunk } from "./chunk.ts";

/**
 * INIT and INIT ACK (RFC 9260 §3.3.2, §3.3.3), which have the same structure.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Type = 1, 2  |  Chunk Flags  |      Chunk Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         Initiate Tag                          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Advertised Receiver Window Credit (a_rwnd)           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Number of Outbound Streams   |   Number of Inbound Streams   |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                          Initial TSN                          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \              Optional/Variable-Length Parameters              \
 */
const FIXED_BYTES = 16;

/** What INIT and INIT ACK say. */
export interface InitChunk {
  readonly initiateTag: number;
  readonly aRwnd: number;
  readonly outboundStreams: number;
  readonly inboundStreams: number;
  readonly initialTsn: number;
  readonly parameters: InitParameters;
}

/** The fields of an INIT to send; its parameters come encoded. */
export interface InitFields extends Omit<InitChunk, "parameters"> {
  /** Whole parameters with their headers and padding. */
  readonly parameters: readonly Uint8Array[];
}

/** Reads a chunk value; undefined when it is too short or a parameter reaches beyond it. Copies what it keeps. */
export function decodeInit(value: Uint8Array): InitChunk | undefined {
  if (value.length < FIXED_BYTES) return undefined;
  const parameters = decodeInitParameters(value.subarray(FIXED_BYTES));
  if (parameters === undefined) return undefined;
  return {
    initiateTag: readUint32(value, 0),
    aRwnd: readUint32(value, 4),
    outboundStreams: readUint16(value, 8),
    inboundStreams: readUint16(value, 10),
    initialTsn: readUint32(value, 12),
    parameters,
  };
}

/** A whole INIT or INIT ACK chunk. */
export function encodeInit(
  type: typeof ChunkType.init | typeof ChunkType.initAck,
  fields: InitFields,
): Uint8Array {
  const parameterBytes = fields.parameters.reduce((length, parameter) => length + parameter.length, 0);
  const chunk = createChunk(type, 0, FIXED_BYTES + parameterBytes);
  writeUint32(chunk, CHUNK_HEADER_BYTES, fields.initiateTag);
  writeUint32(chunk, CHUNK_HEADER_BYTES + 4, fields.aRwnd);
  writeUint16(chunk, CHUNK_HEADER_BYTES + 8, fields.outboundStreams);
  writeUint16(chunk, CHUNK_HEADER_BYTES + 10, fields.inboundStreams);
  writeUint32(chunk, CHUNK_HEADER_BYTES + 12, fields.initialTsn);
  let offset = CHUNK_HEADER_BYTES + FIXED_BYTES;
  for (const parameter of fields.parameters) {
    chunk.set(parameter, offset);
    offset += parameter.length;
  }
  return chunk;
}
