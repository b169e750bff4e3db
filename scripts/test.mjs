/**
 * `npm test`: sets up what is missing, then runs every group of tests, or those named on the command line, and ends
 * with the line `N passed, N failed, N skipped`.
 *
 * A group runs in a process group of its own with a time limit; one that hangs is stopped and counted as failed.
 * What the machine lacks is skipped with the reason. With `CI=true` it is installed first, and lacking it is a failure.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CHECKS } from "./check.mjs";
import { isolated } from "./isolate.mjs";
import { ensureInstalled, root } from "./workspace.mjs";

const CI = /^(1|true)$/i.test(process.env.CI ?? "");

/** Debian packages the tests use, and the program by which each is recognised. */
const PEERS = {
  chromium: ["chromium", "chromium-browser", "google-chrome"],
  "firefox-esr": ["firefox-esr", "firefox"],
  xvfb: ["Xvfb"],
  coturn: ["turnutils_stunclient"],
  openssl: ["openssl"],
  tcpdump: ["tcpdump"],
  "gnutls-bin": ["gnutls-serv"],
  iproute2: ["ip"],
  iptables: ["iptables"],
  "util-linux": ["unshare"],
};

/**
 * The groups in the order they run: quick and telling first. `project` and `folder` choose Vitest's files;
 * `built` needs what `npm run build` makes; `isolated` wants a network of its own.
 */
const GROUPS = [
  { name: "checks", title: "checks", limitSeconds: 240 },
  { name: "unit", title: "unit + property", project: "unit*", limitSeconds: 240 },
  { name: "fuzz", title: "fuzz corpus", project: "fuzz", limitSeconds: 240 },
  {
    name: "system",
    title: "system",
    project: "system",
    folder: "test/system",
    built: true,
    isolated: true,
    limitSeconds: 360,
  },
  {
    name: "simulation",
    title: "simulated networks",
    project: "system",
    folder: "test/simulation",
    limitSeconds: 240,
  },
  {
    name: "interop",
    title: "other people's stacks",
    project: "system",
    folder: "test/interop",
    isolated: true,
    limitSeconds: 240,
  },
  {
    name: "attacks",
    title: "attacks",
    project: "system",
    folder: "test/attacks",
    built: true,
    isolated: true,
    limitSeconds: 300,
  },
  {
    name: "browsers",
    title: "browsers",
    project: "browsers",
    built: true,
    isolated: true,
    limitSeconds: 720,
  },
  {
    name: "networks",
    title: "networks and NATs",
    project: "system",
    folder: "test/networks",
    built: true,
    isolated: true,
    limitSeconds: 360,
  },
  {
    name: "smoke",
    title: "packages as published",
    project: "system",
    folder: "test/smoke",
    built: true,
    limitSeconds: 300,
  },
];

const BUILD_LIMIT_SECONDS = 240;

async function main(names) {
  const unknown = names.filter((name) => !GROUPS.some((group) => group.name === name));
  if (unknown.length > 0) {
    console.error(
      `No group of tests is called ${unknown.join(", ")}; there are: ${GROUPS.map((group) => group.name).join(", ")}.`,
    );
    process.exit(1);
  }
  ensureInstalled();
  const groups = names.length === 0 ? GROUPS : GROUPS.filter((group) => names.includes(group.name));
  if (CI && groups.some((group) => group.built)) installPeers();

  const results = [];
  let built = true;
  if (groups.some((group) => group.built)) {
    const build = await buildAll();
    built = build.failed === 0;
    results.push(build);
  }
  for (const group of groups) {
    console.log(`\n── ${group.title} ──`);
    results.push(await runGroup(group, built));
  }
  report(results);
}

/** Installs the Debian packages whose programs are not there. */
function installPeers() {
  const missing = Object.keys(PEERS).filter((name) => !PEERS[name].some(isOnPath));
  if (missing.length === 0) return;
  console.log(`Installing ${missing.join(", ")} …`);
  const options = { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  const update = spawnSync("apt-get", ["update", "-q"], options);
  if (update.status === 0) {
    spawnSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...missing], options);
  }
  // What could not be installed is reported by the tests that need it.
}

async function buildAll() {
  const result = {
    title: "build",
    countless: true,
    passed: 0,
    failed: 0,
    skipped: 0,
    reasons: [],
    seconds: 0,
  };
  console.log("── build ──");
  const run = await runCommand([process.execPath, join(root, "scripts/build.mjs")], {}, BUILD_LIMIT_SECONDS);
  result.seconds = run.seconds;
  if (run.code !== 0) {
    result.failed = 1;
    result.reasons.push(`the build ${run.how}`);
  }
  return result;
}

async function runGroup(group, built) {
  const result = { title: group.title, passed: 0, failed: 0, skipped: 0, reasons: [], seconds: 0 };
  if (group.built && !built) {
    result.failed = 1;
    result.reasons.push("not run: the build failed");
    return result;
  }
  if (group.project === undefined) return runChecks(result);

  const folder = join(root, ".cache/test");
  mkdirSync(folder, { recursive: true });
  const summaryFile = join(folder, `${group.name}.json`);
  rmSync(summaryFile, { force: true });
  const vitest = [
    process.execPath,
    join(root, "node_modules/vitest/vitest.mjs"),
    ...["run", "--project", group.project, "--passWithNoTests"],
    ...["--reporter", "default", "--reporter", join(root, "scripts/vitest-summary.mjs")],
    ...(group.folder === undefined ? [] : [group.folder]),
  ];
  const run = await runCommand(
    inNetwork(group, vitest),
    { NARU_TEST_SUMMARY: summaryFile },
    group.limitSeconds,
  );
  result.seconds = run.seconds;
  const summary = existsSync(summaryFile) ? JSON.parse(readFileSync(summaryFile, "utf8")) : undefined;
  Object.assign(result, summary ?? {}, { title: group.title, seconds: run.seconds });
  if (summary?.finished !== true || (run.code !== 0 && result.failed === 0)) {
    result.failed += 1;
    result.reasons.push(`vitest ${run.how}`);
  }
  return result;
}

/** The command in a network of its own if the group wants one and the machine can make one. */
function inNetwork(group, command) {
  if (!group.isolated) return command;
  const way = isolated(command);
  if (way.command) return way.command;
  console.log(way.reason);
  return command;
}

function runChecks(result) {
  const started = performance.now();
  for (const check of CHECKS.filter((each) => CI || !each.styleOnly)) {
    const found = check.run();
    console.log(`${found.length === 0 ? "✔" : "✖"} ${check.name}`);
    for (const complaint of found) console.log(`  ${complaint.replaceAll("\n", "\n  ")}`);
    if (found.length === 0) result.passed++;
    else result.failed++;
  }
  result.seconds = (performance.now() - started) / 1000;
  return result;
}

/** Runs a command with its output shown, in its own process group, which is ended when the time is over. */
function runCommand(command, env, limitSeconds) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(command[0], command.slice(1), {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...env },
      detached: true,
    });
    let timedOut = false;
    const stop = () => killGroup(child.pid);
    const forward = () => {
      stop();
      process.exit(130);
    };
    const timer = setTimeout(() => {
      timedOut = true;
      stop();
    }, limitSeconds * 1000);
    process.on("SIGINT", forward);
    process.on("SIGTERM", forward);
    const done = (code, how) => {
      clearTimeout(timer);
      process.off("SIGINT", forward);
      process.off("SIGTERM", forward);
      stop(); // Whatever the group left running ends with it.
      resolve({ code, how, seconds: (performance.now() - started) / 1000 });
    };
    child.once("error", (error) => done(1, `could not be started: ${error.message}`));
    child.once("exit", (code, signal) => {
      if (timedOut) done(1, `did not end within ${limitSeconds} s and was stopped`);
      else done(code ?? 1, signal === null ? `ended with ${code}` : `was ended by ${signal}`);
    });
  });
}

function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody of the group is left.
  }
}

function isOnPath(program) {
  return (process.env.PATH ?? "")
    .split(":")
    .some((folder) => folder !== "" && existsSync(join(folder, program)));
}

/** One line per group, the reasons below, and the closing line. */
function report(results) {
  console.log("");
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const result of results) {
    const column = result.title.padEnd(24);
    const seconds = `${Math.round(result.seconds)} s`.padStart(8);
    const passed = result.countless
      ? `${result.failed === 0 ? "done" : "failed"}`.padStart(14)
      : `${grouped(result.passed).padStart(7)} passed`;
    console.log(`${column}${passed}${seconds}`);
    if (result.failed > 0) console.log(`${" ".repeat(24)}${grouped(result.failed).padStart(7)} failed`);
    if (result.skipped > 0) console.log(`${" ".repeat(24)}${grouped(result.skipped).padStart(7)} skipped`);
    for (const reason of new Set(result.reasons)) console.log(`${" ".repeat(34)}${reason}`);
    total.passed += result.passed;
    total.failed += result.failed;
    total.skipped += result.skipped;
  }
  if (total.passed + total.failed === 0) console.log("No test ran.");
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}

await main(process.argv.slice(2).filter((argument) => argument !== "--"));
