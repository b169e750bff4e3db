import { IpAddress } from "@naru/webrtc/bytes";

/** A network in CIDR notation, or one address. */
export interface AddressRange {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

/** Reads `10.0.0.0/8`, `192.0.2.1` or `fd00::/8`; undefined when the text is none of these. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const match = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = match === null ? undefined : IpAddress.parse(match[1] ?? "");
  if (match === null || address === undefined) return undefined;
  const bits = address.bytes.length * 8;
  const prefixLength = match[2] === undefined ? bits : Number(match[2]);
  return prefixLength <= bits ? { address, prefixLength } : undefined;
}

/** Whether `ip` lies in the range. Addresses of the other family never do, in whatever disguise they come. */
export function isInRange(ip: IpAddress, range: AddressRange): boolean {
  if (ip.family !== range.address.family) return false;
  const whole = range.prefixLength >>> 3;
  const [bytes, prefix] = [ip.bytes, range.address.bytes];
  for (let i = 0; i < whole; i++) if (bytes[i] !== prefix[i]) return false;
  const rest = range.prefixLength & 7;
  if (rest === 0) return true;
  return (bytes[whole]! ^ prefix[whole]!) >>> (8 - rest) === 0;
}

/**
 * Reads ranges that somebody configured.
 *
 * @throws {RangeError} naming the text that is none.
 */
export function parseAddressRanges(texts: readonly string[]): readonly AddressRange[] {
  return texts.map((text) => {
    const range = parseAddressRange(text);
    if (range !== undefined) return range;
    throw new RangeError(`expected an address or a network such as 10.0.0.0/8, got "${text}"`);
  });
}
