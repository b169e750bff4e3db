import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, freePort } from "../support/server.ts";

/** What npm would publish, as far as a package file tells. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const root: string = process.cwd();
/** Inside the workspace Node would find our sources; this is elsewhere. */
const folder: string = mkdtempSync(join(tmpdir(), "naru-smoke-"));

const PACKAGES: readonly { readonly path: string; readonly manifest: Manifest }[] = readdirSync(
  join(root, "packages"),
)
  .map((name) => join(root, "packages", name))
  .filter((path) => existsSync(join(path, "dist")))
  .map((path) => ({ path, manifest: JSON.parse(readFileSync(join(path, "package.json"), "utf8")) }));

/** Every entry point, as an import names it. */
const SPECIFIERS: readonly string[] = PACKAGES.flatMap(({ manifest }) =>
  Object.keys(manifest.exports)
    .filter((subpath) => !subpath.endsWith(".json"))
    .map((subpath) => manifest.name + subpath.slice(1)),
);

beforeAll(() => {
  const tarballs = PACKAGES.map(({ path }) => {
    const output = run("npm", ["pack", "--json", "--pack-destination", folder], path);
    const [packed]: [{ filename: string }] = JSON.parse(output);
    return join(folder, packed.filename);
  });
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module" }),
  );
  run(
    "npm",
    ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", ...tarballs],
    folder,
  );
}, 240_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

test("there are packages to publish", () => {
  expect(PACKAGES.map(({ manifest }) => manifest.name)).toEqual(
    expect.arrayContaining(["@naru/client", "@naru/signaling", "@naru/webrtc", "naru"]),
  );
});

test("every package holds its sources, and no test of them", () => {
  for (const { manifest } of PACKAGES) {
    const files = readdirSync(join(folder, "node_modules", manifest.name), { recursive: true }).map(String);
    expect(files, manifest.name).toEqual(expect.arrayContaining(["package.json", "src", "dist"]));
    expect(files.filter((file) => /\.test\.|tsbuildinfo|^test\//.test(file))).toEqual([]);
  }
});

test("nothing that was installed wants to run a script or brings native code", () => {
  const found: string[] = [];
  for (const file of readdirSync(join(folder, "node_modules"), { recursive: true }).map(String)) {
    if (file.endsWith(".node") || file.endsWith("binding.gyp")) found.push(file);
    if (!/(^|\/)node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(`node_modules/${file}`)) continue;
    const manifest: Manifest = JSON.parse(readFileSync(join(folder, "node_modules", file), "utf8"));
    for (const script of ["preinstall", "install", "postinstall"]) {
      if (manifest.scripts?.[script] !== undefined) found.push(`${file}: ${script}`);
    }
  }
  expect(found).toEqual([]);
});

describe("every entry point", () => {
  test.each(SPECIFIERS)("%s is imported", (specifier) => {
    const count = `import(${JSON.stringify(specifier)}).then((m) => console.log(Object.keys(m).length))`;
    expect(Number(node(["-e", count]))).toBeGreaterThanOrEqual(0);
  });

  test.each(SPECIFIERS)("%s is required", (specifier) => {
    const count = `console.log(typeof require(${JSON.stringify(specifier)}))`;
    expect(node(["--input-type=commonjs", "-e", count]).trim()).toBe("object");
  });

  test("has types that a strict consumer accepts", () => {
    const imports = SPECIFIERS.map((specifier, i) => `import * as m${i} from ${JSON.stringify(specifier)};`);
    const uses = `export const all: readonly object[] = [${SPECIFIERS.map((_, i) => `m${i}`).join(", ")}];`;
    mkdirSync(join(folder, "types"), { recursive: true });
    writeFileSync(join(folder, "types/use.ts"), [...imports, uses].join("\n"));
    const compilerOptions = {
      target: "es2022",
      module: "nodenext",
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      lib: ["es2023", "dom", "dom.iterable"],
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
    };
    writeFileSync(
      join(folder, "types/tsconfig.json"),
      JSON.stringify({ compilerOptions, files: ["use.ts"] }),
    );
    run(join(root, "node_modules/.bin/tsc"), ["-p", "types"], folder);
  });
});

test("the installed command serves the page, and stops when it is asked to", async () => {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      join(folder, "node_modules/naru/dist/cli.js"),
      "--port",
      String(port),
      "--data-dir",
      join(folder, "data"),
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += String(chunk);
    });
  }
  try {
    const health = await eventually(
      "an answer of /healthz",
      () => fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined),
      15_000,
    ).catch((error: unknown) => {
      throw new Error(`${error}\n${output}`);
    });
    expect(health.status).toBe(200);
    const page = await fetch(`http://localhost:${port}/`);
    expect(await page.text()).toMatch(/<html/i);
    expect(page.status).toBe(200);
    child.kill("SIGTERM");
    await eventually("the command to end", () => child.exitCode !== null, 15_000);
    expect(child.exitCode).toBe(0);
  } finally {
    child.kill("SIGKILL");
  }
});

function node(args: readonly string[]): string {
  return run(process.execPath, args, folder);
}

/** Runs a program and returns what it wrote; throws with all of it when it failed. */
function run(program: string, args: readonly string[], cwd: string): string {
  // Coverage and loader settings of the test run are not the consumer's.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const result = spawnSync(program, args, { cwd, env, encoding: "utf8", maxBuffer: 1 << 26 });
  if (result.status === 0) return result.stdout;
  throw new Error(
    `${program} ${args.join(" ")} ended with ${result.status}\n${result.stdout}\n${result.stderr}`,
  );
}
