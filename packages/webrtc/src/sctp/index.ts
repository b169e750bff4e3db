/**
 * SCTP (RFC 9260) for data channels: inside DTLS, one association, no addresses.
 *
 * @module
 */
export { SctpAssociation } from "./association.ts";
export type { SctpCloseReason, SctpEvent, SctpState } from "./events.ts";
export { DEFAULT_SCTP_OPTIONS, type SctpOptions, type SctpSendOptions } from "./options.ts";
export type { PeerParameters } from "./peer-parameters.ts";
export type { SctpMessageEvent } from "./rx/inbound-streams.ts";
export type { SctpCounters, SctpStatistics } from "./statistics.ts";
