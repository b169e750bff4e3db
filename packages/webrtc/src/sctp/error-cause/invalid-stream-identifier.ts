import { writeUint16 } from "../../bytes/index.ts";
import { CauseCode, encodeCause } from "./error-cause.ts";

/**
 * Invalid Stream Identifier (RFC 9260 §3.3.10.1).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Cause Code = 1        |       Cause Length = 8        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |       Stream Identifier       |          (Reserved)           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export function encodeInvalidStreamIdentifier(streamId: number): Uint8Array {
  const information = new Uint8Array(4);
  writeUint16(information, 0, streamId);
  return encodeCause(CauseCode.invalidStreamIdentifier, information);
}
