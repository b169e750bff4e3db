import {
  CHANNEL_NUMBER,
  CONNECTION_ID,
  DATA,
  DONT_FRAGMENT,
  EVEN_PORT,
  LIFETIME,
  REQUESTED_ADDRESS_FAMILY,
  REQUESTED_TRANSPORT,
  RESERVATION_TOKEN,
  XOR_PEER_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "../stun/index.ts";

/** Protocols between relay and peer, as REQUESTED-TRANSPORT names them (RFC 8656 §18.8, RFC 6062 §4.1). */
export const RelayTransport = { tcp: 6, udp: 17 } as const;

/**
 * Attributes of TURN that have to be understood and are, on both sides (RFC 8656 §18, RFC 6062 §6.2). A server that cannot
 * set the DF bit leaves DONT-FRAGMENT out.
 */
export const TURN_ATTRIBUTES: ReadonlySet<number> = new Set(
  [
    CHANNEL_NUMBER,
    LIFETIME,
    XOR_PEER_ADDRESS,
    DATA,
    XOR_RELAYED_ADDRESS,
    EVEN_PORT,
    REQUESTED_TRANSPORT,
    DONT_FRAGMENT,
    RESERVATION_TOKEN,
    REQUESTED_ADDRESS_FAMILY,
    CONNECTION_ID,
  ].map(({ type }) => type),
);
