/**
 * Runs a command in a network, process and mount namespace of its own, so that a test needs no interface of the
 * machine, touches none, and leaves nothing behind: when the command ends, the kernel ends every process it
 * started and removes the interfaces.
 *
 * Firefox gathers no loopback candidates and asks for a default route, hence the pair of interfaces.
 */
import { spawn, spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";

/** Address of the one interface inside. */
export const ISOLATED_ADDRESS = "10.77.0.1";

const SETUP = [
  "ip link set lo up",
  "ip link add naru0 type veth peer name naru1",
  "ip link set naru0 up",
  "ip link set naru1 up",
  `ip address add ${ISOLATED_ADDRESS}/24 dev naru0`,
  "ip route add default dev naru0",
].join(" && ");

/** Namespaces as root; a user namespace as well for everybody else, where the system allows it. */
const WAYS = [[], ["--user", "--map-root-user"]];

/**
 * The command line that runs `command` isolated, or why that is impossible here.
 *
 * @param {readonly string[]} command
 * @returns {{ command: string[] } | { reason: string }}
 */
export function isolated(command) {
  if (process.platform !== "linux") return { reason: "network namespaces exist on Linux only" };
  let said = "";
  for (const way of WAYS) {
    const prefix = ["unshare", ...way, "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const probe = spawnSync(prefix[0], [...prefix.slice(1), "sh", "-c", SETUP], { encoding: "utf8" });
    if (probe.status === 0) {
      // NARU_ISOLATED tells the tests that they own the network they see.
      const shell = ["sh", "-c", `${SETUP} && NARU_ISOLATED=1 exec "$@"`, "isolated"];
      return { command: [...prefix, ...shell, ...command] };
    }
    said = (probe.error?.message ?? probe.stderr).trim().split("\n").at(-1) ?? "";
  }
  return {
    reason: `no network namespace (${said}): run as root with util-linux and iproute2 (apt-get install util-linux iproute2)`,
  };
}

/** `node scripts/isolate.mjs command arguments…` runs any command so. */
function main(command) {
  const way = isolated(command);
  if (way.reason) {
    console.error(way.reason);
    process.exit(1);
  }
  const child = spawn(way.command[0], way.command.slice(1), { stdio: "inherit" });
  // The kernel ends everything inside with it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill("SIGKILL"));
  child.on("exit", (code) => process.exit(code ?? 1));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main(process.argv.slice(2));
