import { nodeCrypto } from "@naru/webrtc/node";
import { Command, CommanderError, Option } from "commander";
import { SharedSecret } from "../credentials/shared-secret.ts";
import {
  CONFIG_OPTIONS,
  ConfigError,
  type ConfigSources,
  environmentName,
  flagName,
  loadConfig,
} from "./config.ts";
import { serve } from "./serve.ts";

const EXIT_USAGE = 2;
const EXIT_FAILED = 1;
const SECONDS_OF_AN_HOUR = 3600;

/** What the command reads and writes. */
export interface ProgramIo {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: { write(text: string): unknown };
  readonly errors: { write(text: string): unknown };
  /** Resolves when the command is told to stop. */
  readonly stopped: Promise<void>;
}

/**
 * Runs `naru-turn`.
 *
 * @param args - What follows the name of the command.
 * @returns the exit code.
 */
export async function runProgram(args: readonly string[], io: ProgramIo): Promise<number> {
  let exitCode = 0;
  const program = createProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    const isOurs = error instanceof ConfigError || error instanceof TypeError || error instanceof RangeError;
    io.errors.write(`naru-turn: ${error instanceof Error ? error.message : String(error)}\n`);
    return isOurs ? EXIT_USAGE : EXIT_FAILED;
  }
}

function createProgram(io: ProgramIo, setExitCode: (code: number) => void): Command {
  const program = new Command("naru-turn")
    .description("A TURN and STUN server that is safe by default.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.output.write(text),
      writeErr: (text) => void io.errors.write(text),
    })
    .option("--config <file>", "configuration file (YAML) [NARU_TURN_CONFIG]")
    .action(async () => setExitCode(await run(sourcesOf(program, io), io)));
  for (const [key, { expected, description }] of Object.entries(CONFIG_OPTIONS)) {
    program.option(
      `${flagName(key)} <${key}>`,
      `${description} Expects ${expected}. [${environmentName(key)}]`,
    );
  }
  program
    .command("credential <user>")
    .description("Make a time-limited credential of the secret.")
    .option("--expires-in <seconds>", "how long it makes allocations", String(SECONDS_OF_AN_HOUR))
    .action((user: string, options: { expiresIn: string }) => {
      const { secret } = loadConfig(sourcesOf(program, io));
      const seconds = Number(options.expiresIn);
      if (secret === undefined) throw new ConfigError("secret: it is what credentials are made of");
      if (!Number.isFinite(seconds) || seconds <= 0) {
        throw new ConfigError(`--expires-in: expected a number of seconds, got "${options.expiresIn}"`);
      }
      const issued = new SharedSecret(nodeCrypto, secret).issue(user, Date.now() + seconds * 1000);
      io.output.write(`${JSON.stringify({ username: issued.username, credential: issued.credential })}\n`);
    });
  return program;
}

async function run(sources: ConfigSources, io: ProgramIo): Promise<number> {
  let stopWith: (code: number) => void = () => undefined;
  const failed = new Promise<number>((resolve) => {
    stopWith = resolve;
  });
  const running = await serve(loadConfig(sources), io.output, (error) => {
    io.errors.write(`naru-turn: ${error.message}\n`);
    stopWith(EXIT_FAILED);
  });
  const code = await Promise.race([failed, io.stopped.then(() => 0)]);
  running.close();
  return code;
}

function sourcesOf(program: Command, { environment }: ProgramIo): ConfigSources {
  const options = program.opts<Record<string, string | undefined>>();
  const flags = Object.fromEntries(
    Object.keys(CONFIG_OPTIONS).map((key) => [
      key,
      options[new Option(`${flagName(key)} <x>`).attributeName()],
    ]),
  );
  return { file: options["config"] ?? environment["NARU_TURN_CONFIG"], environment, flags };
}
