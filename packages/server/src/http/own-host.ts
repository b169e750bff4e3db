import { isIP } from "node:net";
import { isLocalHost } from "./client-request.ts";

/**
 * Names that nobody on the internet can own (RFC 6761, RFC 6762, RFC 8375, RFC 9476 and what routers use): a page cannot point one of
 * its own at this machine.
 */
const LOCAL_SUFFIXES = [
  ".local",
  ".localdomain",
  ".lan",
  ".home",
  ".home.arpa",
  ".internal",
  ".test",
  ".alt",
];

/**
 * Whether a request was meant for this server, as far as its Host header can tell. A page on the internet can give its own
 * name the address of a machine in the visitor's network (DNS rebinding) and would then be of the same origin; the name, though,
 * stays its own.
 *
 * @param host - As the client wrote it, with or without a port.
 * @param known - Hosts under which this server is meant to be reached: of `publicUrl`, of an operator's certificate.
 */
export function isOwnHost(host: string | undefined, known: readonly string[]): boolean {
  if (host === undefined) return false;
  if (isLocalHost(host)) return true;
  const name = host
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
  if (isIP(name) !== 0 || !name.includes(".")) return true;
  return LOCAL_SUFFIXES.some((suffix) => name.endsWith(suffix)) || known.some((own) => matches(own, name));
}

/** Whether `name` is `own`, which may be a wildcard of one label (RFC 6125 §6.4.3). */
function matches(own: string, name: string): boolean {
  if (!own.startsWith("*.")) return own.toLowerCase() === name;
  return name.slice(name.indexOf(".")) === own.slice(1).toLowerCase();
}
