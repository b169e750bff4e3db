import { readUint16, readUint32, writeUint16, writeUint32 } from "../bytes/index.ts";
import { createDataChannelError, type DcepDecodeFailure } from "./errors.ts";

/** Payload protocol identifiers of data channels (RFC 8831 §8). */
export const DataChannelPpid = {
  dcep: 50,
  string: 51,
  /** Deprecated: a part of a binary message. */
  binaryPartial: 52,
  binary: 53,
  /** Deprecated: a part of a string. */
  stringPartial: 54,
  stringEmpty: 56,
  binaryEmpty: 57,
} as const;

/** Message types (RFC 8832 §8.2.1). */
const MessageType = { ack: 0x02, open: 0x03 } as const;

/** Channel types (RFC 8832 §5.1): reliability in the low bits, and the bit for unordered delivery. */
const ChannelType = { reliable: 0x00, partialRexmit: 0x01, partialTimed: 0x02, unordered: 0x80 } as const;

/** RFC 8832 §5.1: lengths of 16 bits. */
export const MAX_LABEL_BYTES = 65_535;

/** RFC 8831 §6.4. */
export const ChannelPriority = { belowNormal: 128, normal: 256, high: 512, extraHigh: 1024 } as const;

/** What a channel is like; both sides have it. */
export interface DataChannelParameters {
  readonly label: string;
  readonly protocol: string;
  readonly isOrdered: boolean;
  /** At most one of the two is given; neither means reliable. */
  readonly maxRetransmits: number | undefined;
  readonly maxPacketLifeTimeMs: number | undefined;
  readonly priority: number;
}

/** A message of DCEP. */
export type DcepMessage =
  | { readonly type: "ack" }
  | { readonly type: "open"; readonly parameters: DataChannelParameters };

/**
 * DATA_CHANNEL_OPEN (RFC 8832 §5.1). DATA_CHANNEL_ACK (§5.2) is its type alone.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Message Type |  Channel Type |            Priority           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                    Reliability Parameter                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Label Length          |       Protocol Length         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                             Label                             /
 * \                            Protocol                           /
 */
const OPEN_BYTES = 12;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a DCEP message.
 *
 * @throws {DataChannelError} when it is none.
 */
export function decodeDcep(bytes: Uint8Array): DcepMessage {
  const message = safeDecodeDcep(bytes);
  if (typeof message === "string") throw createDataChannelError(message, bytes.length);
  return message;
}

/** Reads a DCEP message, or says why it is none. */
export function safeDecodeDcep(bytes: Uint8Array): DcepMessage | DcepDecodeFailure {
  if (bytes.length === 0) return "truncated";
  if (bytes[0] === MessageType.ack) return bytes.length === 1 ? { type: "ack" } : "bad-length";
  if (bytes[0] !== MessageType.open) return "unknown-type";
  if (bytes.length < OPEN_BYTES) return "truncated";
  const channelType = bytes[1]!;
  const reliability = channelType & ~ChannelType.unordered;
  if (reliability > ChannelType.partialTimed) return "bad-channel-type";
  const labelEnd = OPEN_BYTES + readUint16(bytes, 8);
  const protocolEnd = labelEnd + readUint16(bytes, 10);
  if (bytes.length !== protocolEnd) return "bad-length";
  const label = decodeText(bytes, OPEN_BYTES, labelEnd);
  const protocol = decodeText(bytes, labelEnd, protocolEnd);
  if (label === undefined || protocol === undefined) return "bad-utf8";
  const value = readUint32(bytes, 4);
  return {
    type: "open",
    parameters: {
      label,
      protocol,
      isOrdered: (channelType & ChannelType.unordered) === 0,
      maxRetransmits: reliability === ChannelType.partialRexmit ? value : undefined,
      maxPacketLifeTimeMs: reliability === ChannelType.partialTimed ? value : undefined,
      priority: readUint16(bytes, 2),
    },
  };
}

/** A DATA_CHANNEL_OPEN. */
export function encodeDcepOpen(parameters: DataChannelParameters): Uint8Array {
  const label = encoder.encode(parameters.label);
  const protocol = encoder.encode(parameters.protocol);
  const bytes = new Uint8Array(OPEN_BYTES + label.length + protocol.length);
  const { maxRetransmits, maxPacketLifeTimeMs } = parameters;
  const reliability =
    maxRetransmits !== undefined
      ? ChannelType.partialRexmit
      : maxPacketLifeTimeMs !== undefined
        ? ChannelType.partialTimed
        : ChannelType.reliable;
  bytes[0] = MessageType.open;
  bytes[1] = reliability | (parameters.isOrdered ? 0 : ChannelType.unordered);
  writeUint16(bytes, 2, parameters.priority);
  writeUint32(bytes, 4, maxRetransmits ?? maxPacketLifeTimeMs ?? 0);
  writeUint16(bytes, 8, label.length);
  writeUint16(bytes, 10, protocol.length);
  bytes.set(label, OPEN_BYTES);
  bytes.set(protocol, OPEN_BYTES + label.length);
  return bytes;
}

/** A DATA_CHANNEL_ACK. */
export function encodeDcepAck(): Uint8Array {
  return Uint8Array.of(MessageType.ack);
}

function decodeText(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    // The only thing a fatal decoder throws for: the bytes are not UTF-8, which is what undefined says.
    return undefined;
  }
}
