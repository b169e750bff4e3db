import type { Millis } from "../sansio/index.ts";

/** Seconds an allocation lives when its client asks for nothing, or for less (RFC 8656 §3.2). */
export const DEFAULT_ALLOCATION_LIFETIME_SECONDS = 600;

/** The most a server should grant (RFC 8656 §7.2). */
export const MAX_ALLOCATION_LIFETIME_SECONDS = 3600;

/** A permission lasts exactly so long after it was installed or refreshed (RFC 8656 §9). */
export const PERMISSION_LIFETIME_MS: Millis = 300_000;

/** A channel stays bound so long after it was bound or refreshed (RFC 8656 §12). */
export const CHANNEL_LIFETIME_MS: Millis = 600_000;

/**
 * How long a client waits, after a channel binding has expired, before it binds the number to another peer or the peer to
 * another number (RFC 8656 §12).
 */
export const CHANNEL_QUARANTINE_MS: Millis = 300_000;

/** A port reserved with EVEN-PORT is held at least so long (RFC 8656 §7.2). */
export const RESERVATION_LIFETIME_MS: Millis = 30_000;

/** How long a connection to a peer may take to come about, and then to be bound by the client (RFC 6062 §5.2, §5.3). */
export const CONNECTION_TIMEOUT_MS: Millis = 30_000;
