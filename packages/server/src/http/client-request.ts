import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { type AddressSet, unmapAddress } from "../network/address-range.ts";

/** Where a request really comes from, and how its sender reached this server. */
export interface RequestSource {
  /** Address of the client. Behind a trusted proxy, the one that the proxy saw. */
  readonly address: string;
  /** A proxy forwards and does not say (or is not trusted to say) for whom: the address is the proxy's. */
  readonly isHidden: boolean;
  /** The client speaks HTTPS, to us or to a trusted proxy. */
  readonly isSecure: boolean;
  /** Host as the client wrote it (`naru.local:8443`), or undefined when it is missing or not a host. */
  readonly host: string | undefined;
}

/** RFC 9110 §7.2: uri-host with an optional port; only letters that need no escaping anywhere. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]{0,252})|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** Any of these says that somebody forwards. */
const FORWARDING_HEADERS = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
];

/** Reads the source of a request; what proxies say is believed only of those in `trusted`. */
export function requestSource(request: IncomingMessage, trusted: AddressSet): RequestSource {
  const peer = unmapAddress(request.socket.remoteAddress ?? "");
  const hasForwarding = FORWARDING_HEADERS.some((name) => request.headers[name] !== undefined);
  const host = validHost(request.headers.host);
  if (!trusted.has(peer)) {
    const isSecure = request.socket instanceof TLSSocket;
    return { address: peer, isHidden: hasForwarding, isSecure, host };
  }
  // The client is the last address that no trusted proxy added.
  const chain = headerText(request.headers["x-forwarded-for"])
    .split(",")
    .map((entry) => entry.trim());
  const address = chain.findLast((entry) => entry !== "" && !trusted.has(entry));
  const protocol = headerText(request.headers["x-forwarded-proto"]).split(",").at(-1)?.trim().toLowerCase();
  return {
    address: address === undefined ? peer : unmapAddress(address).slice(0, 64),
    isHidden: address === undefined && hasForwarding,
    isSecure:
      protocol === undefined || protocol === "" ? request.socket instanceof TLSSocket : protocol === "https",
    host: validHost(headerText(request.headers["x-forwarded-host"])) ?? host,
  };
}

/** Whether browsers treat plain HTTP to this host as secure (W3C Secure Contexts §3.1). */
export function isLocalHost(host: string): boolean {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "[::1]" ||
    /^127(?:\.\d{1,3}){3}$/.test(name)
  );
}

function validHost(host: string | undefined): string | undefined {
  // The URL parser knows more that is no host: ports above 65535, numbers that look like addresses.
  return host !== undefined && HOST.test(host) && URL.canParse(`https://${host}`) ? host : undefined;
}

function headerText(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}
