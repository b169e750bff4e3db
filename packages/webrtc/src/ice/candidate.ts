import type { SocketId, TransportAddress } from "../bytes/index.ts";

/** How a candidate was found (RFC 8445 §4). */
export type IceCandidateType = "host" | "srflx" | "prflx" | "relay";
export type IceProtocol = "udp" | "tcp";
/** Who opens the connection (RFC 6544 §4.5). Simultaneous-open candidates are read and left alone. */
export type IceTcpType = "active" | "passive" | "so";
/** How a relayed candidate's TURN server is reached, as `RTCIceCandidate.relayProtocol` has it. */
export type IceRelayProtocol = "udp" | "tcp" | "tls";

/** The port of a candidate that connects and is never connected to (RFC 6544 §4.5: "discard"). */
export const ACTIVE_TCP_PORT = 9;

/** What local and remote candidates have in common. */
export interface IceCandidate {
  readonly type: IceCandidateType;
  readonly protocol: IceProtocol;
  readonly tcpType: IceTcpType | undefined;
  /** Where packets for it go. */
  readonly address: TransportAddress;
  /** 0 to 2³²−1. */
  readonly priority: number;
  /** Candidates with the same one were found in the same way (RFC 8445 §5.1.1.3). */
  readonly foundation: string;
}

/** An address at which we can be reached. */
export interface LocalCandidate extends IceCandidate {
  /**
   * By what its packets leave: a UDP socket, a TURN allocation, or the listening socket of a passive TCP candidate. An
   * active TCP candidate has none: each of its pairs has a connection of its own.
   */
  readonly route: SocketId | undefined;
  /** What packets leave from; the relayed address itself for a relayed candidate. */
  readonly base: TransportAddress;
  /** For the log of the other side (RFC 8839 §5.1): the base of a reflexive candidate, the mapped address of a relay. */
  readonly relatedAddress: TransportAddress | undefined;
  /** The mDNS name to be told in place of the address. */
  readonly hostname: string | undefined;
  /** False for one that is used in checks and told to nobody (RFC 8828). */
  readonly isExposed: boolean;
  readonly relayProtocol: IceRelayProtocol | undefined;
  /** URL of the server that it was got from. */
  readonly url: string | undefined;
  /** 0 to 65535; the priority of a peer-reflexive candidate on the same base is made of it. */
  readonly localPreference: number;
}

/** An address at which the other side may be reached. */
export interface RemoteCandidate extends IceCandidate {
  /** Its name, when it was given as one. */
  readonly hostname: string | undefined;
}

/** Whether a direct check could reach the candidate: the family and the scope fit (RFC 8445 §6.1.2.2). */
export function canPair(local: LocalCandidate, remote: RemoteCandidate): boolean {
  if (local.protocol !== remote.protocol || local.base.family !== remote.address.family) return false;
  if (local.protocol === "tcp" && tcpOpposite(local.tcpType) !== remote.tcpType) return false;
  // RFC 8445 §6.1.2.2: link-local IPv6 addresses are paired with each other only.
  const isLinkLocal = (ip: TransportAddress): boolean => ip.family === 6 && ip.ip.isLinkLocal;
  return isLinkLocal(local.base) === isLinkLocal(remote.address);
}

/** RFC 6544 §6.2: active pairs with passive. */
function tcpOpposite(type: IceTcpType | undefined): IceTcpType | undefined {
  if (type === "active") return "passive";
  return type === "passive" ? "active" : undefined;
}

/** One of everything that has a type, counted: for facts. */
export type CandidateCounts = Readonly<Record<IceCandidateType, number>>;

/** How many candidates there are of each type. */
export function countCandidates(candidates: Iterable<IceCandidate>): CandidateCounts {
  const counts = { host: 0, srflx: 0, prflx: 0, relay: 0 };
  for (const { type } of candidates) counts[type]++;
  return counts;
}
