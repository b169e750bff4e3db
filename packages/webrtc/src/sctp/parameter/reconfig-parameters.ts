import { readUint32 } from "../../bytes/index.ts";
import { type AddStreamsRequest, decodeAddStreams } from "./add-streams.ts";
import { decodeIncomingSsnReset, type IncomingSsnResetRequest } from "./incoming-ssn-reset.ts";
import { decodeOutgoingSsnReset, type OutgoingSsnResetRequest } from "./outgoing-ssn-reset.ts";
import { ParameterType } from "./parameter.ts";
import { decodeReconfigResponse, type ReconfigResponse } from "./reconfig-response.ts";

/**
 * SSN/TSN Reset Request (RFC 6525 §4.3): a sequence number alone.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Parameter Type = 15       |      Parameter Length = 8     |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Re-configuration Request Sequence Number              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export interface SsnTsnResetRequest {
  readonly type: "ssnTsnReset";
  readonly requestSequenceNumber: number;
}

/** A parameter of RE-CONFIG. */
export type ReconfigParameter =
  | OutgoingSsnResetRequest
  | IncomingSsnResetRequest
  | SsnTsnResetRequest
  | AddStreamsRequest
  | ReconfigResponse;

/** Reads one parameter; undefined when its type is unknown or its value is not what the type says. */
export function decodeReconfigParameter(type: number, value: Uint8Array): ReconfigParameter | undefined {
  switch (type) {
    case ParameterType.outgoingSsnReset:
      return decodeOutgoingSsnReset(value);
    case ParameterType.incomingSsnReset:
      return decodeIncomingSsnReset(value);
    case ParameterType.ssnTsnReset:
      return value.length === 4
        ? { type: "ssnTsnReset", requestSequenceNumber: readUint32(value, 0) }
        : undefined;
    case ParameterType.addOutgoingStreams:
      return decodeAddStreams(value, "outgoing");
    case ParameterType.addIncomingStreams:
      return decodeAddStreams(value, "incoming");
    case ParameterType.reconfigResponse:
      return decodeReconfigResponse(value);
    default:
      return undefined;
  }
}
