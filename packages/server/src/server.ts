import { X509Certificate } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionReport } from "@naru/signaling";
import { MAX_MESSAGE_BYTES, PROTOCOL_VERSION } from "@naru/signaling/protocol";
import { createNodePlatform } from "@naru/webrtc/node";
import { type Logger, SILENT_LOGGER } from "@naru/webrtc/sansio";
import { type NaruConfig, type NaruConfigInput, resolveConfig } from "./config/schema.ts";
import { findAppFolder } from "./http/app-files.ts";
import { createHttpListener } from "./http/http-app.ts";
import { HttpServer } from "./http/http-server.ts";
import { isOwnHost } from "./http/own-host.ts";
import { DataDirectory } from "./life/data-directory.ts";
import { type OpenPorts, openPorts } from "./life/open-ports.ts";
import { Metrics } from "./metrics/metrics.ts";
import { AddressSet } from "./network/address-range.ts";
import { localNames } from "./network/local-addresses.ts";
import { type ServerUrls, serverUrls } from "./network/server-urls.ts";
import { Port } from "./port/port.ts";
import {
  applyPublicHost,
  authSecret,
  startSignaling,
  TURN_SECRET_FILE,
} from "./signaling/start-signaling.ts";
import { certificateDer, fingerprint } from "./tls/authority.ts";
import { identitySource, type ServedIdentity } from "./tls/identity.ts";
import { CheckDesk } from "./turn/check-desk.ts";
import { type IceOffer, iceServers, iceUrls } from "./turn/ice-servers.ts";
import { VERSION } from "./version.ts";

/** What a program may pass beside the configuration. */
export interface NaruServerOptions {
  /** Silent by default. */
  readonly log?: Logger;
  /** Folder of the web application; found by itself when left out. */
  readonly appFolder?: string;
}

/** A running server. */
export interface NaruServer {
  /** Address on this machine, for example `http://localhost:8443`. */
  readonly url: string;
  /** TCP and UDP port. */
  readonly port: number;
  /** Where it can be reached now. */
  readonly urls: ServerUrls;
  /** The certificate that is served now. */
  readonly certificate: {
    /** SHA-256, `3F:A1:…`. */
    readonly fingerprint: string;
    /** PEM. */
    readonly served: string;
    /** Certificate of the local authority (PEM), when the served one is of it. */
    readonly authority: string | undefined;
  };
  /** Whether STUN is answered on the UDP port. */
  readonly hasStun: boolean;
  /** Whether media is relayed, on the UDP and the TCP port. */
  readonly hasTurn: boolean;
  /** Whether the web application was found. */
  readonly hasApp: boolean;
  /**
   * Says farewell: it is not ready any more, and people are told that it goes and that their sessions will be known
   * to the server that comes next. Resolves when all have left or time is up (`drainTimeoutMs`).
   */
  drain(): Promise<void>;
  /** Closes everything at once; repeated calls are harmless. */
  close(): Promise<void>;
}

/** How often certificate files and remaining validity are looked at, in milliseconds. */
const CERTIFICATE_CHECK_MS = 60_000;

/** Connections that have not said yet what they want. */
const MAX_WAITING = 512;
const WAITING_TIMEOUT_MS = 10_000;

const OWN_ADDRESSES = new AddressSet(["127.0.0.0/8", "::1"]);

/**
 * Starts the web application, signaling, STUN and TURN on one port.
 *
 * @throws {TypeError} (rejects) when an option is unknown or of the wrong kind.
 * @throws {StartError} (rejects) when the environment does not allow it; the error says what to do.
 * @example
 * const server = await createNaruServer({ port: 0, dataDir: "/var/lib/naru" });
 * console.log(server.url);
 * await server.close();
 */
export async function createNaruServer(
  input: NaruConfigInput = {},
  options: NaruServerOptions = {},
): Promise<NaruServer> {
  const config = resolveConfig(input);
  const log = options.log ?? SILENT_LOGGER;
  const platform = createNodePlatform();
  const data = DataDirectory.open(config.dataDir);
  const source = identitySource(config, data, log);
  let identity = await source.load();
  let state: "starting" | "running" | "draining" | "closed" = "starting";
  let ports: OpenPorts | undefined;
  const hasStun = config.stun.enabled || config.turn.enabled;
  let networkAddress = networkAddressOf(config);
  const offer = (): IceOffer => ({
    port: ports?.number ?? 0,
    hasStun: config.stun.enabled,
    hasTurn: ports?.turn !== undefined,
    host: config.turn.host,
    networkAddress,
    certificate: identity.certificate,
  });

  const signaling = await startSignaling(config, {
    data,
    log,
    iceServers({ participant, host }) {
      if (ports === undefined) return [];
      return iceServers(iceUrls(offer(), host), ports.turn?.issueForParticipant(participant));
    },
    onParticipantLeft: (participant) => ports?.turn?.end(participant),
    onReport(report) {
      metrics?.countReport(report);
      logReport(log, report);
    },
  });
  const metrics = !config.metrics.enabled
    ? undefined
    : new Metrics({
        version: VERSION,
        signaling: () => signaling.stats(),
        stun: () => ports?.turn?.stunRequests ?? { ...ports?.stun?.counters },
        turn: () => ports?.turn?.metrics ?? [],
        port: () => port.stats,
      });

  const checkDesk = new CheckDesk({
    platform,
    tokenSecret: config.auth.required ? authSecret(config, data) : undefined,
    urls: (host) => iceUrls(offer(), host),
    issue: () => ports?.turn?.issueForCheck(),
  });

  const trustedProxies = new AddressSet(config.trustedProxies);
  const appFolder = options.appFolder ?? findAppFolder();
  // Behind a proxy the names are the proxy's business.
  const isOurs = (host: string | undefined): boolean =>
    config.trustedProxies.length > 0 || isOwnHost(host, knownHosts(config, identity));
  const http = new HttpServer({
    onRequest: createHttpListener({
      appFolder,
      publicUrl: config.publicUrl,
      trustedProxies,
      log,
      isReady: () => state === "running",
      isOwnHost: isOurs,
      networkUrl: () => serverUrls(config, ports?.number ?? config.port).network[0],
      apiConfig: () => ({
        version: VERSION,
        protocol: PROTOCOL_VERSION,
        tokenRequired: config.auth.required,
        stunPort: hasStun ? ports?.number : undefined,
        limits: {
          participantsPerRoom: config.limits.participantsPerRoom,
          messageBytes: MAX_MESSAGE_BYTES,
        },
      }),
      certificates: () => ({
        authority: identity.authority === undefined ? undefined : certificateDer(identity.authority),
        fingerprint: fingerprint(identity.certificate),
      }),
      checkDesk,
      metrics:
        metrics === undefined
          ? undefined
          : { allow: new AddressSet(config.metrics.allow), render: () => metrics.render() },
    }),
    onUpgrade(request, socket, head) {
      applyPublicHost(request, config.publicUrl);
      // A page that has given its own name this machine's address would otherwise be let in as our own.
      if (request.headers.origin !== undefined && !isOurs(request.headers.host)) return false;
      return signaling.handleUpgrade(request, socket, head);
    },
  });
  const port = new Port({
    identity,
    onHttp: (connection) => http.handleConnection(connection),
    onStun: !config.turn.enabled
      ? undefined
      : (connection) => {
          if (ports?.turn === undefined) connection.destroy();
          else ports.turn.handleStream(connection);
        },
    maxConnections: config.limits.connections,
    maxConnectionsPerAddress: config.limits.connectionsPerAddress,
    // A proxy is often on the same machine, and as often nobody has said so.
    isUnlimited: (address) => OWN_ADDRESSES.has(address) || trustedProxies.has(address),
    maxWaiting: MAX_WAITING,
    waitingTimeoutMs: WAITING_TIMEOUT_MS,
  });
  try {
    const secret = (): string => config.turn.secret ?? data.secret(TURN_SECRET_FILE);
    ports = await openPorts(port, platform, config, secret, log);
  } catch (error) {
    http.close();
    await signaling.close();
    throw error;
  }
  const { number, stun, turn } = ports;
  state = "running";

  const refresh = async (): Promise<void> => {
    try {
      const next = await source.load();
      if (next.certificate === identity.certificate || state === "closed") return;
      // What is shown is what is served: it changes only after the port has taken it.
      port.setIdentity(next);
      identity = next;
      log.info("serving a new certificate");
    } catch (error) {
      log.error("the certificate could not be renewed; the old one stays", { error: String(error) });
    }
  };
  const stopWatching = platform.watchInterfaces(() => {
    networkAddress = networkAddressOf(config);
    void refresh();
  });
  const certificateCheck = setInterval(() => void refresh(), CERTIFICATE_CHECK_MS);
  certificateCheck.unref();

  return {
    url: `http://localhost:${number}`,
    port: number,
    get urls() {
      return serverUrls(config, number);
    },
    get certificate() {
      return {
        fingerprint: fingerprint(identity.certificate),
        served: identity.certificate,
        authority: identity.authority,
      };
    },
    hasStun,
    hasTurn: turn !== undefined,
    hasApp: appFolder !== undefined,
    async drain() {
      if (state !== "running") return;
      state = "draining";
      // Everybody is told at once; what takes time is that everybody takes note.
      const patience = new AbortController();
      const outOfTime = delay(config.drainTimeoutMs, undefined, { signal: patience.signal }).catch(
        () => undefined,
      );
      await Promise.race([signaling.close(config.drainTimeoutMs), outOfTime]);
      patience.abort();
    },
    async close() {
      if (state === "closed") return;
      state = "closed";
      stopWatching();
      clearInterval(certificateCheck);
      stun?.close();
      turn?.close();
      await Promise.all([port.stopListening(), signaling.close(0)]);
      http.close();
      port.close();
    },
  };
}

/** Hosts under which the operator means this server to be reached: of the public address, of the operator's certificate. */
function knownHosts(config: NaruConfig, identity: ServedIdentity): readonly string[] {
  const names =
    identity.authority !== undefined ? "" : (new X509Certificate(identity.certificate).subjectAltName ?? "");
  return [
    ...(config.publicUrl === undefined ? [] : [new URL(config.publicUrl).hostname]),
    ...(config.turn.host === undefined ? [] : [config.turn.host]),
    ...names.split(", ").map((entry) => entry.replace(/^DNS:/, "")),
  ];
}

/** The address by which this machine is reached in its network, if it listens there. */
function networkAddressOf({ host }: NaruConfig): string | undefined {
  const isEverywhere = host === undefined || host === "::" || host === "0.0.0.0";
  return isEverywhere ? localNames().addresses[0] : undefined;
}

/** Connections that fail are news for an operator; those that work are not. */
function logReport(log: Logger, { report }: ConnectionReport): void {
  const { phase, outcome, code, durationMs } = report;
  if (outcome === "failed")
    log.info("a connection between two participants failed", { phase, code, durationMs });
  else log.debug("a connection between two participants works", { outcome, durationMs });
}
