import { isIP } from "node:net";

/** A host, and a port when one was named. */
export interface HostAndPort {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
}

/** RFC 1123 §2.1: names in letters, digits, hyphens and dots. */
const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i;

/** Reads `turn.example.com`, `192.0.2.1:443` or `[2001:db8::1]:443`; undefined when the text is none of these. */
export function parseHostAndPort(text: string): HostAndPort | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain = "", digits] = match;
  const host = bracketed ?? plain;
  const isHost = bracketed === undefined ? NAME.test(host) : isIP(host) === 6;
  const port = digits === undefined ? undefined : Number(digits);
  if (!isHost || (port !== undefined && (port < 1 || port > 65_535))) return undefined;
  return { host, port };
}
