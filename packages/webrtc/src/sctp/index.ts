/**
 * SCTP (RFC 9260) for data channels: inside DTLS, one association, no addresses.
 *
 * @module
 */
export {
  SctpAssociation,
  type SctpCounters,
  type SctpSendOptions,
  type SctpStatistics,
} from "./association.ts";
export { type SctpDecodeFailure, SctpError, type SctpErrorCode } from "./errors.ts";
export type { SctpCloseReason, SctpEvent, SctpState } from "./events.ts";
export { DEFAULT_SCTP_OPTIONS, type SctpOptions } from "./options.ts";
export type { PeerParameters } from "./peer-parameters.ts";
export type { SctpMessageEvent } from "./rx/inbound-streams.ts";
