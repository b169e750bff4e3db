import { isIP } from "node:net";
import { IpAddress, TransportAddress } from "@naru/webrtc/bytes";
import { createNodePlatform } from "@naru/webrtc/node";
import type { Platform } from "@naru/webrtc/platform";
import { safeParseStunUrl } from "@naru/webrtc/stun";
import type { TurnTransport } from "@naru/webrtc/turn";
import type { NaruConfig } from "../config/schema.ts";
import { StartError } from "../life/start-error.ts";
import { parseHostAndPort } from "../network/host-and-port.ts";
import { hostPart } from "../network/server-urls.ts";
import { addressesOf } from "../self-test/self-test.ts";
import { checkStun } from "../self-test/stun-check.ts";
import { createNaruServer, type NaruServer } from "../server.ts";
import { TURN_SECRET_FILE } from "../signaling/start-signaling.ts";
import { issueForDoctor } from "../turn/turn-credentials.ts";
import { fetchCertificate, judgeCertificate } from "./certificate-check.ts";
import { type CheckName, type Finding, finding } from "./finding.ts";
import { checkMachine, portHolder } from "./machine.ts";
import { ask, askAuthority, askConfig, askCredentials, readSecret } from "./target.ts";
import { checkTurnEcho } from "./turn-echo.ts";

export interface DoctorOptions {
  readonly config: NaruConfig;
  /** Origin of a server elsewhere; the one that the configuration describes when left out. */
  readonly url?: string | undefined;
}

/** A server that answers, and how to use it. */
interface Patient {
  /** For requests to it. */
  readonly origin: string;
  readonly port: number;
  /** Addresses and names at which people come to it, most useful first. */
  readonly hosts: readonly string[];
  /** Addresses that are this machine's own: those can be used as a source too. */
  readonly isLocal: boolean;
  readonly hasStun: boolean;
  readonly hasTurn: boolean;
  readonly authority: string | undefined;
}

interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Clocks that differ by this much make people's devices refuse certificates and tokens now and then. */
const MAX_CLOCK_DIFFERENCE_S = 60;

const TURN_CHECKS: readonly (readonly [CheckName, TurnTransport])[] = [
  ["turnUdp", "udp"],
  ["turnTcp", "tcp"],
  ["turnTls", "tls"],
];

/**
 * Proves each path to a server with real sockets: certificate, HTTPS, STUN, and TURN over UDP, TCP and TLS with an echo
 * through the relay. Without a running server it starts one for as long as the check takes. Never rejects for what it finds.
 *
 * @param onFinding - Told each finding as soon as it is there.
 */
export async function examine(
  { config, url }: DoctorOptions,
  onFinding: (found: Finding) => void = () => undefined,
): Promise<readonly Finding[]> {
  const platform = createNodePlatform();
  const findings: Finding[] = [];
  const tell = (...found: readonly Finding[]): void => {
    for (const one of found) {
      findings.push(one);
      onFinding(one);
    }
  };
  if (url === undefined) tell(...checkMachine(config, new Date()));
  const { patient, release } = await (url === undefined ? findLocal(config, tell) : findRemote(url, tell));
  try {
    if (patient !== undefined) await examinePatient(platform, config, patient, tell);
  } finally {
    await release();
  }
  return findings;
}

type Tell = (...found: readonly Finding[]) => void;

interface Found {
  readonly patient: Patient | undefined;
  release(): Promise<void>;
}

const NOBODY: Found = { patient: undefined, release: () => Promise.resolve() };

async function findLocal(config: NaruConfig, tell: Tell): Promise<Found> {
  const hosts = addressesOf(config);
  const own = hosts[0] ?? "127.0.0.1";
  const { port } = config;
  const running =
    port === 0 ? "closed" : await askConfig(`http://${hostPart(own)}:${port}`).catch(() => "closed" as const);
  if (running !== "closed" && running !== undefined) {
    tell(finding("ports", "PORTS_SERVED", { version: running.facts.version, port }));
    return { ...NOBODY, patient: await localPatient(config, port, hosts) };
  }
  const started = await startForCheck(config);
  if (started instanceof StartError) {
    const held = (["tcp", "udp"] as const).flatMap((transport) => {
      const holder = started.code === "LISTEN" ? portHolder(transport, port) : undefined;
      const other = port === 8_443 ? 9_443 : 8_443;
      return holder === undefined
        ? []
        : [finding("ports", "PORT_HELD", { transport: transport.toUpperCase(), port, holder, other })];
    });
    tell(...held);
    const { message: problem, remedy } = started;
    if (held.length === 0) {
      const check = started.code === "CERTIFICATE" ? "certificate" : "server";
      tell(finding(check, "SERVER_FAILED", { problem, remedy }));
    }
    return NOBODY;
  }
  tell(finding("ports", "PORTS_STARTED", { port: started.port }));
  return {
    patient: await localPatient(config, started.port, hosts),
    async release() {
      await started.close();
    },
  };
}

async function startForCheck(config: NaruConfig): Promise<NaruServer | StartError> {
  try {
    return await createNaruServer(config);
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
}

async function localPatient(config: NaruConfig, port: number, hosts: readonly string[]): Promise<Patient> {
  const origin = `http://${hostPart(hosts[0] ?? "127.0.0.1")}:${port}`;
  return {
    origin,
    port,
    hosts,
    isLocal: true,
    hasStun: config.stun.enabled || config.turn.enabled,
    hasTurn: config.turn.enabled,
    authority: await askAuthority(origin).catch(() => undefined),
  };
}

async function findRemote(url: string, tell: Tell): Promise<Found> {
  const { protocol, hostname, port, origin } = new URL(url);
  try {
    const answer = await askConfig(origin);
    if (answer === undefined) {
      tell(finding("server", "SERVER_NOT_NARU", { url: origin }));
      return NOBODY;
    }
    const differs = answer.date === undefined ? 0 : Math.abs(Date.now() - answer.date.getTime()) / 1_000;
    const seconds = Math.round(differs);
    tell(
      differs > MAX_CLOCK_DIFFERENCE_S
        ? finding("clock", "CLOCK_DIFFERS", { seconds })
        : finding("clock", "CLOCK_OK", { time: new Date().toISOString() }),
    );
    const patient: Patient = {
      origin,
      port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
      hosts: [hostname.replace(/^\[|\]$/g, "")],
      isLocal: false,
      hasStun: true,
      hasTurn: true,
      authority: await askAuthority(origin).catch(() => undefined),
    };
    return { ...NOBODY, patient };
  } catch (error) {
    tell(finding("server", "SERVER_UNREACHABLE", { url: origin, problem: problemOf(error) }));
    return NOBODY;
  }
}

async function examinePatient(
  platform: Platform,
  config: NaruConfig,
  patient: Patient,
  tell: Tell,
): Promise<void> {
  const { publicUrl } = config;
  const isPublic = patient.isLocal && publicUrl !== undefined;
  await tellCertificate(patient, tell);
  const working = new Set<string>();
  for (const address of patient.hosts) {
    const { port } = patient;
    try {
      const { status } = await ask(`https://${hostPart(address)}:${port}/healthz`);
      if (status !== 200) throw new Error(`HTTP status ${status}`);
      working.add(address);
      tell(finding("https", "HTTPS_OK", { address }));
    } catch (error) {
      tell(finding("https", "HTTPS_FAILED", { address, port, transport: "TCP", problem: problemOf(error) }));
    }
  }
  if (isPublic) await tellPublic(publicUrl, tell);
  if (!patient.hasTurn) {
    await tellStun(platform, patient, patient.hosts, working, tell);
    for (const [check] of TURN_CHECKS) tell(finding(check, "TURN_OFF"));
    return;
  }
  await tellRelay(platform, config, patient, working, tell);
}

async function tellCertificate({ hosts, port, authority }: Patient, tell: Tell): Promise<void> {
  const [host] = hosts;
  if (host === undefined) return;
  try {
    const shown = await fetchCertificate(host, port, authority);
    tell(...judgeCertificate(shown, hosts, new Date()));
  } catch {
    // No handshake: the check of HTTPS says why.
  }
}

async function tellPublic(publicUrl: string, tell: Tell): Promise<void> {
  try {
    if ((await askConfig(publicUrl)) === undefined)
      tell(finding("https", "SERVER_NOT_NARU", { url: publicUrl }));
    else tell(finding("https", "HTTPS_OK", { address: publicUrl }));
  } catch (error) {
    const { hostname } = new URL(publicUrl);
    const isUnknown = error instanceof Error && "code" in error && error.code === "ENOTFOUND";
    if (isUnknown) tell(finding("https", "NAME_UNKNOWN", { host: hostname }));
    else tell(finding("https", "PUBLIC_UNREACHABLE", { url: publicUrl, problem: problemOf(error) }));
  }
}

async function tellStun(
  platform: Platform,
  { port, isLocal, hasStun }: Patient,
  hosts: readonly string[],
  working: ReadonlySet<string>,
  tell: Tell,
): Promise<void> {
  if (!hasStun) {
    tell(finding("stun", "STUN_OFF"));
    return;
  }
  for (const host of hosts) {
    const [ip] = isIP(host) === 0 ? await platform.resolve(host).catch(() => []) : [IpAddress.parse(host)];
    if (ip === undefined) {
      tell(finding("stun", "NAME_UNKNOWN", { host }));
      continue;
    }
    const problem = await checkStun(platform, ip.toString(), port, isLocal ? ip : undefined);
    const values = { address: host, port, transport: "UDP" };
    if (problem === undefined) tell(finding("stun", "STUN_OK", values));
    else if (problem === "no answer" && working.has(host)) tell(finding("stun", "STUN_BLOCKED", values));
    else tell(finding("stun", "STUN_FAILED", { ...values, problem }));
  }
}

/** STUN and TURN: with the installation's secret where it is at hand, otherwise with what the server gives strangers. */
async function tellRelay(
  platform: Platform,
  config: NaruConfig,
  patient: Patient,
  working: ReadonlySet<string>,
  tell: Tell,
): Promise<void> {
  const offered = await offeredOf(platform, config, patient);
  if (typeof offered === "string") {
    await tellStun(platform, patient, patient.hosts, working, tell);
    for (const [check] of TURN_CHECKS) tell(finding(check, "TURN_NO_CREDENTIALS", { problem: offered }));
    return;
  }
  const { credentials, places } = offered;
  await tellStun(
    platform,
    { ...patient, port: places[0]?.port ?? patient.port },
    hostsOf(places),
    working,
    tell,
  );
  for (const [check, transport] of TURN_CHECKS) {
    if (credentials === undefined) tell(finding(check, "TURN_OFF"));
    else {
      for (const place of places.filter((one) => one.transports.includes(transport))) {
        await tellTurn(platform, patient, { ...place, check, transport }, credentials, working, tell);
      }
    }
  }
}

/** Where TURN is offered. */
interface Place {
  readonly host: string;
  readonly port: number;
  readonly transports: readonly TurnTransport[];
}

async function offeredOf(
  platform: Platform,
  config: NaruConfig,
  patient: Patient,
): Promise<{ readonly credentials: Credentials | undefined; readonly places: readonly Place[] } | string> {
  const secret = patient.isLocal
    ? (config.turn.secret ?? readSecret(config.dataDir, TURN_SECRET_FILE))
    : undefined;
  if (secret !== undefined) {
    const { username, credential } = issueForDoctor(platform.crypto, secret);
    const transports = ["udp", "tcp", "tls"] as const;
    const advertised = config.turn.host === undefined ? undefined : parseHostAndPort(config.turn.host);
    const places = patient.hosts.map((host) => ({ host, port: patient.port, transports }));
    return {
      credentials: { username, password: credential },
      places:
        advertised === undefined
          ? places
          : [...places, { host: advertised.host, port: advertised.port ?? patient.port, transports }],
    };
  }
  const answer = await askCredentials(patient.origin).catch((error: unknown) => problemOf(error));
  if (typeof answer === "string") return answer;
  const urls = answer.turn.flatMap((text) => {
    const url = safeParseStunUrl(text);
    return typeof url === "string" ? [] : [url];
  });
  const first = urls[0];
  const { username, credential } = answer;
  const place: Place[] =
    first === undefined
      ? []
      : [
          {
            host: first.host,
            port: first.port,
            transports: urls.map((url) => (url.transport === "dtls" ? "tls" : url.transport)),
          },
        ];
  const credentials =
    username === undefined || credential === undefined ? undefined : { username, password: credential };
  return {
    credentials,
    places:
      place.length > 0 ? place : patient.hosts.map((host) => ({ host, port: patient.port, transports: [] })),
  };
}

async function tellTurn(
  platform: Platform,
  patient: Patient,
  place: {
    readonly host: string;
    readonly port: number;
    readonly check: CheckName;
    readonly transport: TurnTransport;
  },
  credentials: Credentials,
  working: ReadonlySet<string>,
  tell: Tell,
): Promise<void> {
  const { host, port, check, transport } = place;
  const [ip] = isIP(host) === 0 ? await platform.resolve(host).catch(() => []) : [IpAddress.parse(host)];
  const address = `${hostPart(host)}:${port}`;
  if (ip === undefined) {
    tell(finding(check, "NAME_UNKNOWN", { host }));
    return;
  }
  const result = await checkTurnEcho(platform, {
    server: new TransportAddress(ip, port),
    transport,
    serverName: host,
    ca: patient.authority === undefined ? [] : [patient.authority],
    ...credentials,
  });
  const values = { address, host, port, transport: transport === "udp" ? "UDP" : "TCP" };
  if (result.ok) {
    tell(finding(check, "TURN_OK", { ...values, rttMs: result.rttMs, relayed: result.relayed }));
    return;
  }
  const { stage, reason, problem, relayed = "" } = result;
  if (reason === "unauthorized") tell(finding(check, "TURN_REFUSED", { ...values, problem }));
  else if (stage === "echo") tell(finding(check, "TURN_NO_ECHO", { ...values, relayed }));
  else if (transport === "udp" && reason === "no-answer" && working.has(host)) {
    tell(finding(check, "TURN_BLOCKED", values));
  } else if (transport === "tls" && /certificate|altname|self.signed/i.test(problem)) {
    tell(finding(check, "TURN_CERTIFICATE", { ...values, problem }));
  } else tell(finding(check, "TURN_FAILED", { ...values, stage, problem }));
}

function hostsOf(places: readonly Place[]): readonly string[] {
  return places.map(({ host }) => host);
}

function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ("code" in error ? String(error.code) : error.name);
}
