import { IpAddress } from "../bytes/index.ts";

/** Ports of STUN and TURN without and with TLS (RFC 8489 §8.1, RFC 8656 §5). */
const DEFAULT_PORT = 3478;
const DEFAULT_TLS_PORT = 5349;

/** A DNS name as it is written (RFC 1035 §2.3.4). */
const MAX_HOST_LENGTH = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** How a server is reached. `dtls` is what `turns:…?transport=udp` asks for (RFC 7350). */
export type StunUrlTransport = "udp" | "tcp" | "tls" | "dtls";

/** A `stun:`, `stuns:`, `turn:` or `turns:` URL, taken apart. */
export interface StunUrl {
  readonly scheme: "stun" | "stuns" | "turn" | "turns";
  /** A name in lower case, or an address without brackets. It is also the name that a certificate has to be for. */
  readonly host: string;
  /** The host, when it is an address. */
  readonly ip: IpAddress | undefined;
  readonly port: number;
  readonly transport: StunUrlTransport;
}

/**
 * Reads the URL of a STUN server (RFC 7064) or TURN server (RFC 7065), and refuses what the W3C's "validate an ICE server
 * URL" (webrtc-pc §4.4.1.6) refuses. Names that are not ASCII have to come in their `xn--` form.
 *
 * @returns its parts; or what is wrong with it, in words, for the SyntaxError of whoever asked.
 */
export function safeParseStunUrl(text: string): StunUrl | string {
  // webrtc-pc hands this to the URL parser of the WHATWG, which strips spaces around and line breaks within.
  const url = stripSpaces(text);
  const match = /^([a-z][a-z0-9+.-]*):([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(url);
  const scheme = match?.[1]?.toLowerCase();
  if (match === null || !isScheme(scheme)) {
    return `${quote(text)} does not start with stun:, stuns:, turn: or turns:`;
  }
  const [, , authority = "", query, fragment] = match;
  if (/[/@]/.test(authority)) return `${quote(text)} has more than a host and a port after ${scheme}:`;
  if (fragment !== undefined) return `${quote(text)} has a fragment`;
  if (query !== undefined && !scheme.startsWith("turn"))
    return `${quote(text)} has a query; only turn: may have one`;
  if (query !== undefined && query !== "?transport=udp" && query !== "?transport=tcp") {
    return `${quote(text)} has a query other than ?transport=udp and ?transport=tcp`;
  }
  const isSecure = scheme === "stuns" || scheme === "turns";
  const place = parseAuthority(authority, isSecure ? DEFAULT_TLS_PORT : DEFAULT_PORT);
  if (typeof place === "string") return `${quote(text)} ${place}`;
  return { scheme, ...place, transport: transportOf(isSecure, query) };
}

function transportOf(isSecure: boolean, query: string | undefined): StunUrlTransport {
  // RFC 7065 §3.2: turns is TLS over TCP. RFC 7350 §4.6.2: with transport=udp it is DTLS.
  if (isSecure) return query === "?transport=udp" ? "dtls" : "tls";
  return query === "?transport=tcp" ? "tcp" : "udp";
}

function parseAuthority(
  authority: string,
  defaultPort: number,
): Pick<StunUrl, "host" | "ip" | "port"> | string {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/s.exec(authority);
  if (match === null) return "has no host that can be read; an IPv6 address stands in brackets";
  const [, bracketed, plain = "", portText = ""] = match;
  // RFC 3986 §3.2.3: a port may be empty, and is the default then.
  const port = portText === "" ? defaultPort : Number(portText);
  if (!/^[0-9]*$/.test(portText) || port > 65_535) return "has a port that is not from 0 to 65535";
  if (bracketed !== undefined) {
    const ip = bracketed.includes("%") ? undefined : IpAddress.parse(bracketed);
    return ip?.family === 6 ? { host: ip.toString(), ip, port } : "has no IPv6 address between its brackets";
  }
  const host = plain.toLowerCase();
  const ip = IpAddress.parse(host);
  return ip !== undefined || isName(host) ? { host, ip, port } : "has no name or address for a host";
}

function isName(host: string): boolean {
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  const labels = name.split(".");
  // What ends in a number is an IPv4 address to the WHATWG's parser, and was none.
  const isNumeric = /^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "");
  return name.length <= MAX_HOST_LENGTH && !isNumeric && labels.every((label) => LABEL.test(label));
}

function isScheme(scheme: string | undefined): scheme is StunUrl["scheme"] {
  return scheme === "stun" || scheme === "stuns" || scheme === "turn" || scheme === "turns";
}

function stripSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(start, end).replace(/[\t\n\r]/g, "");
}

/** Long enough to be recognised, short enough for a line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
