import { hostname, networkInterfaces } from "node:os";
import { AddressSet } from "./address-range.ts";

/** Where this machine can be reached, as it is now. */
export interface LocalNames {
  /** Addresses that other machines can use: no loopback, no link-local ones; IPv4 first. */
  readonly addresses: readonly string[];
  /** The machine's own name, lower-case and without a domain; undefined when it is not usable as one. */
  readonly hostname: string | undefined;
}

/** Networks that are never routed on the internet, and this machine itself. */
export const PRIVATE_RANGES: readonly string[] = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  // RFC 6598: shared address space, which overlay networks use too.
  "100.64.0.0/10",
  "169.254.0.0/16",
  "127.0.0.0/8",
  "fc00::/7",
  "fe80::/10",
  "::1/128",
];

const linkLocal = new AddressSet(["169.254.0.0/16", "fe80::/10"]);

/** Reads the interfaces and the name of this machine. */
export function localNames(): LocalNames {
  const found = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const usable = found.filter((entry) => !entry.internal && !linkLocal.has(entry.address));
  const addresses = [...usable.filter(isIpv4), ...usable.filter((entry) => !isIpv4(entry))];
  const name = hostname().split(".")[0]?.toLowerCase() ?? "";
  return {
    addresses: [...new Set(addresses.map((entry) => entry.address))],
    // RFC 1123 §2.1, one label.
    hostname: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name) ? name : undefined,
  };
}

function isIpv4(entry: { readonly family: string }): boolean {
  return entry.family === "IPv4";
}
