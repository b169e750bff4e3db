import { IpAddress } from "../bytes/index.ts";
import type { IceGathererOptions, IceInterface } from "./gatherer-options.ts";
import { interleaveFamilies } from "./priority.ts";

/** More addresses than a host uses at once: with two servers each they are 32 questions. */
export const MAX_BASES = 16;

/** The addresses to gather on, the best first; the unspecified ones stand for "any interface". */
export function chooseAddresses(
  interfaces: readonly IceInterface[],
  options: IceGathererOptions,
): IpAddress[] {
  const { interfaceFilter = () => true, includesLoopback = false, addressPolicy } = options;
  const usable = interfaces.filter((candidate) => isUsable(candidate.address) && interfaceFilter(candidate));
  const others = usable.filter(({ address }) => !address.isLoopback);
  const chosen = includesLoopback || others.length === 0 ? usable : others;
  const unique = new Map(chosen.map(({ address }) => [`${address}`, address]));
  const ordered = interleaveFamilies([...unique.values()]).slice(0, MAX_BASES);
  if (addressPolicy !== "default-route") return ordered;
  const families = new Set(ordered.map(({ family }) => family));
  return [...families].map((family) => IpAddress.fromBytes(new Uint8Array(family === 4 ? 4 : 16)));
}

/** RFC 8445 §5.1.1.1: no addresses that are of no use to others. */
function isUsable(address: IpAddress): boolean {
  if (address.isUnspecified || address.isLinkLocal) return false;
  const { bytes, family } = address;
  if (family === 4) return true;
  // Site-local (fec0::/10, deprecated), IPv4-mapped and IPv4-compatible addresses.
  const isSiteLocal = bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0xc0;
  const isEmbedded =
    address.unmapped !== address ||
    (bytes.subarray(0, 12).every((byte) => byte === 0) && !address.isLoopback);
  return !isSiteLocal && !isEmbedded;
}
