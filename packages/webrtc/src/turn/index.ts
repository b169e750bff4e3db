/**
 * TURN (RFC 8656, RFC 6062): the client's allocations, and what client and server share: ChannelData, numbers, lifetimes.
 *
 * @module
 */
export { TurnAllocation } from "./allocation.ts";
export type { RelayedData, TurnAllocationCounters, TurnAllocationEvent } from "./allocation-events.ts";
export type { TurnAllocationState, TurnConnectionEvent } from "./allocation-lifecycle.ts";
export { RelayTransport, TURN_ATTRIBUTES } from "./attributes.ts";
export {
  CHANNEL_DATA_HEADER_BYTES,
  channelDataEnd,
  channelNumberOf,
  FIRST_CHANNEL_NUMBER,
  isChannelData,
  isChannelNumber,
  LAST_CHANNEL_NUMBER,
  LAST_OLD_CHANNEL_NUMBER,
  MAX_CHANNEL_DATA_BYTES,
  paddedChannelDataBytes,
  writeChannelDataHeader,
} from "./channel-data.ts";
export {
  DEFAULT_KEEP_ALIVE_MS,
  DEFAULT_PACKETS_BEFORE_CHANNEL,
  DEFAULT_SOFTWARE,
  type TurnAllocationOptions,
  type TurnClientOptions,
  type TurnTransmit,
  type TurnTransport,
} from "./client-options.ts";
export type { TurnEnd, TurnEndReason } from "./end.ts";
export {
  CHANNEL_LIFETIME_MS,
  CHANNEL_QUARANTINE_MS,
  CONNECTION_TIMEOUT_MS,
  DEFAULT_ALLOCATION_LIFETIME_SECONDS,
  MAX_ALLOCATION_LIFETIME_SECONDS,
  PERMISSION_LIFETIME_MS,
  RESERVATION_LIFETIME_MS,
} from "./lifetimes.ts";
export { MAX_RELAYED_BYTES, TURN_HEADROOM_BYTES, TURN_TAILROOM_BYTES } from "./relay-message.ts";
export { TurnTcpAllocation, type TurnTcpAllocationOptions } from "./tcp-allocation.ts";
export type { TurnTcpAllocationCounters, TurnTcpAllocationEvent } from "./tcp-allocation-events.ts";
