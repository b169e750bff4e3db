import type { IpAddress, SocketId, TransportAddress } from "../bytes/index.ts";
import type { AskId } from "../sansio/index.ts";
import type { LongTermCredentials } from "../stun/index.ts";
import type { TurnTransport } from "../turn/index.ts";
import type { LocalCandidate } from "./candidate.ts";
import type { IceServerError } from "./facts.ts";

/** `RTCIceGatheringState` of one transport. */
export type IceGatheringState = "new" | "gathering" | "complete";

/** What only the outside can do: each is answered by the command named with it. */
export type IceGathererAsk =
  | {
      /** A UDP socket is wanted: `handleBound` or `handleBindFailure`. */
      readonly type: "bindUdp";
      readonly id: AskId;
      readonly address: IpAddress;
      readonly ports: { readonly min: number; readonly max: number } | undefined;
    }
  | {
      /** A listening TCP socket is wanted: `handleBound` or `handleBindFailure`. */
      readonly type: "listenTcp";
      readonly id: AskId;
      readonly address: IpAddress;
      readonly ports: { readonly min: number; readonly max: number } | undefined;
    }
  | {
      /** Addresses of a server's name are wanted: `handleResolved`. */
      readonly type: "resolve";
      readonly id: AskId;
      readonly hostname: string;
    }
  | {
      /** An allocation is wanted: `handleAllocated`, `handleAllocationEnd`. */
      readonly type: "allocate";
      readonly id: AskId;
      readonly server: TransportAddress;
      readonly transport: TurnTransport;
      readonly serverName: string;
      readonly credentials: LongTermCredentials | undefined;
      readonly family: "both" | undefined;
      /** Where it is to come from; anywhere when undefined. */
      readonly localAddress: IpAddress | undefined;
    };

export type IceGathererEvent =
  | IceGathererAsk
  | {
      /** The socket, listener or allocation is not needed any more. The agent has to be told, too: `removeRoute`. */
      readonly type: "closeRoute";
      readonly route: SocketId;
    }
  | {
      /** From now on this host answers to the mDNS name. */
      readonly type: "announceName";
      readonly hostname: string;
      readonly address: IpAddress;
    }
  | { readonly type: "withdrawName"; readonly hostname: string }
  | {
      /** For the agent always; for the other side when it `isExposed`. */
      readonly type: "candidate";
      readonly candidate: LocalCandidate;
      /** How many restarts there were before it. */
      readonly generation: number;
    }
  | { readonly type: "serverError"; readonly error: IceServerError }
  | {
      /** `complete` is the end of candidates. It may be followed by `gathering` when an interface appears. */
      readonly type: "stateChange";
      readonly state: IceGatheringState;
      readonly generation: number;
    };
