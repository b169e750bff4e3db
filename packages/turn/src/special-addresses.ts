import { IpAddress, readUint32 } from "@naru/webrtc/bytes";
import { isInRange, parseAddressRanges } from "./address-range.ts";

/**
 * IPv4 that a relay for strangers must not reach: the special-purpose registry (RFC 6890) less what is global, multicast,
 * and the addresses under which clouds tell a machine its secrets.
 */
const FORBIDDEN_IPV4 = parseAddressRanges([
  "0.0.0.0/8", // this network (RFC 791)
  "10.0.0.0/8", // private (RFC 1918)
  "100.64.0.0/10", // carrier-grade NAT (RFC 6598); a cloud's metadata at 100.100.100.200
  "127.0.0.0/8", // loopback (RFC 1122)
  "168.63.129.16", // a cloud's metadata and control, although in a public range
  "169.254.0.0/16", // link-local (RFC 3927); clouds' metadata at 169.254.169.254
  "172.16.0.0/12", // private (RFC 1918)
  "192.0.0.0/24", // protocol assignments (RFC 6890); a cloud's metadata at 192.0.0.192
  "192.0.2.0/24", // documentation (RFC 5737)
  "192.88.99.0/24", // 6to4 relays (RFC 7526)
  "192.168.0.0/16", // private (RFC 1918)
  "198.18.0.0/15", // benchmarks (RFC 2544)
  "198.51.100.0/24", // documentation (RFC 5737)
  "203.0.113.0/24", // documentation (RFC 5737)
  "224.0.0.0/4", // multicast (RFC 5771)
  "240.0.0.0/4", // reserved (RFC 1112) and broadcast
]);

/**
 * All of IPv6 but what is global unicast (RFC 4291 §2.4): `::/128`, `::1`, IPv4-mapped and IPv4-compatible addresses,
 * NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard-only, ULA, link-local, site-local, multicast and whatever is not assigned.
 */
const GLOBAL_UNICAST = parseAddressRanges(["2000::/3"]);

/** Parts of it that are not for everybody. */
const FORBIDDEN_IPV6 = parseAddressRanges([
  "2001::/23", // protocol assignments: Teredo, benchmarks, ORCHID (RFC 2928)
  "2001:db8::/32", // documentation (RFC 3849)
  "2002::/16", // 6to4 (RFC 3056, abandoned by RFC 7526)
  "3fff::/20", // documentation (RFC 9637)
]);

/** Whether the address, as it stands, is one that a relay for strangers must not reach. */
export function isSpecialAddress(ip: IpAddress): boolean {
  if (ip.family === 4) return FORBIDDEN_IPV4.some((range) => isInRange(ip, range));
  if (!GLOBAL_UNICAST.some((range) => isInRange(ip, range))) return true;
  return FORBIDDEN_IPV6.some((range) => isInRange(ip, range));
}

/** ::/96 (RFC 4291 §2.5.5.1), ::ffff:0:0/96 (§2.5.5.2), ::ffff:0:0:0/96 (RFC 2765), 64:ff9b::/96 (RFC 6052 §2.1). */
const IPV4_IN_LAST_BYTES = parseAddressRanges(["::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"]);

/** Local-use NAT64 (RFC 8215): where the IPv4 address lies depends on the prefix that the site chose. */
const LOCAL_NAT64 = parseAddressRanges(["64:ff9b:1::/48"]);
const SIX_TO_FOUR = parseAddressRanges(["2002::/16"]);
const TEREDO = parseAddressRanges(["2001::/32"]);

/** Interface identifiers of ISATAP (RFC 5214 §6.1): 0000:5efe or 0200:5efe before the IPv4 address. */
const ISATAP_MARK = 0x5efe;

/**
 * The IPv4 addresses that an IPv6 address carries in one of the ways of the transition: whoever relays to the outside may
 * end up at them. Usually none.
 */
export function embeddedIpv4(ip: IpAddress): readonly IpAddress[] {
  if (ip.family === 4) return [];
  const { bytes } = ip;
  if (IPV4_IN_LAST_BYTES.some((range) => isInRange(ip, range))) return [ipv4At(bytes, 12)];
  // RFC 6052 §2.2: behind a /48 the address lies around bits 64 to 71, behind a /96 at the end.
  if (LOCAL_NAT64.some((range) => isInRange(ip, range))) {
    return [
      ipv4At(bytes, 12),
      IpAddress.fromBytes(Uint8Array.of(bytes[6]!, bytes[7]!, bytes[9]!, bytes[10]!)),
    ];
  }
  if (SIX_TO_FOUR.some((range) => isInRange(ip, range))) return [ipv4At(bytes, 2)];
  // RFC 4380 §4: the Teredo server, and the client's address with every bit turned over.
  if (TEREDO.some((range) => isInRange(ip, range))) {
    return [ipv4At(bytes, 4), IpAddress.fromBytes(bytes.slice(12).map((byte) => byte ^ 0xff))];
  }
  // The bit that differs says whether the IPv4 address is unique in the world.
  const isIsatap = (readUint32(bytes, 8) & 0xfdff_ffff) === ISATAP_MARK;
  return isIsatap ? [ipv4At(bytes, 12)] : [];
}

function ipv4At(bytes: Uint8Array, offset: number): IpAddress {
  return IpAddress.fromBytes(bytes.subarray(offset, offset + 4));
}
