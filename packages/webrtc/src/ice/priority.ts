import type { IpFamily } from "../bytes/index.ts";
import type { IceCandidateType, IceProtocol, IceRelayProtocol, IceTcpType } from "./candidate.ts";

/** What a candidate's priority is made of (RFC 8445 §5.1.2.1). */
export interface PriorityParts {
  readonly type: IceCandidateType;
  readonly protocol: IceProtocol;
  readonly relayProtocol?: IceRelayProtocol | undefined;
  /** 0 to 65535. */
  readonly localPreference: number;
}

/** RFC 8445 §5.1.2.2. */
const UDP_PREFERENCE: Readonly<Record<IceCandidateType, number>> = {
  host: 126,
  prflx: 110,
  srflx: 100,
  relay: 2,
};
/** RFC 6544 §4.2: below every direct UDP candidate, above every relay. */
const TCP_PREFERENCE: Readonly<Record<IceCandidateType, number>> = {
  host: 90,
  prflx: 80,
  srflx: 70,
  relay: 0,
};
/** A relay reached over UDP loses a packet where one reached over TCP stalls all that follow it. */
const RELAY_PREFERENCE: Readonly<Record<IceRelayProtocol, number>> = { udp: 2, tcp: 1, tls: 0 };

const COMPONENT = 1;

/** RFC 8445 §5.1.2.1: 2²⁴ type preference + 2⁸ local preference + 256 − component. */
export function candidatePriority(parts: PriorityParts): number {
  return typePreference(parts) * 0x100_0000 + parts.localPreference * 0x100 + (256 - COMPONENT);
}

/** The priority that a peer-reflexive candidate on this one's base would have: the PRIORITY of its checks (RFC 8445 §7.1.1). */
export function peerReflexivePriority(protocol: IceProtocol, localPreference: number): number {
  return candidatePriority({ type: "prflx", protocol, localPreference });
}

function typePreference({ type, protocol, relayProtocol }: PriorityParts): number {
  if (type === "relay" && relayProtocol !== undefined) return RELAY_PREFERENCE[relayProtocol];
  return protocol === "udp" ? UDP_PREFERENCE[type] : TCP_PREFERENCE[type];
}

/** RFC 6544 §4.2: direction preferences of host candidates. */
const DIRECTION_PREFERENCE: Readonly<Record<IceTcpType, number>> = { active: 6, passive: 4, so: 2 };

/**
 * Local preference of an address.
 *
 * @param rank - Its place in the order of {@link interleaveFamilies}, 0 being the best.
 */
export function localPreferenceOf(rank: number, tcpType?: IceTcpType): number {
  if (tcpType === undefined) return Math.max(0, 65_535 - rank);
  // RFC 6544 §4.2: 2¹³ direction preference + other preference, which has 13 bits.
  return 0x2000 * DIRECTION_PREFERENCE[tcpType] + Math.max(0, 0x1fff - rank);
}

/**
 * Orders addresses so that neither family waits for the whole other one (RFC 8421 §4): some IPv6 first, then both in
 * turns. Within a family the order stays.
 */
export function interleaveFamilies<T extends { readonly family: IpFamily }>(items: readonly T[]): T[] {
  const six = items.filter(({ family }) => family === 6);
  const four = items.filter(({ family }) => family === 4);
  if (six.length === 0 || four.length === 0) return [...items];
  // RFC 8421 §4: Hi = (N_4 + N_6) / N_4, the head start and the share of IPv6.
  const headStart = (four.length + six.length) / four.length;
  const ordered = six.splice(0, Math.floor(headStart));
  let credit = 0;
  while (six.length > 0 || four.length > 0) {
    const next = four.shift();
    if (next !== undefined) ordered.push(next);
    credit += headStart - 1;
    const share = next === undefined ? six.length : Math.floor(credit);
    credit -= share;
    ordered.push(...six.splice(0, share));
  }
  return ordered;
}

/**
 * Priority of a pair, exactly: 2³² MIN(G,D) + 2 MAX(G,D) + (G > D ? 1 : 0) (RFC 8445 §6.1.2.3), as two numbers since a
 * `number` has 53 bits and a `bigint` is made anew for each comparison.
 */
export interface PairPriority {
  /** The value divided by 2³², rounded down. */
  readonly high: number;
  /** The lower 32 bits. */
  readonly low: number;
}

/**
 * @param controlling - G: priority of the controlling side's candidate.
 * @param controlled - D: of the controlled side's.
 */
export function pairPriority(controlling: number, controlled: number): PairPriority {
  const rest = 2 * Math.max(controlling, controlled) + (controlling > controlled ? 1 : 0);
  const carry = rest >= 0x1_0000_0000 ? 1 : 0;
  return { high: Math.min(controlling, controlled) + carry, low: rest - carry * 0x1_0000_0000 };
}

/** Below 0 when `a` is to be preferred to `b`, above 0 the other way round: sorts the best pair first. */
export function comparePairPriority(a: PairPriority, b: PairPriority): number {
  return b.high - a.high || b.low - a.low;
}

/** The whole value, for `RTCIceCandidatePairStats` and people; not for comparisons. */
export function pairPriorityValue({ high, low }: PairPriority): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
