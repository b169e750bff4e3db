import { readUint16, readUint32, writeUint16, writeUint32 } from "../../bytes/index.ts";
import { createParameter, PARAMETER_HEADER_BYTES, ParameterType } from "./parameter.ts";

/**
 * Outgoing SSN Reset Request (RFC 6525 §4.1).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Parameter Type = 13       | Parameter Length = 16 + 2 * N |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           Re-configuration Request Sequence Number            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           Re-configuration Response Sequence Number           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                Sender's Last Assigned TSN                     |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Stream Number 1 (optional)   |    Stream Number 2 (optional) |
 */
export interface OutgoingSsnResetRequest {
  readonly type: "outgoingSsnReset";
  readonly requestSequenceNumber: number;
  readonly responseSequenceNumber: number;
  readonly senderLastAssignedTsn: number;
  /** None means all streams. */
  readonly streamIds: readonly number[];
}

const FIXED_BYTES = 12;

export function decodeOutgoingSsnReset(value: Uint8Array): OutgoingSsnResetRequest | undefined {
  if (value.length < FIXED_BYTES || value.length % 2 !== 0) return undefined;
  return {
    type: "outgoingSsnReset",
    requestSequenceNumber: readUint32(value, 0),
    responseSequenceNumber: readUint32(value, 4),
    senderLastAssignedTsn: readUint32(value, 8),
    streamIds: readStreamIds(value, FIXED_BYTES),
  };
}

/** A whole parameter. */
export function encodeOutgoingSsnReset(request: Omit<OutgoingSsnResetRequest, "type">): Uint8Array {
  const parameter = createParameter(
    ParameterType.outgoingSsnReset,
    FIXED_BYTES + request.streamIds.length * 2,
  );
  writeUint32(parameter, PARAMETER_HEADER_BYTES, request.requestSequenceNumber);
  writeUint32(parameter, PARAMETER_HEADER_BYTES + 4, request.responseSequenceNumber);
  writeUint32(parameter, PARAMETER_HEADER_BYTES + 8, request.senderLastAssignedTsn);
  let offset = PARAMETER_HEADER_BYTES + FIXED_BYTES;
  for (const streamId of request.streamIds) {
    writeUint16(parameter, offset, streamId);
    offset += 2;
  }
  return parameter;
}

/** Stream numbers from `start` to the end of `value`, each once. */
export function readStreamIds(value: Uint8Array, start: number): readonly number[] {
  const streamIds = new Set<number>();
  for (let offset = start; offset < value.length; offset += 2) streamIds.add(readUint16(value, offset));
  return [...streamIds];
}
