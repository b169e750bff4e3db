import type { IpAddress, SocketId, TransportAddress } from "../bytes/index.ts";
import type { AskId } from "../sansio/index.ts";
import type { StunErrorValue } from "../stun/index.ts";
import type { TurnConnectionEvent } from "./allocation-lifecycle.ts";
import type { TurnEnd } from "./end.ts";

export type TurnTcpAllocationEvent =
  | TurnConnectionEvent
  | {
      /** Peers that are permitted can connect to this address. */
      readonly type: "allocated";
      readonly relayedAddress: TransportAddress;
      readonly mappedAddress: TransportAddress | undefined;
    }
  | { readonly type: "permissionGranted"; readonly ip: IpAddress }
  | { readonly type: "permissionRefused"; readonly ip: IpAddress; readonly error: StunErrorValue }
  | {
      /** A peer wants to connect: `accept` it within 30 seconds, or leave it. */
      readonly type: "connectionAttempt";
      readonly attempt: AskId;
      readonly peer: TransportAddress;
    }
  | {
      /**
       * From now on every byte on `socket`, behind the frame that was the last input, is the peer's, as it is; the core
       * has nothing to do with it any more.
       */
      readonly type: "connected";
      /** What `connect` gave, or the attempt that was accepted. */
      readonly connection: AskId;
      readonly peer: TransportAddress;
      readonly socket: SocketId;
    }
  | {
      readonly type: "connectionFailed";
      readonly connection: AskId;
      readonly peer: TransportAddress;
      /** Why, in words; of a refusal the error beside it. */
      readonly message: string;
      readonly error: StunErrorValue | undefined;
    }
  | { readonly type: "closed"; readonly end: TurnEnd };

/** What was not taken, by reason. */
export interface TurnTcpAllocationCounters {
  /** From elsewhere, or no message of TURN. */
  ignored: number;
  /** Answers to nothing that was asked, and answers that are not authentic. */
  unmatched: number;
  /** Connections that peers without a permission of ours attempted, or too many. */
  refusedAttempts: number;
}
