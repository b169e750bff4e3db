import { readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { parseAddressRange } from "../address-range.ts";

/** Longest configuration file that is read, in characters. */
const MAX_FILE_LENGTH = 1_000_000;

const port = z.int().min(0).max(65_535);
const range = z.string().refine((text) => parseAddressRange(text) !== undefined);

/** Options of the command; {@link CONFIG_OPTIONS} describes each. */
export interface TurnConfig {
  readonly listen: readonly string[];
  readonly port: number;
  readonly tlsPort: number;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly realm: string;
  readonly secret?: string | undefined;
  readonly users: Readonly<Record<string, string>>;
  readonly relay: readonly string[];
  readonly minPort: number;
  readonly maxPort: number;
  readonly allowPeers: readonly string[];
  readonly denyPeers: readonly string[];
  readonly userQuota: number;
  readonly bitrateMbps: number;
  readonly tcpRelay: boolean;
  readonly alternate?: string | undefined;
  readonly metricsPort?: number | undefined;
  readonly log: "error" | "warn" | "info" | "debug";
}

/** Every option: what it expects, and its default. */
const SCHEMA = z.strictObject({
  listen: z.array(z.string()).default([]),
  port: port.default(3478),
  tlsPort: port.default(5349),
  cert: z.string().optional(),
  key: z.string().optional(),
  realm: z.string().default("naru"),
  secret: z.string().optional(),
  users: z.record(z.string(), z.string()).default({}),
  relay: z.array(z.string()).default([]),
  minPort: port.default(49_152),
  maxPort: port.default(65_535),
  allowPeers: z.array(range).default([]),
  denyPeers: z.array(range).default([]),
  userQuota: z.int().min(1).default(48),
  bitrateMbps: z.number().positive().default(50),
  tcpRelay: z.boolean().default(true),
  alternate: z.string().optional(),
  metricsPort: port.optional(),
  log: z.enum(["error", "warn", "info", "debug"]).default("info"),
});

type Key = keyof TurnConfig;

/** How one option is given as text, and what help says of it. */
interface OptionText {
  readonly kind: "text" | "number" | "list" | "pairs" | "boolean";
  readonly expected: string;
  readonly description: string;
}

export const CONFIG_OPTIONS: Readonly<Record<Key, OptionText>> = {
  listen: {
    kind: "list",
    expected: "IP addresses",
    description: "Addresses to listen on; all when left out.",
  },
  port: { kind: "number", expected: "a port", description: "UDP and TCP port of STUN and TURN." },
  tlsPort: { kind: "number", expected: "a port", description: "Port of TURN over TLS; needs cert and key." },
  cert: { kind: "text", expected: "the path of a file", description: "Certificate chain, PEM." },
  key: { kind: "text", expected: "the path of a file", description: "Private key of the certificate, PEM." },
  realm: { kind: "text", expected: "at most 20 bytes", description: "What the passwords are for." },
  secret: {
    kind: "text",
    expected: "at least 16 characters",
    description: "Secret of time-limited credentials, shared with whoever hands them out.",
  },
  users: { kind: "pairs", expected: "name:password", description: "Users with fixed passwords." },
  relay: {
    kind: "list",
    expected: "an IP address, or own=public behind a 1:1 NAT",
    description: "Where relayed addresses are made, one of each family; the machine's own when left out.",
  },
  minPort: { kind: "number", expected: "a port", description: "First port of relayed addresses." },
  maxPort: { kind: "number", expected: "a port", description: "Last port of relayed addresses." },
  allowPeers: {
    kind: "list",
    expected: "networks such as 10.0.0.0/8",
    description: "Private or special networks that clients may reach all the same.",
  },
  denyPeers: { kind: "list", expected: "networks", description: "Networks that clients may never reach." },
  userQuota: {
    kind: "number",
    expected: "a whole number",
    description: "Allocations of one user at a time.",
  },
  bitrateMbps: {
    kind: "number",
    expected: "a number",
    description: "Megabits a second of one allocation, in each direction.",
  },
  tcpRelay: { kind: "boolean", expected: "true or false", description: "Relay TCP to peers too (RFC 6062)." },
  alternate: {
    kind: "text",
    expected: "address:port, both other than those of listen and port",
    description:
      "Second address and port for NAT behaviour discovery (RFC 5780); needs one address in listen.",
  },
  metricsPort: {
    kind: "number",
    expected: "a port",
    description: "Port on 127.0.0.1 where /metrics is served to Prometheus.",
  },
  log: { kind: "text", expected: "error, warn, info or debug", description: "How much is logged." },
};

/** Where options come from; later ones win: file, environment, flags. */
export interface ConfigSources {
  readonly file: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By key. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** The configuration has mistakes: one line for each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Reads all sources and checks the result.
 *
 * @throws {ConfigError} naming every mistake, and never a secret.
 */
export function loadConfig(sources: ConfigSources): TurnConfig {
  const values: Record<string, unknown> = { ...readFile(sources.file) };
  for (const key of Object.keys(CONFIG_OPTIONS).filter(isKey)) {
    const text = sources.flags[key] ?? sources.environment[environmentName(key)];
    if (text !== undefined) values[key] = fromText(key, text);
  }
  const result = SCHEMA.safeParse(values);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues
      .map(({ code, path, ...issue }) => {
        if (code === "unrecognized_keys" && "keys" in issue)
          return `there is no option ${issue.keys.join(", ")}`;
        const key = String(path[0]);
        return isKey(key) ? `${key}: expected ${CONFIG_OPTIONS[key].expected}` : `${key}: ${issue.message}`;
      })
      .join("\n"),
  );
}

/** `tlsPort` is `NARU_TURN_TLS_PORT`. */
export function environmentName(key: string): string {
  return `NARU_TURN_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** `tlsPort` is `--tls-port`. */
export function flagName(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function readFile(path: string | undefined): Readonly<Record<string, unknown>> {
  if (path === undefined) return {};
  let tree: unknown;
  try {
    const text = readFileSync(path, "utf8");
    if (text.length > MAX_FILE_LENGTH) throw new RangeError(`longer than ${MAX_FILE_LENGTH} characters`);
    tree = parseYaml(text, { maxAliasCount: 100 });
  } catch (error) {
    throw new ConfigError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (tree === null || tree === undefined) return {};
  const record = z.record(z.string(), z.unknown()).safeParse(tree);
  if (record.success) return record.data;
  throw new ConfigError(`${path}: expected lines such as "port: 3478"`);
}

function fromText(key: Key, text: string): unknown {
  switch (CONFIG_OPTIONS[key].kind) {
    case "text":
      return text;
    case "number":
      return text.trim() === "" ? text : Number(text);
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "list":
      return splitList(text);
    case "pairs":
      return Object.fromEntries(
        splitList(text).map((pair) => {
          const colon = pair.indexOf(":");
          return colon === -1 ? [pair, ""] : [pair.slice(0, colon), pair.slice(colon + 1)];
        }),
      );
    default:
      return CONFIG_OPTIONS[key].kind satisfies never;
  }
}

function splitList(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function isKey(key: string): key is Key {
  return Object.hasOwn(CONFIG_OPTIONS, key);
}
