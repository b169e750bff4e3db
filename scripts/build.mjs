/**
 * `npm run build`: compiles what is stale with `tsc -b`, then builds the web application when anything that goes
 * into it has changed. Quiet when there is nothing to do, one line for each thing done.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { ensureInstalled, root } from "./workspace.mjs";

/** What decides how the application comes out: its own files, those of the packages in it, and the tools. */
const APP_INPUTS = [
  "apps/meet",
  "packages/client/src",
  "packages/signaling/src/protocol",
  "packages/webrtc/src/timeline",
  "packages/webrtc/src/sansio",
  "package-lock.json",
  "tsconfig.base.json",
];
const APP = "apps/meet";
const APP_STAMP = join(root, ".cache/app.stamp");

/** Files worth compressing once instead of at each request. */
const COMPRESSIBLE = /\.(?:js|css|html|svg|json|webmanifest|map)$/;
const MIN_COMPRESSED_BYTES = 1_024;

/**
 * Builds what is stale.
 *
 * @param projects - TypeScript projects to compile; all of them when left out.
 * @returns true when everything is up to date afterwards.
 */
export function build(projects = []) {
  return compile(projects) && buildApp();
}

/** @returns true when it compiles. */
function compile(projects) {
  // The compiler's own program is called, not its `npx` wrapper, which costs a third of a second.
  const result = run("node_modules/typescript/bin/tsc", ["-b", "--verbose", ...projects], root, "pipe");
  const output = `${result.stdout ?? ""}${result.stderr ?? ""}`;
  if (result.status !== 0) {
    // What the compiler says of its progress starts with the time of day or is the list of projects.
    const errors = output
      .split("\n")
      .filter((line) => line.trim() !== "" && !/^(\d{1,2}:\d{2}:\d{2} |\s+\* )/.test(line));
    console.error(errors.join("\n"));
    console.error("The TypeScript code does not compile.");
    return false;
  }
  const built = [...output.matchAll(/Building project '([^']+)'/g)].map((match) => match[1]);
  const names = new Set(
    built.map((path) => /(?:packages|apps)\/([^/]+)|(?:^|\/)(test)\//.exec(path)?.slice(1).find(Boolean)),
  );
  names.delete(undefined);
  if (names.size > 0) console.log(`Compiled ${[...names].join(", ")}`);
  return true;
}

/** @returns true when the application is up to date. */
function buildApp() {
  if (!existsSync(join(root, APP, "index.html"))) return true;
  const stamp = hashInputs();
  const isFresh =
    existsSync(join(root, APP, "dist/index.html")) &&
    existsSync(APP_STAMP) &&
    readFileSync(APP_STAMP, "utf8") === stamp;
  if (isFresh) return true;
  const started = performance.now();
  const result = run(
    "node_modules/vite/bin/vite.js",
    ["build", "--logLevel", "warn"],
    join(root, APP),
    "inherit",
  );
  if (result.status !== 0) {
    console.error("The web application does not build.");
    return false;
  }
  compressFiles(join(root, APP, "dist"));
  mkdirSync(dirname(APP_STAMP), { recursive: true });
  writeFileSync(APP_STAMP, stamp);
  console.log(`Built the web application in ${((performance.now() - started) / 1_000).toFixed(1)} s`);
  return true;
}

/** A hash over names and contents of everything that goes into the application. */
function hashInputs() {
  const hash = createHash("sha256");
  for (const input of APP_INPUTS) {
    for (const file of filesIn(join(root, input))) {
      hash
        .update(`${relative(root, file)}\0`)
        .update(readFileSync(file))
        .update("\0");
    }
  }
  return hash.digest("hex");
}

/** Puts `.br` and `.gz` beside the files for which it is worth it; the server serves those as they are. */
function compressFiles(folder) {
  for (const file of filesIn(folder, [])) {
    if (!COMPRESSIBLE.test(file) || statSync(file).size < MIN_COMPRESSED_BYTES) continue;
    const content = readFileSync(file);
    const quality = {
      [constants.BROTLI_PARAM_QUALITY]: 9,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    writeFileSync(`${file}.br`, brotliCompressSync(content, { params: quality }));
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  }
}

function filesIn(path, ignored = ["dist", "node_modules", "test"]) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (found.isFile()) return [path];
  return readdirSync(path)
    .filter((name) => !ignored.includes(name) && !/\.test\.tsx?$/.test(name))
    .sort()
    .flatMap((name) => filesIn(join(path, name), ignored));
}

function run(program, args, cwd, output) {
  const stdio = ["ignore", output === "pipe" ? "pipe" : "inherit", output === "pipe" ? "pipe" : "inherit"];
  return spawnSync(process.execPath, [join(root, program), ...args], { cwd, stdio, encoding: "utf8" });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  ensureInstalled();
  process.exit(build() ? 0 : 1);
}
