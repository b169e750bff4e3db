import { readUint16, readUint32, writeUint16, writeUint32 } from "../../bytes/index.ts";
import { createParameter, PARAMETER_HEADER_BYTES, ParameterType } from "./parameter.ts";

/**
 * Add Outgoing Streams Request and Add Incoming Streams Request (RFC 6525 §4.5, §4.6).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Parameter Type = 17, 18     |      Parameter Length = 12    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Re-configuration Request Sequence Number             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |      Number of new streams    |         Reserved              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export interface AddStreamsRequest {
  readonly type: "addStreams";
  /** As the sender of the request sees it. */
  readonly direction: "outgoing" | "incoming";
  readonly requestSequenceNumber: number;
  readonly newStreams: number;
}

export function decodeAddStreams(
  value: Uint8Array,
  direction: AddStreamsRequest["direction"],
): AddStreamsRequest | undefined {
  if (value.length !== 8) return undefined;
  return {
    type: "addStreams",
    direction,
    requestSequenceNumber: readUint32(value, 0),
    newStreams: readUint16(value, 4),
  };
}

/** A whole parameter. */
export function encodeAddStreams(request: Omit<AddStreamsRequest, "type">): Uint8Array {
  const type =
    request.direction === "outgoing" ? ParameterType.addOutgoingStreams : ParameterType.addIncomingStreams;
  const parameter = createParameter(type, 8);
  writeUint32(parameter, PARAMETER_HEADER_BYTES, request.requestSequenceNumber);
  writeUint16(parameter, PARAMETER_HEADER_BYTES + 4, request.newStreams);
  return parameter;
}
