/**
 * `npm run bench [name …]`: runs the micro benchmarks whose file name contains one of the names, or all of them, on
 * the built packages. The young generation is made large, so that nothing is collected while allocation is measured.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./workspace.mjs";

const FLAGS = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];

const folder = join(root, "benchmarks", "micro");
const names = process.argv.slice(2);
const files = readdirSync(folder).filter(
  (file) => file.endsWith(".bench.mjs") && (names.length === 0 || names.some((name) => file.includes(name))),
);
if (files.length === 0) {
  console.error(`no benchmark in benchmarks/micro is called ${names.join(" or ")}`);
  process.exit(1);
}
for (const file of files) {
  const { status } = spawnSync(process.execPath, [...FLAGS, join(folder, file)], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
