import { readFileSync } from "node:fs";

/** Files that a server opens beside its connections: libraries, logs, sockets of its own. */
const OWN_FILES = 64;

/**
 * How many files this process may open, when that is fewer than the connections that may come need. Only Linux
 * tells it without starting another program; Node has raised the limit as far as it may.
 */
export function tooFewFiles(connections: number): { limit: number; wanted: number } | undefined {
  if (process.platform !== "linux") return undefined;
  let limits: string;
  try {
    limits = readFileSync("/proc/self/limits", "utf8");
  } catch {
    // A system without /proc: nothing is known, so nothing is said.
    return undefined;
  }
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
  const isTooFew = Number.isFinite(limit) && limit < connections + OWN_FILES;
  return isTooFew ? { limit, wanted: connections } : undefined;
}
