import { ParameterCursor } from "../parameter/parameter.ts";
import { decodeReconfigParameter, type ReconfigParameter } from "../parameter/reconfig-parameters.ts";
import { ChunkType, wrapChunk } from "./chunk.ts";

/**
 * RE-CONFIG (RFC 6525 §3.1).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Type = 130    |  Chunk Flags  |      Chunk Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * /                  Re-configuration Parameter                   /
 * /             Re-configuration Parameter (optional)             /
 */

/** RFC 6525 §3.1: one or two parameters. */
const MAX_PARAMETERS = 2;

/** Reads a chunk value; undefined when a parameter is not what it says, or there are none or more than two. */
export function decodeReConfig(value: Uint8Array): readonly ReconfigParameter[] | undefined {
  const parameters: ReconfigParameter[] = [];
  const cursor = new ParameterCursor(value);
  for (;;) {
    const step = cursor.next();
    if (step === "end") break;
    if (step === "bad-length" || parameters.length === MAX_PARAMETERS) return undefined;
    const parameter = decodeReconfigParameter(cursor.type, cursor.value);
    if (parameter === undefined) return undefined;
    parameters.push(parameter);
  }
  return parameters.length === 0 ? undefined : parameters;
}

/** A whole chunk; parameters come encoded. */
export function encodeReConfig(parameters: readonly Uint8Array[]): Uint8Array {
  const value = new Uint8Array(parameters.reduce((length, parameter) => length + parameter.length, 0));
  let offset = 0;
  for (const parameter of parameters) {
    value.set(parameter, offset);
    offset += parameter.length;
  }
  return wrapChunk(ChunkType.reConfig, 0, value);
}
