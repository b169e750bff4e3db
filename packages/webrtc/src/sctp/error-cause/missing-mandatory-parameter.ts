import { writeUint16, writeUint32 } from "../../bytes/index.ts";
import { CauseCode, encodeCause } from "./error-cause.ts";

/**
 * Missing Mandatory Parameter (RFC 9260 §3.3.10.2).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Cause Code = 2        |   Cause Length = 8 + N * 2    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                 Number of missing params = N                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Missing Param Type #1     |     Missing Param Type #2     |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export function encodeMissingMandatoryParameter(types: readonly number[]): Uint8Array {
  const information = new Uint8Array(4 + types.length * 2);
  writeUint32(information, 0, types.length);
  types.forEach((type, index) => {
    writeUint16(information, 4 + index * 2, type);
  });
  return encodeCause(CauseCode.missingMandatoryParameter, information);
}
