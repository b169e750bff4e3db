import { lookup } from "node:dns/promises";
import { performance } from "node:perf_hooks";
import { IpAddress } from "../bytes/index.ts";
import type { Platform } from "../platform/index.ts";
import { AddressBook } from "./address-book.ts";
import { createNodeRandom, nodeCrypto } from "./crypto.ts";
import { listInterfaces, watchInterfaces } from "./interfaces.ts";
import { createNodeMdns } from "./mdns.ts";
import { Scheduler } from "./scheduler.ts";
import { connectStream, listenStream } from "./stream.ts";
import { bindUdp } from "./udp.ts";

/** The platform of Node: `dgram`, `net`, `tls`, timers, clock, interfaces, names, `node:crypto`. */
export function createNodePlatform(): Platform {
  const addresses = new AddressBook();
  const now = (): number => performance.now();
  const scheduler = new Scheduler(now);
  return {
    now,
    wallClock: () => Date.now(),
    createTimer: (onTimer) => scheduler.createTimer(onTimer),
    random: createNodeRandom(),
    crypto: nodeCrypto,
    interfaces: listInterfaces,
    watchInterfaces,
    bindUdp: (options, handler) => bindUdp(addresses, options, handler),
    connectStream,
    listenStream,
    resolve,
    mdns: createNodeMdns(now),
  };
}

async function resolve(hostname: string): Promise<readonly IpAddress[]> {
  const literal = IpAddress.parse(hostname);
  if (literal !== undefined) return [literal];
  const addresses = await lookup(hostname, { all: true, order: "verbatim" });
  return addresses.flatMap(({ address }) => IpAddress.parse(address) ?? []);
}
