/**
 * What a TURN client and a TURN server share (RFC 8656, RFC 6062): ChannelData, numbers, lifetimes.
 *
 * @module
 */
export { RelayTransport, TURN_ATTRIBUTES } from "./attributes.ts";
export {
  CHANNEL_DATA_HEADER_BYTES,
  channelDataEnd,
  channelNumberOf,
  FIRST_CHANNEL_NUMBER,
  isChannelData,
  isChannelNumber,
  LAST_CHANNEL_NUMBER,
  MAX_CHANNEL_DATA_BYTES,
  paddedChannelDataBytes,
  writeChannelDataHeader,
} from "./channel-data.ts";
export {
  CHANNEL_LIFETIME_MS,
  CHANNEL_QUARANTINE_MS,
  CONNECTION_TIMEOUT_MS,
  DEFAULT_ALLOCATION_LIFETIME_SECONDS,
  MAX_ALLOCATION_LIFETIME_SECONDS,
  PERMISSION_LIFETIME_MS,
  RESERVATION_LIFETIME_MS,
} from "./lifetimes.ts";
