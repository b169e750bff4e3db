/**
 * Version of the protocol. It rises only for changes that an older side would misunderstand; unknown
 * fields and unknown message types are ignored by both sides, so additions need no new version.
 */
export const PROTOCOL_VERSION = 1;

/** WebSocket subprotocol (RFC 6455 §1.9) that names protocol and version. */
export const WEBSOCKET_SUBPROTOCOL = "naru.v1";

/** Path of the WebSocket endpoint on the server. */
export const SIGNALING_PATH = "/signal";

/** A client that has heard nothing for this long sends `ping`; a server that has heard nothing pings too. */
export const HEARTBEAT_INTERVAL_MS = 3_000;

/** Silence after which either side takes the connection for dead. A dead peer is noticed within 10 s. */
export const HEARTBEAT_TIMEOUT_MS = 8_000;

/** How long a participant whose connection broke keeps its place in the room. */
export const RESUME_GRACE_MS = 30_000;

/** Largest message in either direction, in bytes of UTF-8. */
export const MAX_MESSAGE_BYTES: number = 256 * 1024;
