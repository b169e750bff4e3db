import { copyBytes, type IpFamily } from "@naru/webrtc/bytes";
import {
  ADDITIONAL_ADDRESS_FAMILY,
  DONT_FRAGMENT,
  EVEN_PORT,
  LIFETIME,
  REQUESTED_ADDRESS_FAMILY,
  REQUESTED_TRANSPORT,
  RESERVATION_TOKEN,
  StunErrorNumber,
  type StunMessage,
} from "@naru/webrtc/stun";
import {
  DEFAULT_ALLOCATION_LIFETIME_SECONDS,
  MAX_ALLOCATION_LIFETIME_SECONDS,
  RelayTransport,
} from "@naru/webrtc/turn";
import type { ClientTransport } from "./allocation.ts";
import type { RelayWish } from "./relay-maker.ts";

/** What an Allocate request asks for, checked. */
export interface AllocatePlan {
  readonly transport: "udp" | "tcp";
  /** One, or two for a dual allocation; the first has to be fulfilled. */
  readonly wishes: readonly RelayWish[];
  /** Families of a dual allocation that cannot be had here (RFC 8656 §7.2). */
  readonly unsupported: readonly IpFamily[];
  /** A reserved port to use instead. Ours. */
  readonly token: Uint8Array | undefined;
  readonly lifetimeSeconds: number;
}

/** What the server can do. */
export interface AllocateAbilities {
  readonly supports: (family: IpFamily) => boolean;
  readonly allowsTcp: boolean;
}

/**
 * Reads an Allocate request, in the order of RFC 8656 §7.2 (steps 3 to 9) and RFC 6062 §5.1.
 *
 * @returns the plan, or the number of the error to answer with.
 */
export function planAllocation(
  message: StunMessage,
  clientTransport: ClientTransport,
  abilities: AllocateAbilities,
): AllocatePlan | number {
  const protocol = message.get(REQUESTED_TRANSPORT);
  if (protocol === undefined) return StunErrorNumber.badRequest;
  if (protocol === RelayTransport.udp) return planUdp(message, abilities);
  if (protocol === RelayTransport.tcp && abilities.allowsTcp)
    return planTcp(message, clientTransport, abilities);
  return StunErrorNumber.unsupportedTransportProtocol;
}

/** RFC 8656 §8.2 for Refresh, and in the same words §7.2 for Allocate. Zero means zero in a Refresh only. */
export function grantedLifetimeSeconds(requested: number | undefined): number {
  const wanted = Math.min(requested ?? 0, MAX_ALLOCATION_LIFETIME_SECONDS);
  return Math.max(wanted, DEFAULT_ALLOCATION_LIFETIME_SECONDS);
}

function planTcp(
  message: StunMessage,
  clientTransport: ClientTransport,
  abilities: AllocateAbilities,
): AllocatePlan | number {
  // RFC 6062 §5.1: only over a stream, and without what makes sense for UDP alone.
  const hasForeign = [DONT_FRAGMENT, EVEN_PORT, RESERVATION_TOKEN].some((attribute) =>
    message.has(attribute),
  );
  if (clientTransport === "udp" || hasForeign) return StunErrorNumber.badRequest;
  const families = planFamilies(message, abilities);
  if (typeof families === "number") return families;
  return {
    transport: "tcp",
    wishes: families.wanted.map((family) => ({ family, parity: "any" })),
    unsupported: families.unsupported,
    token: undefined,
    lifetimeSeconds: grantedLifetimeSeconds(message.get(LIFETIME)),
  };
}

function planUdp(message: StunMessage, abilities: AllocateAbilities): AllocatePlan | number {
  const lifetimeSeconds = grantedLifetimeSeconds(message.get(LIFETIME));
  if (message.has(RESERVATION_TOKEN)) {
    // RFC 8656 §7.2 step 5.
    const others = [EVEN_PORT, REQUESTED_ADDRESS_FAMILY, ADDITIONAL_ADDRESS_FAMILY];
    const token = message.get(RESERVATION_TOKEN);
    if (token === undefined || others.some((other) => message.has(other))) return StunErrorNumber.badRequest;
    return { transport: "udp", wishes: [], unsupported: [], token: copyBytes(token), lifetimeSeconds };
  }
  const families = planFamilies(message, abilities);
  if (typeof families === "number") return families;
  const evenPort = message.get(EVEN_PORT);
  if (message.has(EVEN_PORT) && evenPort === undefined) return StunErrorNumber.badRequest;
  // RFC 8656 §7.2 step 8: a pair for two families would be four ports.
  if (evenPort === true && message.has(ADDITIONAL_ADDRESS_FAMILY)) return StunErrorNumber.badRequest;
  const parity = evenPort === undefined ? "any" : evenPort ? "pair" : "even";
  return {
    transport: "udp",
    wishes: families.wanted.map((family) => ({ family, parity })),
    unsupported: families.unsupported,
    token: undefined,
    lifetimeSeconds,
  };
}

function planFamilies(
  message: StunMessage,
  { supports }: AllocateAbilities,
): { readonly wanted: readonly IpFamily[]; readonly unsupported: readonly IpFamily[] } | number {
  const isAdditional = message.has(ADDITIONAL_ADDRESS_FAMILY);
  if (message.has(REQUESTED_ADDRESS_FAMILY)) {
    // RFC 8656 §7.2 steps 6 and 7.
    if (isAdditional) return StunErrorNumber.badRequest;
    const family = message.get(REQUESTED_ADDRESS_FAMILY);
    if (family === undefined || !supports(family)) return StunErrorNumber.addressFamilyNotSupported;
    return { wanted: [family], unsupported: [] };
  }
  if (!isAdditional) {
    return supports(4) ? { wanted: [4], unsupported: [] } : StunErrorNumber.addressFamilyNotSupported;
  }
  // RFC 8656 §7.2 step 9: IPv4 comes by itself, so that only IPv6 can be additional. One family is better than none.
  if (message.get(ADDITIONAL_ADDRESS_FAMILY) !== 6) return StunErrorNumber.badRequest;
  const both: readonly IpFamily[] = [4, 6];
  const wanted = both.filter(supports);
  if (wanted.length === 0) return StunErrorNumber.addressFamilyNotSupported;
  return { wanted, unsupported: both.filter((family) => !supports(family)) };
}
