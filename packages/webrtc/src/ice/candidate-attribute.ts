import { IpAddress, TransportAddress } from "../bytes/index.ts";
import type { IceCandidateType, IceTcpType, LocalCandidate, RemoteCandidate } from "./candidate.ts";

/**
 * A candidate as SDP writes it (RFC 8839 §5.1): `SdpCandidate` of the sdp layer, which this layer does not know, is one.
 */
export interface CandidateAttribute {
  readonly foundation: string;
  readonly component: number;
  readonly transport: string;
  readonly priority: number;
  readonly address: string;
  readonly port: number;
  readonly type: string;
  readonly tcpType?: string;
}

/** The same with what is only written, not needed to reach it. */
export interface LocalCandidateAttribute extends CandidateAttribute {
  readonly relatedAddress?: string;
  readonly relatedPort?: number;
  readonly extensions: readonly (readonly [name: string, value: string])[];
}

/** What a remote candidate's attribute says: the candidate, a name to be resolved first, or why it is of no use. */
export type RemoteCandidateReading =
  | { readonly type: "candidate"; readonly candidate: RemoteCandidate }
  | { readonly type: "name"; readonly hostname: string; withIp(ip: IpAddress): RemoteCandidate }
  | { readonly type: "unusable"; readonly reason: string };

/** With RTCP multiplexed there is one component. */
const COMPONENT = 1;

/** draft-ietf-mmusic-mdns-ice-candidates §3.1.1: a UUID and `.local`; others may choose other labels. */
const MDNS_NAME = /^[a-z0-9-]{1,63}\.local$/i;

/** Whether a candidate's address is an mDNS name, and nothing that would ask a resolver about the outside world. */
export function isMdnsName(address: string): boolean {
  return MDNS_NAME.test(address);
}

/** Reads what the other side sent. Whatever it is, it does not throw. */
export function readRemoteCandidate(attribute: CandidateAttribute): RemoteCandidateReading {
  const { foundation, component, priority, address, port } = attribute;
  const protocol = attribute.transport.toLowerCase();
  // RFC 8839 §5.1: unknown transports and types are ignored. RFC 8445 §13: so are other components.
  if (component !== COMPONENT) return { type: "unusable", reason: `component ${component}` };
  if (protocol !== "udp" && protocol !== "tcp") return { type: "unusable", reason: "unknown transport" };
  if (!isCandidateType(attribute.type)) return { type: "unusable", reason: "unknown type" };
  if (protocol === "tcp" && !isTcpType(attribute.tcpType)) return { type: "unusable", reason: "no tcptype" };
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return { type: "unusable", reason: "bad port" };
  // RFC 8839 §4.2.3: port 9 with the unspecified address is a placeholder; port 0 cannot be sent to.
  if (port === 0) return { type: "unusable", reason: "port 0" };
  const rest = {
    type: attribute.type,
    protocol,
    tcpType: isTcpType(attribute.tcpType) ? attribute.tcpType : undefined,
    priority: priority >>> 0,
    foundation,
  } as const;
  const ip = IpAddress.parse(address);
  if (ip !== undefined) {
    if (!canBeReached(ip)) return { type: "unusable", reason: "not a unicast address" };
    const candidate = { ...rest, address: new TransportAddress(ip, port), hostname: undefined };
    return { type: "candidate", candidate };
  }
  // Other names are not resolved: a remote description must not make us ask the resolver whatever it likes.
  if (!isMdnsName(address)) return { type: "unusable", reason: "neither an address nor an mDNS name" };
  const hostname = address.toLowerCase();
  return {
    type: "name",
    hostname,
    withIp: (resolved) => ({ ...rest, address: new TransportAddress(resolved, port), hostname }),
  };
}

/** What is told the other side about a candidate of ours. */
export function writeLocalCandidate(candidate: LocalCandidate): LocalCandidateAttribute {
  const { foundation, protocol, priority, address, type, tcpType, hostname, relatedAddress } = candidate;
  return {
    foundation,
    component: COMPONENT,
    transport: protocol,
    priority,
    address: hostname ?? withoutZone(address.ip),
    port: address.port,
    type,
    ...(relatedAddress && {
      relatedAddress: withoutZone(relatedAddress.ip),
      relatedPort: relatedAddress.port,
    }),
    ...(tcpType && { tcpType }),
    extensions: [],
  };
}

/** A zone means something on this host only (RFC 4007 §6). */
function withoutZone(ip: IpAddress): string {
  return ip.toString().replace(/%.*$/, "");
}

/** Multicast and broadcast are never candidates: checks must not become a tool to reach everybody at once. */
function canBeReached(ip: IpAddress): boolean {
  const [first] = ip.unmapped.bytes;
  if (ip.isUnspecified || ip.unmapped.isUnspecified) return false;
  return ip.unmapped.family === 4 ? first! < 224 : first !== 0xff;
}

function isCandidateType(type: string): type is IceCandidateType {
  return type === "host" || type === "srflx" || type === "prflx" || type === "relay";
}

function isTcpType(type: string | undefined): type is IceTcpType {
  return type === "active" || type === "passive" || type === "so";
}
