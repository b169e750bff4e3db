/**
 * Rooms and the exchange of session descriptions: a server for any HTTP server, and the core it drives.
 *
 * @module
 */
export {
  createJoinToken,
  type JoinTokenClaims,
  type JoinTokenLifetime,
  JoinTokenVerifier,
  MIN_SECRET_BYTES,
} from "./auth/join-token.ts";
export {
  type ConnectionReport,
  DEFAULT_SIGNALING_LIMITS,
  type IceServersContext,
  type SignalingLimits,
  type SignalingServerOptions,
  type TokenOptions,
} from "./node/options.ts";
export { createSignalingServer, type SignalingServer, type SignalingStats } from "./node/server.ts";
export { createFileStore, type FileStoreOptions, type SnapshotStore } from "./node/store.ts";
export type { RegistrySnapshot, TokenAnswer } from "./room/registry-types.ts";
export type { RateLimit } from "./room/token-bucket.ts";
export { MAX_NAME_LENGTH, parseName } from "./validate/names.ts";
