/**
 * Why the server refused a message or ended a connection: stable, documented in `docs/protocols/signaling.md`.
 */
export type SignalingErrorCode =
  /** Not JSON, not an object, too deep, or fields missing or of the wrong kind. Closes the connection. */
  | "BAD_MESSAGE"
  /** Larger than MAX_MESSAGE_BYTES. Closes the connection. */
  | "MESSAGE_TOO_LARGE"
  /** More messages or bytes than the rate limit allows. Closes the connection. */
  | "RATE_LIMITED"
  /** A message that is not allowed before joining, or a second join. Closes the connection. */
  | "BAD_STATE"
  /** The client speaks a version this server does not. Closes the connection. */
  | "VERSION_UNSUPPORTED"
  /** The operator requires a token, and it is missing, forged, expired or for another room. Closes the connection. */
  | "TOKEN_INVALID"
  /** The session to resume is unknown or over; join again. Closes the connection. */
  | "SESSION_UNKNOWN"
  /** Room name or display name is not acceptable. Closes the connection. */
  | "NAME_INVALID"
  /** The room is locked by its host. Closes the connection. */
  | "ROOM_LOCKED"
  /** The room has as many participants as it may. Closes the connection. */
  | "ROOM_FULL"
  /** The server has as many rooms or participants as it may. Closes the connection. */
  | "SERVER_FULL"
  /** Too many attempts to join from one address. Closes the connection. */
  | "TOO_MANY_ATTEMPTS"
  /** The host did not admit this participant from the lobby. Closes the connection. */
  | "NOT_ADMITTED"
  /** The host removed this participant. Closes the connection. */
  | "REMOVED"
  /** The same session connected elsewhere. Closes the older connection. */
  | "REPLACED"
  /** The server is shutting down; reconnect, maybe elsewhere. Closes the connection. */
  | "SERVER_CLOSING"
  /** Nothing was heard for HEARTBEAT_TIMEOUT_MS. Closes the connection. */
  | "HEARTBEAT_TIMEOUT"
  /** Only a host may do that. The connection stays. */
  | "NOT_ALLOWED"
  /** The participant addressed is not in the room. The connection stays. */
  | "NO_SUCH_PARTICIPANT";

/** WebSocket close code (RFC 6455 §7.4.2, private range) sent with a fatal error; the reason is its code. */
export const CLOSE_CODE_REFUSED = 4_000;
/** Close code for errors after which the same session may be resumed. */
export const CLOSE_CODE_RESUMABLE = 4_001;
