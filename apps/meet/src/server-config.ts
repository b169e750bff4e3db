import { type ReadonlySignal, signal } from "@preact/signals";

/** What the page uses of `/api/config`. */
export interface ServerConfig {
  /** A link alone is not enough to join. */
  readonly tokenRequired: boolean;
  /** Where other machines reach the server; told only to the machine it runs on. */
  readonly networkUrl: string | undefined;
}

const current = signal<ServerConfig>({ tokenRequired: false, networkUrl: undefined });
const TIMEOUT_MS = 5_000;

/** What the server said last; the defaults until it did. */
export const serverConfig: ReadonlySignal<ServerConfig> = current;

/** Asks the server. Never rejects: without an answer everything stays as it was. */
export async function refreshServerConfig(): Promise<void> {
  try {
    const response = await fetch("/api/config", { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.ok) current.value = parseServerConfig(await response.json());
  } catch {
    // The server is away, or something else answers: invitations work without.
  }
}

/** Reads an answer; what is missing or of the wrong kind has its default. */
export function parseServerConfig(answer: unknown): ServerConfig {
  const fields: Readonly<Record<string, unknown>> =
    typeof answer === "object" && answer !== null ? { ...answer } : {};
  const { tokenRequired, networkUrl } = fields;
  const isUrl = typeof networkUrl === "string" && /^https?:\/\//.test(networkUrl) && URL.canParse(networkUrl);
  return { tokenRequired: tokenRequired === true, networkUrl: isUrl ? networkUrl : undefined };
}
