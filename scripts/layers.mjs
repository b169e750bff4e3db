/**
 * The layers of the code base as data, and the check that no file imports what its layer may not.
 * Run by `npm run check`. Described in `docs/architecture.md`.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const base = ["bytes", "sansio"];
const platform = ["platform", "kernel", "crypto", ...base];
const driver = ["driver", "ice", "turn", "stun", ...platform];

/** Folder of `packages/webrtc/src` to the folders it may import; every folder may import itself. */
export const STACK_LAYERS = {
  bytes: [],
  sansio: [],
  timeline: ["sansio"],
  kernel: base,
  crypto: ["bytes", "kernel"],
  stun: [...base, "kernel", "crypto"],
  sdp: base,
  sctp: [...base, "kernel", "crypto"],
  datachannel: [...base, "kernel", "crypto", "sctp"],
  dtls: [...base, "kernel", "crypto"],
  turn: [...base, "kernel", "crypto", "stun"],
  ice: [...base, "kernel", "crypto", "stun", "turn"],
  platform: platform.slice(1),
  driver: driver.slice(1),
  node: platform,
  testing: driver,
};

/** Workspace folder to the packages it may import at run time, by name or by prefix. */
export const PACKAGE_LAYERS = {
  "packages/webrtc": [],
  "packages/signaling": ["@naru/webrtc/sansio"],
  "packages/client": ["@naru/signaling/protocol", "@naru/webrtc/sansio", "@naru/webrtc/timeline"],
  "packages/turn": ["@naru/webrtc"],
  "packages/server": ["@naru/signaling", "@naru/turn", "@naru/webrtc"],
  "apps/meet": ["@naru/client"],
};

/** Folders whose code must take time and chance from outside. */
const PURE_FOLDERS = [
  "packages/webrtc/src/{bytes,sansio,timeline,kernel,crypto,stun,dtls,sdp,sctp,datachannel,turn,ice,platform,driver,testing}",
  "packages/signaling/src/{protocol,room}",
].flatMap(expandBraces);

const IMPURE = /\b(Date\.now|new Date\(\)|performance\.now|Math\.random)\b/;
const IMPORT = /(?:^|\s)(?:import|export)\s(?:[^"';]*?\sfrom\s)?\s*"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/g;

/** Every violation in the tree, one sentence each. */
export function layerViolations() {
  const violations = [];
  for (const [folder, allowed] of Object.entries(PACKAGE_LAYERS)) {
    for (const file of sourceFiles(join(root, folder, "src"))) {
      const text = readFileSync(file, "utf8");
      const name = relative(root, file).split(sep).join("/");
      const isTest = /\.test\.tsx?$/.test(name);
      for (const specifier of importsOf(text)) {
        const problem = specifier.startsWith(".")
          ? folder === "packages/webrtc" && !isTest && stackProblem(file, specifier)
          : packageProblem(folder, specifier, allowed, isTest);
        if (problem) violations.push(`${name}: ${problem}`);
      }
      const impure = !isTest && PURE_FOLDERS.some((pure) => name.startsWith(`${pure}/`)) && IMPURE.exec(text);
      if (impure) violations.push(`${name}: ${impure[0]}: time and chance come from outside, as arguments`);
    }
  }
  return violations;
}

function stackProblem(file, specifier) {
  const source = join(root, "packages/webrtc/src");
  const from = relative(source, file).split(sep)[0];
  const to = relative(source, resolve(dirname(file), specifier)).split(sep)[0];
  if (from === to || from === "index.ts") return undefined;
  const allowed = STACK_LAYERS[from];
  if (allowed === undefined) return `the folder ${from} has no layer: add it to scripts/layers.mjs`;
  return allowed.includes(to)
    ? undefined
    : `${from} may not import ${to} (it may: ${allowed.join(", ") || "nothing"})`;
}

function packageProblem(folder, specifier, allowed, isTest) {
  if (isTest || !/^(@naru\/|naru$|naru\/)/.test(specifier)) return undefined;
  return allowed.some((name) => specifier === name || specifier.startsWith(`${name}/`))
    ? undefined
    : `${folder} may not import ${specifier} (it may: ${allowed.join(", ") || "nothing"})`;
}

function importsOf(text) {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2]);
}

function sourceFiles(folder) {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith(".d.ts"));
}

function expandBraces(pattern) {
  const match = /^(.*)\{(.*)\}(.*)$/.exec(pattern);
  return match ? match[2].split(",").map((part) => match[1] + part + match[3]) : [pattern];
}
