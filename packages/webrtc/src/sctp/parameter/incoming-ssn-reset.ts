import { readUint32 } from "../../bytes/index.ts";
import { readStreamIds } from "./outgoing-ssn-reset.ts";

/**
 * Incoming SSN Reset Request (RFC 6525 §4.2). Data channels do not use it (RFC 8831 §6.7): it is read, and denied.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Parameter Type = 14       |  Parameter Length = 8 + 2 * N |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Re-configuration Request Sequence Number             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Stream Number 1 (optional)   |    Stream Number 2 (optional) |
 */
export interface IncomingSsnResetRequest {
  readonly type: "incomingSsnReset";
  readonly requestSequenceNumber: number;
  /** None means all streams. */
  readonly streamIds: readonly number[];
}

export function decodeIncomingSsnReset(value: Uint8Array): IncomingSsnResetRequest | undefined {
  if (value.length < 4 || value.length % 2 !== 0) return undefined;
  return {
    type: "incomingSsnReset",
    requestSequenceNumber: readUint32(value, 0),
    streamIds: readStreamIds(value, 4),
  };
}
