import { BlockList, isIP } from "node:net";
import { IpAddress, toHex } from "@naru/webrtc/bytes";

/** A network in CIDR notation, or one address. */
export interface AddressRange {
  readonly address: string;
  readonly prefixLength: number;
  readonly family: "ipv4" | "ipv6";
}

/** Reads `10.0.0.0/8`, `192.0.2.1` or `fd00::/8`; undefined when the text is none of these. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes("%")) return undefined;
  const bits = version === 4 ? 32 : 128;
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined;
  const prefixLength = prefix === undefined ? bits : Number(prefix);
  if (prefixLength > bits) return undefined;
  return { address, prefixLength, family: version === 4 ? "ipv4" : "ipv6" };
}

/** Tells whether addresses lie in one of some ranges. */
export class AddressSet {
  readonly #blocks = new BlockList();

  /** @throws {RangeError} when a text is not a range. */
  constructor(ranges: readonly string[]) {
    for (const text of ranges) {
      const range = parseAddressRange(text);
      if (range === undefined)
        throw new RangeError(`"${text}" is not an address or network such as 10.0.0.0/8`);
      this.#blocks.addSubnet(range.address, range.prefixLength, range.family);
    }
  }

  /** IPv4 addresses may come in their IPv6 form (`::ffff:192.0.2.1`), as sockets of both families give them. */
  has(address: string): boolean {
    const plain = unmapAddress(address);
    const version = isIP(plain);
    return version !== 0 && this.#blocks.check(plain, version === 4 ? "ipv4" : "ipv6");
  }
}

/** `192.0.2.1` for `::ffff:192.0.2.1`; every other address as it is. */
export function unmapAddress(address: string): string {
  const match = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return match?.[1] ?? address;
}

/** What limits count by: an IPv4 address, or the /64 of an IPv6 address, which is what one subscriber has at least. */
export function addressGroup(address: string): string {
  const ip = IpAddress.parse(unmapAddress(address));
  if (ip === undefined) return address;
  return toHex(ip.family === 4 ? ip.bytes : ip.bytes.subarray(0, 8));
}
