/**
 * The signaling protocol as types: shared by server and clients, at no cost to browsers.
 * Described in `docs/protocols/signaling.md`.
 *
 * @module
 */
export { CLOSE_CODE_REFUSED, CLOSE_CODE_RESUMABLE, type SignalingErrorCode } from "./errors.ts";
export type * from "./messages.ts";
export {
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_TIMEOUT_MS,
  MAX_MESSAGE_BYTES,
  PROTOCOL_VERSION,
  RESUME_GRACE_MS,
  SIGNALING_PATH,
  WEBSOCKET_SUBPROTOCOL,
} from "./version.ts";
