import { isIP } from "node:net";
import { type AddressRange, AddressSet, parseAddressRange } from "../network/address-range.ts";

/** RFC 5280 §4.2.1.10. */
export const NAME_CONSTRAINTS_OID = "2.5.29.30";

/** What a certificate authority may issue certificates for. */
export interface PermittedNames {
  /** Each with all names below it: `local` permits `my-laptop.local`. */
  readonly domains: readonly string[];
  /** In CIDR notation. */
  readonly ranges: readonly string[];
}

/** Whether an authority with these constraints may issue for this host name or address. */
export function permits(permitted: PermittedNames, name: string): boolean {
  if (isIP(name) !== 0) return new AddressSet(permitted.ranges).has(name);
  return permitted.domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
}

/**
 * The value of the extension in DER:
 *
 * ```text
 * NameConstraints ::= SEQUENCE { permittedSubtrees [0] GeneralSubtrees OPTIONAL, … }
 * GeneralSubtrees ::= SEQUENCE OF SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, … }
 * GeneralName     ::= CHOICE { …, dNSName [2] IA5String, …, iPAddress [7] OCTET STRING, … }
 * ```
 */
export function encodeNameConstraints(permitted: PermittedNames): Uint8Array {
  const subtrees = [
    ...permitted.domains.map((domain) => der(0x82, new TextEncoder().encode(domain))),
    ...permitted.ranges.map((range) => der(0x87, encodeRange(range))),
  ].map((name) => der(0x30, name));
  return der(0x30, der(0xa0, concat(subtrees)));
}

/** RFC 5280 §4.2.1.10: the address followed by the mask, 8 bytes for IPv4 and 32 for IPv6. */
function encodeRange(text: string): Uint8Array {
  const range = parseAddressRange(text);
  if (range === undefined) throw new RangeError(`"${text}" is not an address range`);
  const address = addressBytes(range);
  const mask = address.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, range.prefixLength - 8 * i))) & 0xff);
  return concat([address.map((byte, i) => byte & mask[i]!), mask]);
}

function addressBytes(range: AddressRange): Uint8Array {
  if (range.family === "ipv4") return Uint8Array.from(range.address.split(".").map(Number));
  // The URL parser writes IPv6 addresses in hexadecimal groups only (WHATWG URL §3.5).
  const [head = "", tail] = new URL(`http://[${range.address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const end = tail === undefined ? [] : groups(tail);
  const begin = groups(head);
  const all = [...begin, ...new Array<number>(8 - begin.length - end.length).fill(0), ...end];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function der(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  if (length < 0x80) return concat([Uint8Array.of(tag, length), content]);
  if (length < 0x1_00) return concat([Uint8Array.of(tag, 0x81, length), content]);
  if (length < 0x1_0000) return concat([Uint8Array.of(tag, 0x82, length >> 8, length & 0xff), content]);
  throw new RangeError(`${length} bytes are too many for name constraints`);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
