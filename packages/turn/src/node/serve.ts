import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { TransportAddress } from "@naru/webrtc/bytes";
import type { LogFields, Logger } from "@naru/webrtc/sansio";
import { renderMetrics } from "../metrics.ts";
import { ConfigError, type TurnConfig } from "./config.ts";
import {
  createTurnServer,
  type TurnListenOptions,
  type TurnServerHandle,
  type TurnServerOptions,
} from "./create-turn-server.ts";

const LEVELS = ["error", "warn", "info", "debug"] as const;

/** What the command runs. */
export interface RunningTurn {
  readonly server: TurnServerHandle;
  close(): void;
}

/**
 * Starts the server that a configuration describes.
 *
 * @param onError - The server has stopped.
 * @throws {ConfigError} (rejects) when options do not go together.
 */
export async function serve(
  config: TurnConfig,
  output: { write(text: string): unknown },
  onError: (error: Error) => void,
): Promise<RunningTurn> {
  const log = createLogger(config.log, output);
  const server = await createTurnServer({ ...toOptions(config), log, onError });
  let metrics: Server | undefined;
  try {
    if (config.metricsPort !== undefined) metrics = await serveMetrics(server, config.metricsPort);
  } catch (error) {
    server.close();
    throw error;
  }
  for (const { transport, address } of server.addresses)
    output.write(`listening on ${transport} ${address}\n`);
  for (const { bind, advertise } of server.relayAddresses) {
    const seen = bind.equals(advertise) ? "" : ` (seen as ${advertise})`;
    output.write(`relaying from ${bind}${seen}, ports ${config.minPort} to ${config.maxPort}\n`);
  }
  return {
    server,
    close() {
      metrics?.close();
      metrics?.closeAllConnections();
      server.close();
    },
  };
}

/** What a configuration means to {@link createTurnServer}. */
export function toOptions(config: TurnConfig): TurnServerOptions {
  const hasUsers = Object.keys(config.users).length > 0;
  if (config.secret === undefined && !hasUsers) {
    throw new ConfigError("secret or users: one of them is needed, or nobody could use the server");
  }
  const relay = config.relay.map((text) => {
    const [address = "", advertise] = text.split("=");
    return { address, ...(advertise === undefined ? {} : { advertise }) };
  });
  const discovery = discoveryOf(config);
  return {
    realm: config.realm,
    ...(config.secret === undefined ? {} : { secret: config.secret }),
    ...(hasUsers ? { users: config.users } : {}),
    listen: listenersOf(config, discovery !== undefined),
    ...(discovery === undefined ? {} : { discovery }),
    ...(relay.length === 0 ? {} : { relay }),
    ports: { first: config.minPort, last: config.maxPort },
    peers: { allow: config.allowPeers, deny: config.denyPeers },
    quota: { perUser: config.userQuota },
    limits: { bitrateBps: config.bitrateMbps * 1_000_000 },
    tcpRelay: config.tcpRelay,
  };
}

function listenersOf(config: TurnConfig, hasDiscovery: boolean): readonly TurnListenOptions[] {
  const { cert, key, port, tlsPort } = config;
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigError("cert and key: both are needed, or neither");
  }
  const tls =
    cert === undefined || key === undefined
      ? undefined
      : { certificate: readPem("cert", cert), privateKey: readPem("key", key) };
  const hosts = config.listen.length === 0 ? [{}] : config.listen.map((address) => ({ address }));
  return hosts.flatMap((host): TurnListenOptions[] => [
    // With a second address the UDP sockets are those of the discovery.
    ...(hasDiscovery ? [] : [{ ...host, transport: "udp" as const, port }]),
    { ...host, transport: "tcp", port },
    ...(tls === undefined ? [] : [{ ...host, transport: "tls" as const, port: tlsPort, tls }]),
  ]);
}

function discoveryOf(config: TurnConfig): TurnServerOptions["discovery"] {
  if (config.alternate === undefined) return undefined;
  const alternate = TransportAddress.parse(config.alternate);
  const [address, ...more] = config.listen;
  if (alternate === undefined || address === undefined || more.length > 0) {
    throw new ConfigError("alternate: expected address:port, beside exactly one address in listen");
  }
  return {
    address,
    port: config.port,
    alternateAddress: alternate.ip.toString(),
    alternatePort: alternate.port,
  };
}

function readPem(option: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(`${option}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function serveMetrics(turn: TurnServerHandle, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const isAsked = request.method === "GET" && request.url === "/metrics";
    response.writeHead(isAsked ? 200 : 404, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    response.end(isAsked ? renderMetrics(turn.metrics()) : "");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}

function createLogger(level: (typeof LEVELS)[number], output: { write(text: string): unknown }): Logger {
  const at =
    (name: (typeof LEVELS)[number]) =>
    (message: string, fields: LogFields = {}): void => {
      if (LEVELS.indexOf(name) > LEVELS.indexOf(level)) return;
      output.write(
        `${JSON.stringify({ level: name, time: new Date().toISOString(), message, ...fields })}\n`,
      );
    };
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}
