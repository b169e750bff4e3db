/**
 * `npm start`: installs and builds what is missing or stale, then runs the command `naru` with the arguments given
 * (`npm start -- --port 9000`), passes signals on, and ends with its exit code.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { ensureInstalled, root } from "./workspace.mjs";

ensureInstalled();
// Imported only now: what it needs may just have been installed.
const { build } = await import("./build.mjs");
if (!build(["packages/server/tsconfig.node.json"])) process.exit(1);

const child = spawn(process.execPath, [join(root, "packages/server/dist/cli.js"), ...process.argv.slice(2)], {
  stdio: "inherit",
});

// A terminal sends Ctrl-C to both; a supervisor sends its signal to this process only. The command tells the
// two apart from a second, impatient signal by itself, so only what was aimed at us alone is passed on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
// npm puts a shell in between, which dies of a signal without passing it on. When it is gone, nobody can stop us any
// more, so we stop.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, 500).unref();
}
child.on("error", (error) => {
  console.error(`The command could not be started: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
