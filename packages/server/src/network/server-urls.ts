import { isIP } from "node:net";
import type { NaruConfig } from "../config/schema.ts";
import { AddressSet } from "./address-range.ts";
import { localNames, PRIVATE_RANGES } from "./local-addresses.ts";

/** Addresses under which a server can be reached. */
export interface ServerUrls {
  /** For the browser on the same machine: plain HTTP, which browsers take for secure there. */
  readonly local: string;
  /** For other machines: encrypted, most useful first. Empty when it listens on this machine only. */
  readonly network: readonly string[];
  /** For a QR code: the first network address by plain HTTP, which leads to an explanation before a warning. */
  readonly invitation: string | undefined;
}

const ownRange = new AddressSet(["127.0.0.0/8", "::1"]);
const privateRange = new AddressSet(PRIVATE_RANGES);

/** Reads the interfaces as they are now. */
export function serverUrls(config: NaruConfig, port: number): ServerUrls {
  const { host, publicUrl } = config;
  const names = localNames();
  const isOwnOnly = host !== undefined && (host === "localhost" || ownRange.has(host));
  const all = host === undefined || host === "0.0.0.0" || host === "::";
  // Temporary IPv6 addresses are long and many; people type and scan IPv4 ones, or the name.
  const ipv4 = names.addresses.filter((address) => isIP(address) === 4);
  const addresses = ipv4.length > 0 ? ipv4 : names.addresses.filter((address) => privateRange.has(address));
  const hosts = isOwnOnly ? [] : all ? addresses : [host];
  const named = all && hosts.length > 0 && names.hostname !== undefined ? [`${names.hostname}.local`] : [];
  const network = [...hosts, ...named].map((name) => `https://${hostPart(name)}:${port}`);
  const first = network[0];
  return {
    local: `http://localhost:${port}`,
    network: publicUrl === undefined ? network : [publicUrl, ...network],
    invitation: publicUrl ?? first?.replace(/^https:/, "http:"),
  };
}

/** An address as it stands in a URL. */
export function hostPart(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
