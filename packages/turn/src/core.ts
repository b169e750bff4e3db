/**
 * The TURN server without sockets, for other platforms and for tests.
 *
 * @module
 */
export { type AddressRange, isInRange, parseAddressRange } from "./address-range.ts";
export { type AllocationLimits, type ClientTransport, DEFAULT_ALLOCATION_LIMITS } from "./allocation.ts";
export { BehaviorServer, type BehaviorSocket } from "./behavior-server.ts";
export { type ClientStreamsOptions, DEFAULT_CLIENT_STREAMS_OPTIONS } from "./client-streams.ts";
export type { TurnCounters } from "./counters.ts";
export {
  type CredentialSource,
  combineCredentials,
  type TurnCredential,
  type UserRestrictions,
} from "./credentials/credentials.ts";
export { type IssuedCredential, SharedSecret } from "./credentials/shared-secret.ts";
export { createStaticUsers } from "./credentials/static-users.ts";
export type { TurnServerEvent } from "./events.ts";
export type { TurnTransmit } from "./outbox.ts";
export { DEFAULT_PEER_POLICY_OPTIONS, PeerPolicy, type PeerPolicyOptions } from "./peer-policy.ts";
export { DEFAULT_PORT_RANGE, type PortRange } from "./port-pool.ts";
export { DEFAULT_QUOTA_OPTIONS, type QuotaOptions } from "./quota.ts";
export type { RelayAddress } from "./relay-maker.ts";
export { type TurnGauges, TurnServer, type TurnServerCoreOptions } from "./turn-server.ts";
export { DEFAULT_ARENA_SLOTS, TurnService, type TurnServiceOptions } from "./turn-service.ts";
