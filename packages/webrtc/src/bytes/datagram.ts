import type { TransportAddress } from "./transport-address.ts";

/** One datagram as it came in. Its bytes are lent for the call that hands it over. */
export interface IncomingDatagram {
  readonly bytes: Uint8Array;
  readonly from: TransportAddress;
}

/** One datagram to send, off the packet path: its bytes are a new array and the receiver's to keep. */
export interface OutgoingDatagram {
  readonly bytes: Uint8Array;
  readonly to: TransportAddress;
}
