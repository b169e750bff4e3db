import type { SocketId, TransportAddress } from "../bytes/index.ts";
import type { AskId } from "../sansio/index.ts";
import type { IceRole } from "./agent-options.ts";
import type { LocalCandidate } from "./candidate.ts";
import type { IceCandidatePair } from "./candidate-pair.ts";

/** The states of `RTCIceTransportState`. `failed` is left by a restart only. */
export type IceState = "new" | "checking" | "connected" | "completed" | "disconnected" | "failed" | "closed";

export type IceAgentEvent =
  | { readonly type: "stateChange"; readonly state: IceState }
  | {
      /** Data leaves by another pair from now on; undefined when there is none. */
      readonly type: "selectedPairChange";
      readonly pair: IceCandidatePair | undefined;
    }
  | { readonly type: "roleChange"; readonly role: IceRole }
  | {
      /** The address of an mDNS name is wanted: answered by `handleResolved`. */
      readonly type: "resolve";
      readonly id: AskId;
      readonly hostname: string;
    }
  | {
      /** A TCP connection is wanted: answered by `handleConnected` or `handleConnectFailure`. */
      readonly type: "connect";
      readonly id: AskId;
      readonly local: LocalCandidate;
      readonly to: TransportAddress;
    }
  | {
      /** The agent has no use for a TCP connection any more. */
      readonly type: "disconnect";
      readonly route: SocketId;
    };

/** What came and was not taken, by reason. */
export interface IceAgentCounters {
  /** No STUN message, or not one of ICE: no or a wrong FINGERPRINT, another method. */
  ignored: number;
  /** Requests whose user name or integrity is not right. */
  unauthenticated: number;
  /** Answers to nothing that was asked, from elsewhere, or with a wrong integrity. */
  unmatched: number;
  /** Errors not sent because too many were asked for. */
  limited: number;
  /** Candidates and checks beyond a maximum. */
  dropped: number;
}
