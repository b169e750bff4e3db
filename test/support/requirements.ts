/**
 * What a test needs of the machine it runs on: programs on the PATH, a network of its own. What is missing is said
 * together with the command that would provide it; under CI it is a failure, because there it was to be installed.
 */
import { accessSync, constants } from "node:fs";
import { networkInterfaces } from "node:os";
import { delimiter, join } from "node:path";

/** A program a test may use, the names it goes by, and where it comes from. */
interface Program {
  readonly names: readonly string[];
  /** Environment variable that names another one. */
  readonly override?: string;
  readonly debianPackage: string;
}

const PROGRAMS = {
  chromium: {
    names: ["chromium", "chromium-browser", "google-chrome"],
    override: "CHROMIUM",
    debianPackage: "chromium",
  },
  firefox: { names: ["firefox-esr", "firefox"], override: "FIREFOX", debianPackage: "firefox-esr" },
  xvfb: { names: ["Xvfb"], debianPackage: "xvfb" },
  openssl: { names: ["openssl"], debianPackage: "openssl" },
  gnutlsServer: { names: ["gnutls-serv"], debianPackage: "gnutls-bin" },
  gnutlsClient: { names: ["gnutls-cli"], debianPackage: "gnutls-bin" },
  stunclient: { names: ["turnutils_stunclient"], debianPackage: "coturn" },
  uclient: { names: ["turnutils_uclient"], debianPackage: "coturn" },
  turnpeer: { names: ["turnutils_peer"], debianPackage: "coturn" },
  natdiscovery: { names: ["turnutils_natdiscovery"], debianPackage: "coturn" },
  tcpdump: { names: ["tcpdump"], debianPackage: "tcpdump" },
  turnserver: { names: ["turnserver"], debianPackage: "coturn" },
} as const satisfies Record<string, Program>;

/** Name of a program in the table above. */
export type ProgramName = keyof typeof PROGRAMS;

/** Path of a program, or undefined when the machine does not have it. */
export function findProgram(name: ProgramName): string | undefined {
  const program: Program = PROGRAMS[name];
  const chosen = program.override === undefined ? undefined : process.env[program.override];
  if (chosen !== undefined && chosen !== "") return chosen;
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const candidate of program.names) {
      const path = join(folder, candidate);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** Why tests that need these programs cannot run here, and what would help; undefined when they can. */
export function missingPrograms(...names: readonly ProgramName[]): string | undefined {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return undefined;
  const packages = missing.map((name) => PROGRAMS[name].debianPackage);
  return `${missing.join(", ")} not found: apt-get install ${[...new Set(packages)].join(" ")}`;
}

/** Why browsers cannot call each other here: Firefox gathers candidates on no loopback interface. */
export function missingNetwork(): string | undefined {
  if (isIsolated()) return undefined;
  return "no network of its own: run through `npm test`, as root or where user namespaces are allowed";
}

/** True in the network namespace that `scripts/isolate.mjs` made. */
export function isIsolated(): boolean {
  return process.env["NARU_ISOLATED"] === "1";
}

/** An IPv4 address of this machine that is not loopback, or undefined. */
export function interfaceAddress(): string | undefined {
  for (const addresses of Object.values(networkInterfaces())) {
    const found = addresses?.find((address) => address.family === "IPv4" && !address.internal);
    if (found !== undefined) return found.address;
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: the next folder may have it.
    return false;
  }
}
