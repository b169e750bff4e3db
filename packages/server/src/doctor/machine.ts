import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { NaruConfig } from "../config/schema.ts";
import { tooFewFiles } from "../life/file-limit.ts";
import { AUTHORITY_CERTIFICATE_FILE } from "../tls/local-certificates.ts";
import { type Finding, finding } from "./finding.ts";

/** RFC-like minimum of the manifest's `engines`. */
const WANTED_NODE = { major: 20, minor: 19 };

/** What can be told without the network: the program, the clock, the files. */
export function checkMachine(config: NaruConfig, now: Date): readonly Finding[] {
  return [
    checkNode(process.versions.node),
    checkClock(config, now),
    checkFiles(config),
    checkOpenFiles(config),
  ];
}

/** @param version - Such as `20.19.1`. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNew = major > WANTED_NODE.major || (major === WANTED_NODE.major && minor >= WANTED_NODE.minor);
  const wanted = `${WANTED_NODE.major}.${WANTED_NODE.minor}`;
  return isNew
    ? finding("node", "NODE_OK", { version })
    : finding("node", "NODE_TOO_OLD", { version, wanted });
}

/** A machine that has made a certificate knows that it is later than that. */
function checkClock({ dataDir }: NaruConfig, now: Date): Finding {
  const time = now.toISOString();
  const path = join(resolve(dataDir), AUTHORITY_CERTIFICATE_FILE);
  if (!existsSync(path)) return finding("clock", "CLOCK_OK", { time });
  const made = certificateStart(path);
  if (made === undefined || made <= now) return finding("clock", "CLOCK_OK", { time });
  return finding("clock", "CLOCK_BEHIND", { time, made: made.toISOString() });
}

function certificateStart(path: string): Date | undefined {
  try {
    return new Date(new X509Certificate(readFileSync(path)).validFrom);
  } catch {
    // Damaged, or not ours to read: the check of the files says so.
    return undefined;
  }
}

/** Keys and secrets that another user of the machine can read are not secret. */
function checkFiles({ dataDir }: NaruConfig): Finding {
  const path = resolve(dataDir);
  if (!existsSync(path)) return finding("files", "FILES_MISSING", { path });
  // Where the folder itself keeps others out, they do not reach the files either. Windows has no such modes.
  if (process.platform === "win32" || (statSync(path).mode & 0o077) === 0) {
    return finding("files", "FILES_OK", { path });
  }
  const open = readdirSync(path).filter((name) => {
    const isSecret = /\.(?:json|secret)$/.test(name);
    return isSecret && (statSync(join(path, name)).mode & 0o077) !== 0;
  });
  if (open.length === 0) return finding("files", "FILES_OK", { path });
  return finding("files", "FILES_READABLE_BY_OTHERS", { path, names: open.join(", ") });
}

function checkOpenFiles({ limits }: NaruConfig): Finding {
  const few = tooFewFiles(limits.connections);
  return few === undefined
    ? finding("openFiles", "OPEN_FILES_OK", { wanted: limits.connections })
    : finding("openFiles", "OPEN_FILES_FEW", few);
}

/** State of a socket that listens, in /proc/net/tcp. */
const TCP_LISTEN = "0A";

/** Which program has a port, where the system tells; undefined when nobody has it or it cannot be known. */
export function portHolder(transport: "tcp" | "udp", port: number): string | undefined {
  const inodes = new Set<string>();
  for (const table of [transport, `${transport}6`]) {
    for (const line of readLines(`/proc/net/${table}`).slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      const isIt = Number.parseInt(local.split(":")[1] ?? "", 16) === port;
      if (isIt && (transport === "udp" || state === TCP_LISTEN)) inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const pid of listFolder("/proc").filter((name) => /^\d+$/.test(name))) {
    const isHolder = listFolder(`/proc/${pid}/fd`).some((fd) => {
      try {
        return inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        // Closed in the meantime.
        return false;
      }
    });
    if (isHolder) return `${readLines(`/proc/${pid}/comm`)[0] ?? "?"} (pid ${pid})`;
  }
  return "another program";
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n");
  } catch {
    // Another system, or another user's process.
    return [];
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
