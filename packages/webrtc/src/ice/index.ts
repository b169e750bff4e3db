/**
 * ICE (RFC 8445): the agent that finds and keeps a path, and the gatherer that finds our own addresses.
 *
 * @module
 */
export { IceAgent } from "./agent.ts";
export type { IceAgentCounters, IceAgentEvent, IceState } from "./agent-events.ts";
export { DEFAULT_ICE_TIMINGS, type IceAgentOptions, type IceRole, type IceTimings } from "./agent-options.ts";
export {
  ACTIVE_TCP_PORT,
  type CandidateCounts,
  type IceCandidate,
  type IceCandidateType,
  type IceProtocol,
  type IceRelayProtocol,
  type IceTcpType,
  type LocalCandidate,
  type RemoteCandidate,
} from "./candidate.ts";
export {
  type CandidateAttribute,
  isMdnsName,
  type LocalCandidateAttribute,
  writeLocalCandidate,
} from "./candidate-attribute.ts";
export type { IceCandidatePair, IcePairState, IcePairStats } from "./candidate-pair.ts";
export { MAX_PAIRS } from "./check-list.ts";
export {
  type IceFacts,
  type IceFailureReason,
  type IceServerError,
  judgeIce,
  SERVER_UNREACHABLE,
} from "./facts.ts";
export { IceGatherer } from "./gatherer.ts";
export type { IceGathererAsk, IceGathererEvent, IceGatheringState } from "./gatherer-events.ts";
export {
  DEFAULT_GATHERING_TRANSACTION,
  type IceAddressPolicy,
  type IceGathererOptions,
  type IceInterface,
  type IceServerOptions,
} from "./gatherer-options.ts";
export { MAX_CANDIDATES, MAX_EARLY_CHECKS } from "./generation.ts";
export { MAX_BASES } from "./host-addresses.ts";
export { IceMux } from "./mux.ts";
export { createIceParameters, type IceParameters, type RemoteIceParameters } from "./parameters.ts";
export {
  FRAME_HEADER_BYTES,
  framePacket,
  MAX_FRAMED_PACKET_BYTES,
  PacketDeframer,
} from "./stream-framing.ts";
