import type { TransportAddress } from "./transport-address.ts";

/**
 * Which of a driver's sockets a datagram came in on, or leaves by. Ids are small integers and are not used again.
 */
export type SocketId = number;

/** One datagram as it came in. It and its bytes are lent for the call that hands it over. */
export interface IncomingDatagram {
  readonly bytes: Uint8Array;
  readonly from: TransportAddress;
  readonly socket: SocketId;
}

/** One datagram to send, off the packet path. Its bytes are written no more by anybody: they may be sent again. */
export interface OutgoingDatagram {
  readonly bytes: Uint8Array;
  readonly to: TransportAddress;
  readonly socket: SocketId;
}
