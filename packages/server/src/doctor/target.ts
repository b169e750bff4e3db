import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { join, resolve } from "node:path";
import { z } from "zod";

/** An answer of a server, as far as it is looked at. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** The server's clock, when it says. */
  readonly date: Date | undefined;
}

const TIMEOUT_MS = 4_000;
const MAX_BODY_BYTES = 100_000;

/** Asks a server over HTTP or HTTPS, whatever its certificate; rejects with the system's error. */
export function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((done, reject) => {
    const options = { agent: false, timeout: TIMEOUT_MS, headers: { ...headers } };
    const outgoing = url.startsWith("https:")
      ? requestHttps(url, { ...options, rejectUnauthorized: false })
      : requestHttp(url, options);
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BODY_BYTES) outgoing.destroy(new Error("the answer is too long"));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () => {
        const { date } = response.headers;
        done({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks),
          date: date === undefined ? undefined : new Date(date),
        });
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer")));
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** What a server says of itself. */
export interface ApiFacts {
  readonly version: string;
  readonly protocol: number;
}

const apiConfig: z.ZodType<ApiFacts> = z.object({ version: z.string(), protocol: z.number() });

/** What a naru server says of itself; undefined when somebody else answers. Rejects when nobody does. */
export async function askConfig(
  origin: string,
): Promise<{ facts: ApiFacts; date: Date | undefined } | undefined> {
  const { status, body, date } = await ask(`${origin}/api/config`);
  const parsed = status === 200 ? apiConfig.safeParse(parseJson(body)) : undefined;
  return parsed?.success === true ? { facts: parsed.data, date } : undefined;
}

/** What a server gives to whoever checks it. */
export interface OfferedCredentials {
  readonly stun: readonly string[];
  readonly turn: readonly string[];
  readonly username?: string | undefined;
  readonly credential?: string | undefined;
}

const credentials: z.ZodType<OfferedCredentials> = z.object({
  stun: z.array(z.string()),
  turn: z.array(z.string()),
  username: z.string().optional(),
  credential: z.string().optional(),
});

/** The credentials that a server gives to whoever checks it, or why it gives none. */
export async function askCredentials(origin: string): Promise<OfferedCredentials | string> {
  const { status, body } = await ask(`${origin}/api/check-credentials`);
  const value = parseJson(body);
  const parsed = credentials.safeParse(value);
  if (status === 200 && parsed.success) return parsed.data;
  const refusal = z.object({ problem: z.string() }).safeParse(value);
  return refusal.success ? refusal.data.problem : `HTTP status ${status}`;
}

/** The certificate of a server's own authority (PEM), which it gives to everybody; undefined when it has none. */
export async function askAuthority(origin: string): Promise<string | undefined> {
  const { status, body } = await ask(`${origin}/ca.crt`);
  if (status !== 200) return undefined;
  try {
    return new X509Certificate(body).toString();
  } catch {
    // Some page of a proxy.
    return undefined;
  }
}

/** A secret of the installation, without making one. */
export function readSecret(dataDir: string, name: string): string | undefined {
  const path = join(resolve(dataDir), name);
  try {
    return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
  } catch {
    // Another user's: then the server is asked.
    return undefined;
  }
}

function parseJson(body: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return value;
  } catch {
    return undefined;
  }
}
