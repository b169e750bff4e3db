import { createJoinToken } from "@naru/signaling";
import { type ConfigSources, loadConfig } from "../config/load.ts";
import { DataDirectory } from "../life/data-directory.ts";
import { StartError } from "../life/start-error.ts";
import { authSecret } from "../signaling/start-signaling.ts";

export interface TokenCommandOptions {
  readonly name?: string;
  readonly role?: string;
  /** Seconds, as text. */
  readonly expiresIn?: string;
}

/** `naru token <room>`: prints a token that lets its holder into one room. */
export async function printToken(
  sources: ConfigSources,
  room: string,
  { name, role, expiresIn }: TokenCommandOptions,
): Promise<number> {
  const { config } = loadConfig(sources);
  if (role !== undefined && role !== "host" && role !== "guest")
    throw usage(`A role is host or guest, not "${role}".`);
  const seconds = expiresIn === undefined ? undefined : Number(expiresIn);
  const secret = authSecret(config, DataDirectory.open(config.dataDir));
  try {
    const token = await createJoinToken(
      secret,
      { room, ...(name === undefined ? {} : { name }), ...(role === undefined ? {} : { role }) },
      seconds === undefined ? {} : { expiresInSeconds: seconds },
    );
    process.stdout.write(`${token}\n`);
    return 0;
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw usage(`${error.message}.`);
    throw error;
  }
}

function usage(summary: string): StartError {
  return new StartError({
    code: "USAGE",
    summary,
    remedy: "naru token brave-otter-4821 --name Mina --role host --expires-in 3600",
  });
}
