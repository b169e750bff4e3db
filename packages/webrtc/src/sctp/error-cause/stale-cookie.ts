import { writeUint32 } from "../../bytes/index.ts";
import { CauseCode, encodeCause } from "./error-cause.ts";

/**
 * Stale Cookie (RFC 9260 §3.3.10.3).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Cause Code = 3        |       Cause Length = 8        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                 Measure of Staleness (usec.)                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * @param staleForMs - For how long the cookie had been too old.
 */
export function encodeStaleCookie(staleForMs: number): Uint8Array {
  const information = new Uint8Array(4);
  writeUint32(information, 0, Math.min(0xffff_ffff, Math.round(staleForMs * 1000)));
  return encodeCause(CauseCode.staleCookie, information);
}
