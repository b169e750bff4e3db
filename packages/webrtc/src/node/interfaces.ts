import { networkInterfaces } from "node:os";
import { IpAddress } from "../bytes/index.ts";
import type { NetworkInterface } from "../platform/index.ts";

/** Node has no event for it, and a look costs a fraction of a millisecond. */
const WATCH_INTERVAL_MS = 1000;

/** The addresses of this host. */
export function listInterfaces(): readonly NetworkInterface[] {
  const found: NetworkInterface[] = [];
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address, cidr, scopeid } of addresses ?? []) {
      const zone = scopeid ? `%${name}` : "";
      const ip = IpAddress.parse(address.includes("%") ? address : address + zone);
      const prefixLength = Number(cidr?.split("/")[1] ?? Number.NaN);
      if (ip !== undefined && Number.isInteger(prefixLength)) found.push({ name, address: ip, prefixLength });
    }
  }
  return found;
}

/** Calls `onChange` when {@link listInterfaces} changes. Does not keep the process alive. */
export function watchInterfaces(onChange: () => void): () => void {
  let previous = fingerprint();
  const handle = setInterval(() => {
    const current = fingerprint();
    if (current === previous) return;
    previous = current;
    onChange();
  }, WATCH_INTERVAL_MS);
  handle.unref();
  return () => clearInterval(handle);
}

function fingerprint(): string {
  return listInterfaces()
    .map(({ name, address, prefixLength }) => `${name} ${address}/${prefixLength}`)
    .sort((a, b) => (a < b ? -1 : 1))
    .join("\n");
}
