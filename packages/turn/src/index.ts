/**
 * A TURN and STUN server (RFC 8656, RFC 6062, RFC 8489) for Node, safe by default.
 *
 * @module
 */
export type { AllocationLimits } from "./allocation.ts";
export type { ClientStreamsOptions } from "./client-streams.ts";
export type { CredentialSource, TurnCredential, UserRestrictions } from "./credentials/credentials.ts";
export type { IssuedCredential } from "./credentials/shared-secret.ts";
export { renderMetrics, type TurnMetric, type TurnMetricSample } from "./metrics.ts";
export {
  createTurnServer,
  type TurnDiscoveryOptions,
  type TurnListenOptions,
  type TurnRelayAddressOptions,
  type TurnServerHandle,
  type TurnServerOptions,
} from "./node/create-turn-server.ts";
export { findRelayAddresses } from "./node/relay-addresses.ts";
export type { PeerPolicyOptions } from "./peer-policy.ts";
export type { PortRange } from "./port-pool.ts";
export type { QuotaOptions } from "./quota.ts";
export type { RelayAddress } from "./relay-maker.ts";
