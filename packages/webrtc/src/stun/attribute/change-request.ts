import { readUint32, writeUint32 } from "../../bytes/index.ts";
import type { StunAttribute } from "./attribute.ts";

/** Where the answer shall come from. */
export interface ChangeRequestValue {
  readonly changeIp: boolean;
  readonly changePort: boolean;
}

/**
 * Ask for the answer from another address or port of the server (RFC 5780 §7.2).
 *
 * |0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 A B 0|
 */
export const CHANGE_REQUEST: StunAttribute<ChangeRequestValue> = {
  type: 0x0003,
  name: "CHANGE-REQUEST",
  size: () => 4,
  encode: (value, target, offset) =>
    writeUint32(target, offset, (value.changeIp ? 0x04 : 0) | (value.changePort ? 0x02 : 0)),
  decode(bytes, offset, length) {
    if (length !== 4) return undefined;
    const bits = readUint32(bytes, offset);
    return { changeIp: (bits & 0x04) !== 0, changePort: (bits & 0x02) !== 0 };
  },
};
