/**
 * What every script at the root needs before it can do its own work: where the workspace is, and whether what
 * `package-lock.json` asks for is installed. Plain JavaScript without dependencies: it runs on a fresh clone.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the workspace. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const NODE_FLOOR = [20, 19];

/**
 * Installs what the lock file asks for unless it is there already; ends the process with one sentence when that
 * is impossible. Returns whether anything had to be installed.
 */
export function ensureInstalled() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < NODE_FLOOR[0] || (major === NODE_FLOOR[0] && minor < NODE_FLOOR[1])) {
    console.error(`Naru needs Node ${NODE_FLOOR.join(".")} or newer; this is Node ${process.versions.node}.`);
    process.exit(1);
  }
  const missing = missingPackage();
  if (missing === undefined) return false;
  const fresh = !existsSync(join(root, "node_modules"));
  console.log(fresh ? "Installing packages (once) …" : `Updating packages (${missing} differs) …`);
  // `npm ci` would remove a tree that other processes may be using; it is for when there is none.
  const result = spawnSync("npm", [fresh ? "ci" : "install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (result.status === 0) return true;
  const why = result.error ? result.error.message : `npm ended with ${result.status ?? result.signal}`;
  console.error(`Could not install the packages: ${why}. Check the network and run \`npm ci\`.`);
  process.exit(1);
}

/**
 * The first package of `package-lock.json` that is not installed in that version, or undefined. npm writes what it
 * installed to `node_modules/.package-lock.json`, so this compares two small files.
 */
function missingPackage() {
  const wanted = readPackages(join(root, "package-lock.json"));
  const installed = readPackages(join(root, "node_modules/.package-lock.json"));
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "" || entry.optional || entry.devOptional || entry.peer) continue;
    const found = installed[path];
    if (found === undefined) return path;
    if (entry.version !== found.version || entry.integrity !== found.integrity) return path;
  }
  return undefined;
}

function readPackages(file) {
  if (!existsSync(file)) return {};
  return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
}
