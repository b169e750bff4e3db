import { isIP } from "node:net";
import { z } from "zod";
import { parseAddressRange } from "../network/address-range.ts";
import { parseHostAndPort } from "../network/host-and-port.ts";

/** Everything an operator can set. `CONFIG_OPTIONS` describes each; units are in the names. */
export interface NaruConfig {
  readonly host?: string | undefined;
  readonly port: number;
  readonly dataDir: string;
  readonly publicUrl?: string | undefined;
  readonly trustedProxies: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly tls: { readonly cert?: string | undefined; readonly key?: string | undefined };
  readonly auth: { readonly required: boolean; readonly secret?: string | undefined };
  readonly limits: {
    readonly rooms: number;
    readonly participantsPerRoom: number;
    readonly participants: number;
    readonly messagesPerSecond: number;
    readonly joinsPerMinute: number;
    readonly connections: number;
    readonly connectionsPerAddress: number;
  };
  readonly stun: { readonly enabled: boolean };
  readonly turn: {
    readonly enabled: boolean;
    readonly host?: string | undefined;
    readonly realm: string;
    readonly secret?: string | undefined;
    readonly relayAddresses: readonly string[];
    readonly publicAddresses: readonly string[];
    readonly ports: string;
    readonly allocations: number;
    readonly allocationsPerParticipant: number;
    readonly allocationsPerAddress: number;
    readonly bitrateKbps: number;
    readonly allowPeers: readonly string[];
    readonly denyPeers: readonly string[];
    readonly tcpRelay: boolean;
  };
  readonly metrics: { readonly enabled: boolean; readonly allow: readonly string[] };
  readonly log: {
    readonly level: "error" | "warn" | "info" | "debug";
    readonly format: "auto" | "text" | "json";
  };
  readonly drainTimeoutMs: number;
  readonly language: "auto" | "en" | "ko";
  readonly open: boolean;
}

type Group = Readonly<Record<string, unknown>>;

/** {@link NaruConfig} with every part optional: what a program passes to `createNaruServer`. */
export type NaruConfigInput = {
  readonly [Key in keyof NaruConfig]?: NaruConfig[Key] extends readonly string[]
    ? NaruConfig[Key]
    : NaruConfig[Key] extends Group
      ? Partial<NaruConfig[Key]>
      : NaruConfig[Key];
};

export type OptionKind = "string" | "number" | "boolean" | "list";

/** One option, as help, environment and flags need it. */
export interface ConfigOption {
  /** Path in the file, joined by dots: `tls.cert`. */
  readonly key: string;
  readonly kind: OptionKind;
  readonly description: string;
  /** What is expected, for people: `a whole number from 0 to 65535`. */
  readonly expected: string;
  /** `undefined` when the option is simply absent. */
  readonly defaultValue: unknown;
  /** Never shown. */
  readonly secret: boolean;
}

/** One reason why a configuration is refused. */
export interface ConfigIssue {
  readonly key: string;
  readonly expected: string;
}

/** What is known of an option beside its type. */
interface OptionMeta {
  readonly kind: OptionKind;
  readonly description: string;
  readonly expected: string;
  readonly secret: boolean;
}

const metaOf = z.registry<OptionMeta>();

const schema = z.strictObject({
  host: text(
    "Address to listen on; all addresses of both families when left out.",
    "an IP address or a host name",
  ),
  port: count(0, 65_535, 8_443, "TCP and UDP port. 0 lets the system choose."),
  dataDir: described(z.string().min(1).default("data"), {
    kind: "string",
    description: "Folder for certificates and secrets. Made when missing, readable by its owner only.",
    expected: "a path",
  }),
  publicUrl: described(z.string().refine(isOrigin).overwrite(withoutSlash).optional(), {
    kind: "string",
    description: "Address under which people reach this server, where that is not its own.",
    expected: "scheme, host and maybe port, such as https://meet.example.com",
  }),
  trustedProxies: ranges([], "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."),
  allowedOrigins: described(z.array(z.string().refine(isOrigin).transform(withoutSlash)).default([]), {
    kind: "list",
    description: "Other sites whose pages may connect to this server, beside its own.",
    expected: "scheme, host and maybe port of each, separated by commas: http://localhost:3000",
  }),
  tls: z
    .strictObject({
      cert: text("Certificate chain, PEM. Needs tls.key.", "the path of a file"),
      key: text("Private key of tls.cert, PEM.", "the path of a file"),
    })
    .prefault({}),
  auth: z
    .strictObject({
      required: flag(false, "Only people with a token may join."),
      secret: described(z.string().min(32).optional(), {
        kind: "string",
        description: "Secret that signs tokens (HS256). Made and kept in the data folder when left out.",
        expected: "at least 32 characters",
        secret: true,
      }),
    })
    .prefault({}),
  limits: z
    .strictObject({
      rooms: count(1, 1_000_000, 10_000, "Rooms at the same time."),
      participantsPerRoom: count(
        2,
        50,
        4,
        "People in one room. Each sends to each, so uploads grow with it.",
      ),
      participants: count(2, 1_000_000, 20_000, "People on this server at the same time."),
      messagesPerSecond: count(1, 10_000, 100, "Signaling messages per second from one connection."),
      joinsPerMinute: count(1, 1_000_000, 120, "Attempts to join per minute from one address."),
      connections: count(16, 1_000_000, 16_384, "TCP connections at the same time."),
      connectionsPerAddress: count(8, 1_000_000, 1_000, "The same from one address (IPv6: from one /64)."),
    })
    .prefault({}),
  stun: z.strictObject({ enabled: flag(true, "Answer STUN binding requests on the UDP port.") }).prefault({}),
  turn: z
    .strictObject({
      enabled: flag(
        true,
        "Relay media for people whose networks allow nothing else: TURN over UDP, TCP and TLS.",
      ),
      host: described(z.string().refine(isHostAndPort).optional(), {
        kind: "string",
        description:
          "Host under which people reach STUN and TURN, where it is not the one in the page's address.",
        expected: "a host or address, with a port when it is not this server's: turn.example.com:443",
      }),
      realm: described(
        z
          .string()
          .min(1)
          .max(20)
          .regex(/^[\x21-\x7e]+$/)
          .default("naru"),
        {
          kind: "string",
          description: "Realm of the TURN server.",
          expected: "1 to 20 ASCII characters without spaces",
        },
      ),
      secret: described(z.string().min(32).optional(), {
        kind: "string",
        description: "Secret that makes TURN credentials. Made and kept in the data folder when left out.",
        expected: "at least 32 characters",
        secret: true,
      }),
      relayAddresses: addresses(
        "Addresses of this machine to relay from, one of each family; its own when left out.",
      ),
      publicAddresses: addresses(
        "The same addresses as others see them, behind a 1:1 NAT such as clouds have.",
      ),
      ports: described(z.string().refine(isPortRange).default("49152-65535"), {
        kind: "string",
        description: "UDP ports of relayed addresses.",
        expected: "the first and the last port, from 1024 on, such as 49152-65535",
      }),
      allocations: count(1, 60_000, 16_384, "Relayed addresses at the same time."),
      allocationsPerParticipant: count(1, 1_000, 48, "The same of one person."),
      allocationsPerAddress: count(1, 60_000, 1_024, "The same from one address (IPv6: from one /64)."),
      bitrateKbps: count(64, 10_000_000, 50_000, "What one relayed address may carry each way, in kbit/s."),
      allowPeers: ranges([], "Private networks whose machines may be reached through the relay."),
      denyPeers: ranges([], "Networks that may never be reached through it."),
      tcpRelay: flag(false, "Relay TCP as well (RFC 6062). No browser uses it."),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      enabled: flag(true, "Serve Prometheus metrics at /metrics."),
      allow: ranges(["127.0.0.0/8", "::1"], "Who may read the metrics."),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: choice(["error", "warn", "info", "debug"], "info", "How much is logged."),
      format: choice(
        ["auto", "text", "json"],
        "auto",
        "Text or JSON lines; auto is text on a terminal and JSON elsewhere.",
      ),
    })
    .prefault({}),
  drainTimeoutMs: count(0, 3_600_000, 5_000, "How long the farewell may take when the server stops, in ms."),
  language: choice(["auto", "en", "ko"], "auto", "Language of the start screen."),
  open: flag(false, "Open the browser at start."),
});

/** Every option, in the order in which help and example list them. */
export const CONFIG_OPTIONS: readonly ConfigOption[] = optionsOf(schema, "");

/** Checks a whole configuration and fills in the defaults. */
export function checkConfig(
  value: unknown,
):
  | { readonly config: NaruConfig; readonly issues: readonly [] }
  | { readonly issues: readonly ConfigIssue[] } {
  const result = schema.safeParse(value);
  if (result.success) return { config: result.data, issues: [] };
  const issues: ConfigIssue[] = [];
  for (const issue of result.error.issues) {
    const path = issue.path.join(".");
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys)
        issues.push({ key: path === "" ? key : `${path}.${key}`, expected: "no such option" });
      continue;
    }
    const option = CONFIG_OPTIONS.find(({ key }) => path === key || path.startsWith(`${key}.`));
    issues.push({ key: option?.key ?? path, expected: option?.expected ?? "a group of options" });
  }
  return { issues };
}

/**
 * Fills in the defaults of a configuration that a program wrote.
 *
 * @throws {TypeError} naming each option that is unknown or of the wrong kind.
 */
export function resolveConfig(input: NaruConfigInput = {}): NaruConfig {
  const result = checkConfig(input);
  if ("config" in result) return result.config;
  throw new TypeError(result.issues.map(({ key, expected }) => `${key}: expected ${expected}`).join("; "));
}

function described<T extends z.ZodType>(
  type: T,
  meta: Omit<OptionMeta, "secret"> & { readonly secret?: boolean },
): T {
  metaOf.add(type, { secret: false, ...meta });
  return type;
}

function text(description: string, expected: string): z.ZodOptional<z.ZodString> {
  return described(z.string().min(1).optional(), { kind: "string", description, expected });
}

function count(
  min: number,
  max: number,
  defaultValue: number,
  description: string,
): z.ZodDefault<z.ZodNumber> {
  const expected = `a whole number from ${min} to ${max}`;
  return described(z.int().min(min).max(max).default(defaultValue), {
    kind: "number",
    description,
    expected,
  });
}

function flag(defaultValue: boolean, description: string): z.ZodDefault<z.ZodBoolean> {
  return described(z.boolean().default(defaultValue), {
    kind: "boolean",
    description,
    expected: "true or false",
  });
}

function choice<const Values extends readonly [string, ...string[]]>(
  values: Values,
  defaultValue: Values[number],
  description: string,
) {
  const expected = `one of ${values.join(", ")}`;
  const type = z.enum(values);
  return described(type.default(type.parse(defaultValue)), { kind: "string", description, expected });
}

function ranges(defaultValue: string[], description: string) {
  const range = z.string().refine((value) => parseAddressRange(value) !== undefined);
  return described(z.array(range).max(256).default(defaultValue), {
    kind: "list",
    description,
    expected: "addresses or networks, such as 10.0.0.0/8 (separated by commas)",
  });
}

function addresses(description: string) {
  return described(
    z
      .array(z.string().refine((value) => isIP(value) !== 0))
      .max(2)
      .refine((values) => new Set(values.map(isIP)).size === values.length)
      .default([]),
    {
      kind: "list",
      description,
      expected: "an IPv4 address, an IPv6 address, or one of each separated by a comma",
    },
  );
}

function isPortRange(value: string): boolean {
  const match = /^(\d{4,5})-(\d{4,5})$/.exec(value);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  return match !== null && first >= 1024 && first <= last && last <= 65_535;
}

function isHostAndPort(value: string): boolean {
  return parseHostAndPort(value) !== undefined;
}

function withoutSlash(origin: string): string {
  return origin.replace(/\/$/, "");
}

function isOrigin(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  return (
    (url.protocol === "https:" || url.protocol === "http:") &&
    (value === url.origin || value === `${url.origin}/`)
  );
}

function optionsOf(group: z.ZodObject, prefix: string): ConfigOption[] {
  return Object.entries(group.shape).flatMap(([name, type]) => {
    const key = `${prefix}${name}`;
    if (!(type instanceof z.ZodType)) return [];
    const meta = metaOf.get(type);
    if (meta !== undefined) {
      const defaultValue = type instanceof z.ZodDefault ? type.def.defaultValue : undefined;
      return [{ key, defaultValue, ...meta }];
    }
    const inner = type instanceof z.ZodPrefault ? type.def.innerType : type;
    return inner instanceof z.ZodObject ? optionsOf(inner, `${key}.`) : [];
  });
}
