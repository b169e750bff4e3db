import type { SctpSendOptions } from "../sctp/index.ts";
import type { DataChannelParameters } from "./dcep.ts";

/** States of a channel (webrtc-pc §6.2.2). */
export type DataChannelState = "connecting" | "open" | "closing" | "closed";

/** One data channel, as its table keeps it. Commands are the table's. */
export interface DataChannel extends DataChannelParameters {
  /** Agreed on outside of DCEP. */
  readonly isNegotiated: boolean;
  /** Undefined until it is known which side uses which numbers. */
  readonly streamId: number | undefined;
  readonly state: DataChannelState;
  /** Whether the peer announced it. */
  readonly isRemote: boolean;
  readonly messagesSent: number;
  readonly bytesSent: number;
  readonly messagesReceived: number;
  readonly bytesReceived: number;
}

/** The same with what only the table may change. */
export interface ChannelEntry extends DataChannel {
  streamId: number | undefined;
  state: DataChannelState;
  messagesSent: number;
  bytesSent: number;
  messagesReceived: number;
  bytesReceived: number;
  readonly sendOptions: SctpSendOptions;
  /** RFC 8832 §6: until the peer is known to know the channel, everything is sent in order. */
  isAcknowledged: boolean;
  /** Both directions have to be reset before the stream is free again (RFC 8831 §6.7). */
  isOutgoingReset: boolean;
  isIncomingReset: boolean;
  lowThresholdBytes: number;
  /** Parts of a message sent with a deprecated PPID, until the last comes. */
  parts: Uint8Array[];
  partBytes: number;
}

/** An entry for a new channel. */
export function createChannelEntry(
  parameters: DataChannelParameters,
  isNegotiated: boolean,
  isRemote: boolean,
  streamId: number | undefined,
): ChannelEntry {
  const { isOrdered, maxRetransmits, maxPacketLifeTimeMs } = parameters;
  return {
    ...parameters,
    isNegotiated,
    isRemote,
    streamId,
    state: "connecting",
    messagesSent: 0,
    bytesSent: 0,
    messagesReceived: 0,
    bytesReceived: 0,
    sendOptions: {
      isOrdered,
      ...(maxRetransmits !== undefined && { maxRetransmits }),
      ...(maxPacketLifeTimeMs !== undefined && { lifetimeMs: maxPacketLifeTimeMs }),
    },
    isAcknowledged: isNegotiated || isRemote,
    isOutgoingReset: false,
    isIncomingReset: false,
    lowThresholdBytes: 0,
    parts: [],
    partBytes: 0,
  };
}
