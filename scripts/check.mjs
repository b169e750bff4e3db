/**
 * `npm run check`: everything that can be told from the text alone. Each check is a name and a function that
 * returns its complaints; no complaint means it passed. `scripts/test.mjs` runs them too.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { layerViolations } from "./layers.mjs";
import { ensureInstalled, root } from "./workspace.mjs";

/** Paths of one person's machine, and package hosts other than the public one, written so as not to find themselves. */
const MACHINE = new RegExp(
  [
    "/wor" + "k/(main|shared)\\b",
    "/ho" + "me/(?!someone/)[a-z]+/",
    "/Use" + "rs/[a-z]+/",
    "/ro" + "ot/\\.",
  ].join("|"),
);
const OTHER_REGISTRY = /"resolved": "https?:|^\s*(@[\w-]+:)?registry\s*=|_authToken/m;

/** Every citation of an RFC in one form, so that it can be searched for: `RFC 8489`, `RFC 8489 §7.2.1`. */
const ODD_CITATION = /\b(RFC\d{3,5}|RFC[-_]\d{3,5}|rfc \d{3,5}|RFC \d{3,5},? ([Ss]ection|[Ss]ec\.) ?\d)/;

const TEXT = /\.(ts|tsx|mjs|js|json|jsonc|md|yml|yaml|css|html|sh|npmrc)$|(^|\/)(\.npmrc|run)$/;

/** The checks, quickest first. `npm test` leaves those of `styleOnly` to CI and to `npm run check`. */
export const CHECKS = [
  { name: "layers", run: layerViolations },
  { name: "no machine path or foreign registry", run: machineTraces },
  { name: "RFC citations in one form", run: oddCitations },
  {
    name: "format and lint",
    styleOnly: true,
    run: () => command("biome", ["ci", "--colors=off", "--diagnostic-level=error"]),
  },
  { name: "types", run: () => command("tsc", ["-b"]) },
];

function machineTraces() {
  return committedText().flatMap(({ file, text }) => [
    ...complaints(file, text, MACHINE, "a path of one machine"),
    ...(/package-lock\.json$|npmrc$/.test(file)
      ? complaints(file, text, OTHER_REGISTRY, "a package host")
      : []),
  ]);
}

function oddCitations() {
  return committedText()
    .filter(({ file }) => /\.(ts|tsx|md)$/.test(file) && !file.includes("/fixtures/"))
    .flatMap(({ file, text }) => complaints(file, text, ODD_CITATION, "write RFC nnnn §x"));
}

function complaints(file, text, pattern, problem) {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    const match = pattern.exec(line);
    return match ? [`${file}:${index + 1}: ${problem}: ${match[0].trim()}`] : [];
  });
}

function committedText() {
  const listed = spawnSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  if (listed.status !== 0) return []; // An archive without its history: there is nothing committed to look at.
  return listed.stdout
    .split("\0")
    .filter((file) => TEXT.test(file) && file !== "scripts/check.mjs")
    .flatMap((file) => {
      try {
        return [{ file, text: readFileSync(join(root, file), "utf8") }];
      } catch {
        return []; // Removed from the tree, not yet from the index.
      }
    });
}

function command(name, args) {
  const bin = join(root, "node_modules/.bin", process.platform === "win32" ? `${name}.cmd` : name);
  const result = spawnSync(bin, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
    shell: process.platform === "win32",
  });
  if (result.status === 0) return [];
  const output = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim();
  return [output || (result.error?.message ?? `${name} ended with ${result.status ?? result.signal}`)];
}

function main() {
  ensureInstalled();
  let failed = 0;
  for (const check of CHECKS) {
    const started = performance.now();
    const found = check.run();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${found.length === 0 ? "✔" : "✖"} ${check.name} (${seconds} s)`);
    for (const complaint of found) console.log(`  ${complaint.replaceAll("\n", "\n  ")}`);
    failed += found.length === 0 ? 0 : 1;
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
