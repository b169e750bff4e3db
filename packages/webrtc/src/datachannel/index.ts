/**
 * Data channels (RFC 8831) and the protocol that announces them (RFC 8832).
 *
 * @module
 */
export type { DataChannel, DataChannelState } from "./channel.ts";
export {
  type DataChannelCounters,
  type DataChannelEvent,
  type DataChannelProblem,
  DataChannelTable,
  type DataChannelTableOptions,
} from "./channel-table.ts";
export {
  ChannelPriority,
  type DataChannelParameters,
  DataChannelPpid,
  type DcepMessage,
  decodeDcep,
  encodeDcepAck,
  encodeDcepOpen,
  safeDecodeDcep,
} from "./dcep.ts";
export { DataChannelError, type DataChannelErrorCode, type DcepDecodeFailure } from "./errors.ts";
export type { DataChannelOptions } from "./options.ts";
export type { DtlsRole } from "./stream-ids.ts";
