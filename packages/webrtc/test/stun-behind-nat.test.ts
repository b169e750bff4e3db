import { expect, test } from "vitest";
import type { TransportAddress } from "../src/bytes/index.ts";
import { UdpDriver } from "../src/driver/index.ts";
import { PacketArena } from "../src/kernel/index.ts";
import { nodeCrypto } from "../src/node/index.ts";
import type { Platform } from "../src/platform/index.ts";
import { SILENT_LOGGER } from "../src/sansio/index.ts";
import {
  StunBindingServer,
  StunClient,
  type StunClientEvent,
  StunMethod,
  XOR_MAPPED_ADDRESS,
} from "../src/stun/index.ts";
import { createScenario, FIREWALL_PRESETS, NAT_PRESETS, type VirtualHost } from "../src/testing/index.ts";

const scenario = createScenario({
  test,
  environment: process.env,
  file: import.meta.url,
  crypto: nodeCrypto,
});

scenario(
  "a host behind two NATs learns its outermost address over a bad link",
  { seeds: 30 },
  async (network) => {
    const carrier = network.nat("carrier", {
      ...NAT_PRESETS.symmetric,
      address: "198.51.100.1",
      subnet: "100.64.0",
    });
    const home = network.nat("home", { ...NAT_PRESETS.portRestricted, inside: carrier });
    const link = { delayMs: 30, jitterMs: 20, lossRate: 0.2, duplicateRate: 0.1, reorderRate: 0.1 };
    const alice = network.host("alice", { inside: home, link });
    const server = await startServer(network.host("server"));
    const event = await network.complete(askMappedAddress(alice, server));
    expect(event.type).toBe("success");
    const mapped = event.type === "success" ? event.response.get(XOR_MAPPED_ADDRESS) : undefined;
    expect(mapped?.ip.toString()).toBe("198.51.100.1");
    expect(carrier.nat?.mappings(network.now()).map(({ external }) => external.toString())).toEqual([
      `${mapped}`,
    ]);
  },
);

scenario(
  "where UDP is blocked the question ends without an answer after all its repeats",
  {},
  async (network) => {
    const office = network.router("office", { firewall: FIREWALL_PRESETS.blockUdp });
    const server = await startServer(network.host("server"));
    const event = await network.complete(askMappedAddress(network.host("alice", { inside: office }), server));
    expect(event).toMatchObject({ type: "failure", reason: "timeout" });
    // RFC 8489 §6.2.1: 39.5 s with an RTO of 500 ms.
    expect(network.now()).toBeCloseTo(39_500, -1);
    expect(network.packets.count).toBe(7);
  },
);

/** @returns where it listens. */
async function startServer(host: VirtualHost): Promise<TransportAddress> {
  const core = new StunBindingServer(environmentOf(host), new PacketArena(64));
  const driver = new UdpDriver(host, core, { handleError: fail });
  const socket = await driver.bind({ address: host.address(), port: 3478 });
  const address = driver.localAddress(socket);
  if (address === undefined) throw new Error("the server has no socket");
  return address;
}

/** Asks once; settles with what came of it. */
async function askMappedAddress(host: VirtualHost, server: TransportAddress): Promise<StunClientEvent> {
  return new Promise((resolve, reject) => {
    const core = new StunClient(environmentOf(host), { server, socket: 1 });
    const driver = new UdpDriver<StunClientEvent>(host, core, { handleEvent: resolve, handleError: reject });
    driver.bind({ address: host.address(), port: 0 }).then(() => {
      core.request({ method: StunMethod.binding }, host.now());
      driver.pump();
    }, reject);
  });
}

function environmentOf(host: Platform): {
  crypto: Platform["crypto"];
  random: Platform["random"];
  log: typeof SILENT_LOGGER;
} {
  return { crypto: host.crypto, random: host.random, log: SILENT_LOGGER };
}

function fail(error: Error): never {
  throw error;
}
