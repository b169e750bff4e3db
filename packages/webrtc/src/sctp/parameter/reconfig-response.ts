import { readUint32, writeUint32 } from "../../bytes/index.ts";
import { createParameter, PARAMETER_HEADER_BYTES, ParameterType } from "./parameter.ts";

/** Results (RFC 6525 §4.4, table 3). */
export const ReconfigResult = {
  nothingToDo: 0,
  performed: 1,
  denied: 2,
  wrongSsn: 3,
  requestInProgress: 4,
  badSequenceNumber: 5,
  inProgress: 6,
} as const;

/**
 * Re-configuration Response (RFC 6525 §4.4).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Parameter Type = 16       |      Parameter Length         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Re-configuration Response Sequence Number             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                            Result                             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                   Sender's Next TSN (optional)                |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                  Receiver's Next TSN (optional)               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * The TSNs answer SSN/TSN resets, which are never asked for here.
 */
export interface ReconfigResponse {
  readonly type: "response";
  readonly responseSequenceNumber: number;
  readonly result: number;
}

export function decodeReconfigResponse(value: Uint8Array): ReconfigResponse | undefined {
  if (value.length !== 8 && value.length !== 16) return undefined;
  return {
    type: "response",
    responseSequenceNumber: readUint32(value, 0),
    result: readUint32(value, 4),
  };
}

/** A whole parameter. */
export function encodeReconfigResponse(responseSequenceNumber: number, result: number): Uint8Array {
  const parameter = createParameter(ParameterType.reconfigResponse, 8);
  writeUint32(parameter, PARAMETER_HEADER_BYTES, responseSequenceNumber);
  writeUint32(parameter, PARAMETER_HEADER_BYTES + 4, result);
  return parameter;
}
