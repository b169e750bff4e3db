import { writeUint32 } from "../../bytes/index.ts";
import { CauseCode, encodeCause } from "./error-cause.ts";

/**
 * No User Data (RFC 9260 §3.3.10.9).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Cause Code = 9        |       Cause Length = 8        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                              TSN                              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export function encodeNoUserData(tsn: number): Uint8Array {
  const information = new Uint8Array(4);
  writeUint32(information, 0, tsn);
  return encodeCause(CauseCode.noUserData, information);
}
