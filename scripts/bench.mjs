/**
 * `npm run bench [name …]`: runs the benchmarks whose file name contains one of the names, or all of them, on the built
 * packages. For the micro benchmarks the young generation is made large, so that nothing is collected while allocation is
 * measured.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./workspace.mjs";

const MICRO_FLAGS = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];

const folder = join(root, "benchmarks");
const names = process.argv.slice(2);
const files = ["micro", "."].flatMap((part) =>
  readdirSync(join(folder, part))
    .filter((file) => file.endsWith(".bench.mjs"))
    .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
    .map((file) => ({ path: join(folder, part, file), flags: part === "micro" ? MICRO_FLAGS : [] })),
);
if (files.length === 0) {
  console.error(`no benchmark in benchmarks is called ${names.join(" or ")}`);
  process.exit(1);
}
for (const { path, flags } of files) {
  const { status } = spawnSync(process.execPath, [...flags, path], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
