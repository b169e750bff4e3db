import type { CryptoProvider } from "../crypto/index.ts";
import { hashText } from "./seeded-random.ts";
import { VirtualNetwork } from "./virtual-network.ts";

/** What {@link createScenario} binds to: the test runner, and what only the outside knows. */
export interface ScenarioSetup {
  /** Registers a test, as `test` of Vitest does. */
  test(name: string, body: () => Promise<void>): void;
  /** The environment variables (`process.env`): `NARU_SEED` replays one seed. */
  readonly environment: { readonly NARU_SEED?: string | undefined };
  /** The test file, for the command that replays a failure. A `file:` URL will do. */
  readonly file: string;
  /** Given to the network's hosts. */
  readonly crypto?: CryptoProvider;
}

export interface ScenarioOptions {
  /** How many different seeds to run; 1 when left out. */
  readonly seeds?: number;
  /** How many packets of a failed run to show. */
  readonly ladderTail?: number;
  /** How many packets a network remembers. */
  readonly ladderLimit?: number;
}

/** Registers one scenario: a test that runs `body` once for each seed, on a network of its own. */
export type Scenario = (
  name: string,
  options: ScenarioOptions,
  body: (network: VirtualNetwork) => Promise<void>,
) => void;

/** Enough to see what led to a failure without flooding the terminal. */
const DEFAULT_LADDER_TAIL = 60;

/**
 * Makes the `scenario` function of a test file. When a run fails, the error says which seed, shows the last packets,
 * and gives the command that replays just that run.
 *
 * @example
 * const scenario = createScenario({ test, environment: process.env, file: import.meta.url, crypto: nodeCrypto });
 * scenario("a call survives ten percent loss", { seeds: 50 }, async (network) => { … });
 */
export function createScenario(setup: ScenarioSetup): Scenario {
  return (name, options, body) => {
    setup.test(name, async () => {
      for (const seed of seedsOf(name, options.seeds ?? 1, setup.environment.NARU_SEED)) {
        await runSeed(setup, name, options, seed, body);
      }
    });
  };
}

/** The seed of run number `index` of a scenario: the same on every machine. */
export function scenarioSeed(name: string, index: number): string {
  return hashText(`${name}#${index}`).toString(16).padStart(8, "0");
}

function seedsOf(name: string, count: number, given: string | undefined): readonly string[] {
  if (given !== undefined && given !== "") return [given];
  return Array.from({ length: count }, (_, index) => scenarioSeed(name, index));
}

async function runSeed(
  setup: ScenarioSetup,
  name: string,
  options: ScenarioOptions,
  seed: string,
  body: (network: VirtualNetwork) => Promise<void>,
): Promise<void> {
  const { crypto, file } = setup;
  const { ladderLimit, ladderTail = DEFAULT_LADDER_TAIL } = options;
  const network = new VirtualNetwork({
    seed,
    ...(crypto && { crypto }),
    ...(ladderLimit !== undefined && { ladderLimit }),
  });
  try {
    await body(network);
  } catch (error) {
    const reason = error instanceof Error ? error.message : `${error}`;
    throw new Error(
      [
        reason,
        "",
        `seed ${seed}, failed at ${network.now().toFixed(3)} ms of virtual time; the last packets:`,
        network.ladder(ladderTail),
        "",
        "replay this run:",
        replayCommand(seed, name, file),
      ].join("\n"),
      { cause: error },
    );
  }
}

function replayCommand(seed: string, name: string, file: string): string {
  // Vitest takes -t as a regular expression, and the shell takes what is between single quotes as it is.
  const pattern = name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const path = file.replace(/^file:\/\//, "").replace(/^.*?\/(packages|apps|test)\//, "$1/");
  return `NARU_SEED=${quote(seed)} npx vitest run --project unit -t ${quote(pattern)} ${quote(path)}`;
}

function quote(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
