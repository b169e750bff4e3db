/**
 * `npm run fuzz`: fuzzes one target, or all of them, for a time; or replays one input.
 *
 *     npm run fuzz -- --target stun --seconds 60 --seed 7
 *     npm run fuzz -- --target stun --replay test/fuzz/crashes/stun-0123456789ab
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { readCorpus, writeCrash } from "./corpus.ts";
import { type FuzzTarget, fuzz, tryInput } from "./harness.ts";
import { TARGETS } from "./target/index.ts";

const { values } = parseArgs({
  options: {
    target: { type: "string" },
    seconds: { type: "string", default: "30" },
    inputs: { type: "string" },
    seed: { type: "string" },
    replay: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});

const names = Object.keys(TARGETS);

async function main(): Promise<void> {
  if (values.help) {
    console.log("npm run fuzz -- [--target NAME] [--seconds 30] [--inputs N] [--seed N] [--replay FILE]");
    console.log(`Targets: ${names.join(", ")}`);
    return;
  }
  const chosen = values.target === undefined ? names : values.target.split(",");
  if (values.replay !== undefined && chosen.length !== 1)
    throw new RangeError("--replay needs --target NAME");
  for (const name of chosen) {
    const load = TARGETS[name];
    if (load === undefined) throw new RangeError(`no target "${name}"; there are: ${names.join(", ")}`);
    const { target } = await load();
    if (values.replay === undefined) fuzzOne(name, target);
    else replay(name, target, values.replay);
  }
}

function fuzzOne(name: string, target: FuzzTarget): void {
  const seed = values.seed === undefined ? Date.now() >>> 0 : number("seed", values.seed);
  const corpus = readCorpus(name);
  const seconds = number("seconds", values.seconds);
  const limits = values.inputs === undefined ? { seconds } : { inputs: number("inputs", values.inputs) };
  const result = fuzz(target, corpus, { seed, ...limits });
  const growth = (result.heapGrowthBytes / 1024 / 1024).toFixed(1);
  console.log(
    `${name}: ${result.inputs} inputs (${corpus.length} from the corpus), seed ${seed}, ${result.reasons} reasons ` +
      `to refuse, slowest ${result.slowestMs.toFixed(2)} ms, heap ${growth} MiB`,
  );
  if (result.finding === undefined) return;
  console.log(`  ${result.finding.kind}: ${result.finding.message}`);
  console.log(`  replay: ${writeCrash(name, result.finding, seed)}`);
  process.exitCode = 1;
}

function replay(name: string, target: FuzzTarget, file: string): void {
  const input = new Uint8Array(readFileSync(file));
  const before = performance.now();
  const outcome = tryInput(target, input);
  const took = (performance.now() - before).toFixed(2);
  console.log(`${name}: ${input.length} bytes, ${took} ms, ${outcome.reason ?? "accepted"}`);
  if (outcome.finding === undefined) return;
  console.log(outcome.finding.message);
  process.exitCode = 1;
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || value < 0)
    throw new RangeError(`--${option} wants a number, not "${text}"`);
  return value;
}

await main();
