import { copyBytes } from "./copy.ts";
import { equalBytes, readUint16 } from "./integers.ts";

/** IP version. */
export type IpFamily = 4 | 6;

/** A zone is an interface's name or number (RFC 4007 §11.2). What could end or change the text around it is refused. */
const ZONE = /^[^\s\p{Cc}%[\]/]{1,64}$/u;

/**
 * An IPv4 or IPv6 address: immutable, parsed once at the edge. Zone identifiers (`fe80::1%eth0`) are kept
 * for the socket that needs them and take no part in comparison.
 */
export class IpAddress {
  readonly family: IpFamily;
  /** 4 or 16 bytes in network order. Shared: not to be written to. */
  readonly bytes: Uint8Array;
  /** Zone of a link-local IPv6 address, or undefined. */
  readonly zone: string | undefined;
  #text: string | undefined;

  private constructor(bytes: Uint8Array, zone: string | undefined) {
    this.family = bytes.length === 4 ? 4 : 6;
    this.bytes = bytes;
    this.zone = zone;
  }

  /**
   * From 4 or 16 bytes in network order, which are copied.
   *
   * @throws {RangeError} for any other length.
   */
  static fromBytes(bytes: Uint8Array): IpAddress {
    if (bytes.length !== 4 && bytes.length !== 16) {
      throw new RangeError(`an IP address has 4 or 16 bytes, got ${bytes.length}`);
    }
    return new IpAddress(copyBytes(bytes), undefined);
  }

  /** Reads dotted-decimal IPv4 or RFC 4291 IPv6 text (without brackets); undefined when it is neither. */
  static parse(text: string): IpAddress | undefined {
    const percent = text.indexOf("%");
    const address = percent === -1 ? text : text.slice(0, percent);
    const zone = percent === -1 ? undefined : text.slice(percent + 1);
    const bytes = address.includes(":") ? parseIpv6(address) : parseIpv4(address);
    if (bytes === undefined) return undefined;
    if (zone !== undefined && (bytes.length === 4 || !ZONE.test(zone))) return undefined;
    return new IpAddress(bytes, zone);
  }

  equals(other: IpAddress): boolean {
    return this === other || equalBytes(this.bytes, other.bytes);
  }

  /**
   * The IPv4 address inside an IPv4-mapped IPv6 address (`::ffff:a.b.c.d`), else this one. What an address *is* has to
   * be asked of this: sockets reach the same host by either.
   */
  get unmapped(): IpAddress {
    return isIpv4Mapped(this.bytes) ? new IpAddress(this.bytes.slice(12), undefined) : this;
  }

  /** 0.0.0.0 or ::. */
  get isUnspecified(): boolean {
    return this.bytes.every((byte) => byte === 0);
  }

  /** 127.0.0.0/8 or ::1. */
  get isLoopback(): boolean {
    if (this.family === 4) return this.bytes[0] === 127;
    return this.bytes[15] === 1 && this.bytes.subarray(0, 15).every((byte) => byte === 0);
  }

  /** 169.254.0.0/16 or fe80::/10. */
  get isLinkLocal(): boolean {
    if (this.family === 4) return this.bytes[0] === 169 && this.bytes[1] === 254;
    return this.bytes[0] === 0xfe && (this.bytes[1]! & 0xc0) === 0x80;
  }

  /** Canonical text: dotted decimal, or RFC 5952 for IPv6, with the zone if there is one. */
  toString(): string {
    this.#text ??= formatAddress(this.bytes) + (this.zone === undefined ? "" : `%${this.zone}`);
    return this.#text;
  }
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".", 5);
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    // A leading zero is octal to some parsers and decimal to others: refused, so that nobody is fooled.
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!);
  const tail = halves.length === 2 ? parseGroups(halves[1]!) : [];
  if (head === undefined || tail === undefined) return undefined;
  // An embedded IPv4 address may only be the very end.
  if (halves.length === 2 && halves[0]!.includes(".")) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** Colon-separated groups as bytes; a dotted-decimal group is allowed at the end. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (group.includes(".")) {
      const ipv4 = i === groups.length - 1 ? parseIpv4(group) : undefined;
      if (ipv4 === undefined) return undefined;
      bytes.push(...ipv4);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}

function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  // ::ffff:a.b.c.d keeps its IPv4 tail readable (RFC 5952 §5).
  if (isIpv4Mapped(bytes)) {
    return `::ffff:${bytes.subarray(12).join(".")}`;
  }
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(readUint16(bytes, i));
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.length < 2) return hex.join(":");
  return `${hex.slice(0, run.start).join(":")}::${hex.slice(run.start + run.length).join(":")}`;
}

/** ::ffff:0:0/96 (RFC 4291 §2.5.5.2). */
function isIpv4Mapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  return bytes.subarray(0, 10).every((byte) => byte === 0);
}

/** The longest run of zero groups, the first of equals (RFC 5952 §4.2). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
    if (length > 0) start += length;
  }
  return best;
}
