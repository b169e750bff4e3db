import { copyBytes } from "../../bytes/index.ts";
import { encodeParameter, ParameterCursor, ParameterType } from "../parameter/parameter.ts";
import { ChunkType, wrapChunk } from "./chunk.ts";

/**
 * HEARTBEAT and HEARTBEAT ACK (RFC 9260 §3.3.5, §3.3.6): one Heartbeat Info parameter, which comes back as it was.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Type = 4, 5  |  Chunk Flags  |       Heartbeat Length        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |    Heartbeat Info Type = 1    |         HB Info Length        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * /                Sender-Specific Heartbeat Info                 /
 */

/** The sender's information, copied; undefined when there is none. */
export function decodeHeartbeat(value: Uint8Array): Uint8Array | undefined {
  const cursor = new ParameterCursor(value);
  if (cursor.next() !== "parameter" || cursor.type !== ParameterType.heartbeatInfo) return undefined;
  return copyBytes(cursor.value);
}

/** A whole HEARTBEAT chunk. */
export function encodeHeartbeat(info: Uint8Array): Uint8Array {
  return wrapChunk(ChunkType.heartbeat, 0, encodeParameter(ParameterType.heartbeatInfo, info));
}

/** The answer to a HEARTBEAT whose value was `value` (RFC 9260 §8.3: returned unchanged). */
export function encodeHeartbeatAck(value: Uint8Array): Uint8Array {
  return wrapChunk(ChunkType.heartbeatAck, 0, value);
}
