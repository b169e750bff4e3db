/**
 * The inputs kept for each target, in `corpus/<target>/`: real messages to start from, and every input that once did
 * harm. New findings go to `crashes/`; after the repair they are moved to the corpus.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./harness.ts";

/** Vitest and `scripts/fuzz.mjs` both run at the root of the workspace. */
const folder = join(process.cwd(), "test/fuzz");

/** Every corpus entry of a target, in the order of their names. */
export function readCorpus(target: string): Uint8Array[] {
  const path = join(folder, "corpus", target);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(path, name))));
}

/** Keeps a finding and returns the command that replays it. */
export function writeCrash(target: string, finding: Finding, seed: number): string {
  const path = join(folder, "crashes");
  mkdirSync(path, { recursive: true });
  const hash = createHash("sha256").update(finding.input).digest("hex").slice(0, 12);
  const file = join(path, `${target}-${hash}`);
  writeFileSync(file, finding.input);
  const replay = `npm run fuzz -- --target ${target} --replay test/fuzz/crashes/${target}-${hash}`;
  writeFileSync(`${file}.txt`, `${finding.kind}: ${finding.message}\nseed: ${seed}\nreplay: ${replay}\n`);
  return replay;
}
