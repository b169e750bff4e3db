import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { type ConfigSources, loadConfig } from "../config/load.ts";
import { DataDirectory } from "../life/data-directory.ts";
import { StartError } from "../life/start-error.ts";
import { localNames } from "../network/local-addresses.ts";
import { fingerprint } from "../tls/authority.ts";
import { AUTHORITY_CERTIFICATE_FILE, localIdentity } from "../tls/local-certificates.ts";
import { commandLine, isOnPath, type TrustStep, trustSteps } from "../tls/trust-steps.ts";

export interface TrustOptions {
  /** Does not ask. */
  readonly yes?: boolean;
  /** Only shows what would be done. */
  readonly print?: boolean;
}

/** `naru trust`: makes this computer trust the local authority, after saying how and asking. */
export async function trust(sources: ConfigSources, options: TrustOptions): Promise<number> {
  const { config } = loadConfig(sources);
  if (config.tls.cert !== undefined) {
    throw trustError(
      "This server shows the certificate of tls.cert; there is no local authority to trust.",
      "naru",
    );
  }
  const data = DataDirectory.open(config.dataDir);
  const { authority } = await localIdentity(data, localNames(), new Date(), SILENT_LOGGER);
  const file = join(data.path, AUTHORITY_CERTIFICATE_FILE);
  const sha256 = fingerprint(authority.certificate);
  const steps = trustSteps(
    {
      platform: process.platform,
      home: homedir(),
      isRoot: process.getuid?.() === 0,
      has: (program) => isOnPath(program, process.env["PATH"]),
    },
    file,
    sha256.replaceAll(":", "").slice(0, 8).toLowerCase(),
  );
  if (steps.length === 0) {
    throw trustError("No certificate store that is known here was found.", `install ${file} by hand`);
  }
  const { stdout } = process;
  stdout.write(
    `\n  The certificate authority of this installation, good for private addresses only:\n  ${file}\n`,
  );
  stdout.write(`  SHA-256 ${sha256}\n\n  To trust it, these commands are run:\n\n`);
  for (const step of steps) stdout.write(`    ${commandLine(step)}\n      ${step.who}\n`);
  stdout.write("\n");
  if (options.print === true) return 0;
  if (options.yes !== true && !(await confirm())) {
    stdout.write("  Nothing was changed.\n");
    return 0;
  }
  for (const step of steps) run(step);
  stdout.write(
    steps.some((step) => step.reachesBrowser)
      ? "\n  Done. Restart browsers that are open.\n"
      : "\n  The system trusts it now, but no browser: theirs are databases that were not found or could not be written.\n" +
          "  apt-get install libnss3-tools, start each browser once, then run this again.\n",
  );
  return 0;
}

async function confirm(): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw trustError(
      "There is no terminal to ask at.",
      "naru trust --yes   # or --print, to only see what is run",
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question("  Run them now? [y/N] ")).trim());
  } finally {
    terminal.close();
  }
}

function run(step: TrustStep): void {
  const result = spawnSync(step.program, [...step.args], { stdio: "inherit" });
  if (result.status === 0) return;
  const why = result.error?.message ?? `it ended with ${result.status ?? result.signal}`;
  throw trustError(`${step.program} did not work: ${why}.`, commandLine(step));
}

function trustError(summary: string, remedy: string): StartError {
  return new StartError({ code: "TRUST", summary, remedy });
}
