import type { IpAddress, TransportAddress } from "../bytes/index.ts";
import type { AddressErrorValue, IcmpValue, StunErrorValue } from "../stun/index.ts";
import type { TurnConnectionEvent } from "./allocation-lifecycle.ts";
import type { TurnEnd } from "./end.ts";

/** Data from a peer, on the packet path. Lent with the datagram that it came in. */
export interface RelayedData {
  readonly peer: TransportAddress;
  readonly bytes: Uint8Array;
}

export type TurnAllocationEvent =
  | TurnConnectionEvent
  | {
      /** There are relayed addresses: what peers send to them comes here, once they are permitted to. */
      readonly type: "allocated";
      /** One, or one of each family. */
      readonly relayedAddresses: readonly TransportAddress[];
      /** Where the server sees us: a server-reflexive candidate when it was asked over UDP. */
      readonly mappedAddress: TransportAddress;
      /** Names the port that was reserved with this one's; good for 30 seconds. */
      readonly reservationToken: Uint8Array | undefined;
      /** Of a dual allocation only one family could be had, and why (RFC 8656 §7.3). */
      readonly addressError: AddressErrorValue | undefined;
    }
  | {
      /** The server lets peers with this address send to us. */
      readonly type: "permissionGranted";
      readonly ip: IpAddress;
    }
  | {
      /** It does not: nothing can be sent there through this relay. What waited is lost. */
      readonly type: "permissionRefused";
      readonly ip: IpAddress;
      readonly error: StunErrorValue;
    }
  | {
      /** From now on data for this peer costs four bytes. */
      readonly type: "channelBound";
      readonly peer: TransportAddress;
      readonly channel: number;
    }
  | {
      /** Data from a peer that was fed through `handleInput`. Owned. */
      readonly type: "data";
      readonly peer: TransportAddress;
      readonly bytes: Uint8Array;
    }
  | {
      /** The relay was told by the network that a packet for this peer did not arrive (RFC 8656 §11.6). Not authenticated. */
      readonly type: "icmpError";
      readonly peer: TransportAddress;
      readonly error: IcmpValue;
    }
  | {
      /** It is over. Nothing comes after this but the `disconnect` of its connection. */
      readonly type: "closed";
      readonly end: TurnEnd;
    };

/** What was not taken or not sent, by reason. */
export interface TurnAllocationCounters {
  /** From elsewhere, no message of TURN, or with a wrong FINGERPRINT. */
  ignored: number;
  /** Answers to nothing that was asked, and answers that are not authentic. */
  unmatched: number;
  /** Data from a peer without a permission of ours, or on a channel without a peer. */
  unpermitted: number;
  /** Packets given to us that were not sent: no allocation, no permission, or too many waiting. */
  droppedOutgoing: number;
  /** Data and reports that were not fetched in time. */
  droppedIncoming: number;
}
