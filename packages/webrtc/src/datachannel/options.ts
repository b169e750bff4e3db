import { utf8Length } from "../bytes/index.ts";
import { ChannelPriority, type DataChannelParameters, MAX_LABEL_BYTES } from "./dcep.ts";
import { MAX_STREAM_ID } from "./stream-ids.ts";

/** How a channel is opened. */
export interface DataChannelOptions {
  readonly label: string;
  /** Default empty. */
  readonly protocol?: string;
  /** Default true. */
  readonly isOrdered?: boolean;
  /** 0 to 65535; not together with the other limit. Default: reliable. */
  readonly maxRetransmits?: number;
  /** 0 to 65535 milliseconds. */
  readonly maxPacketLifeTimeMs?: number;
  /** See {@link ChannelPriority}. Default normal. */
  readonly priority?: number;
  /** A stream that both sides agreed on elsewhere: nothing is announced. */
  readonly negotiatedId?: number;
}

const MAX_UINT16 = 0xffff;

/**
 * Checks options and completes them.
 *
 * @throws {TypeError} when a label is too long or both limits are given.
 * @throws {RangeError} when a number is outside its range.
 */
export function checkOptions(options: DataChannelOptions): {
  readonly parameters: DataChannelParameters;
  readonly streamId: number | undefined;
} {
  const { label, protocol = "", isOrdered = true, priority = ChannelPriority.normal } = options;
  const { maxRetransmits, maxPacketLifeTimeMs, negotiatedId } = options;
  for (const [name, text] of [
    ["label", label],
    ["protocol", protocol],
  ] as const) {
    if (utf8Length(text) > MAX_LABEL_BYTES) {
      throw new TypeError(`a ${name} has at most ${MAX_LABEL_BYTES} bytes of UTF-8, got ${utf8Length(text)}`);
    }
  }
  if (maxRetransmits !== undefined && maxPacketLifeTimeMs !== undefined) {
    throw new TypeError("maxRetransmits and maxPacketLifeTime exclude each other; give one of them");
  }
  checkInteger("maxRetransmits", maxRetransmits, MAX_UINT16);
  checkInteger("maxPacketLifeTime", maxPacketLifeTimeMs, MAX_UINT16);
  checkInteger("priority", priority, MAX_UINT16);
  checkInteger("id", negotiatedId, MAX_STREAM_ID);
  return {
    parameters: { label, protocol, isOrdered, maxRetransmits, maxPacketLifeTimeMs, priority },
    streamId: negotiatedId,
  };
}

function checkInteger(name: string, value: number | undefined, maximum: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= maximum)) return;
  throw new RangeError(`${name} is an integer from 0 to ${maximum}, got ${value}`);
}
