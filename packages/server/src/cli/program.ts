import { Command, CommanderError, Option } from "commander";
import { type ConfigSources, findOption } from "../config/load.ts";
import { environmentName, flagName } from "../config/origins.ts";
import { CONFIG_OPTIONS } from "../config/schema.ts";
import { EXIT_CODES, EXIT_UNEXPECTED, StartError } from "../life/start-error.ts";
import { createPaint, hasColours } from "../output/paint.ts";
import { VERSION } from "../version.ts";
import { exampleConfig, printConfig } from "./config-command.ts";
import { type DoctorCommandOptions, doctor } from "./doctor-command.ts";
import { serve } from "./serve-command.ts";
import { printToken, type TokenCommandOptions } from "./token-command.ts";
import { type TrustOptions, trust } from "./trust-command.ts";

/** Shorter names of flags that are often typed. */
const ALIASES: Readonly<Record<string, string>> = {
  cert: "tls.cert",
  key: "tls.key",
  log: "log.format",
  data: "dataDir",
};

/**
 * Runs the command.
 *
 * @param args - What follows the name of the command.
 * @returns the exit code.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(canonicalFlags(args), { from: "user" });
    return exitCode;
  } catch (error) {
    // commander has said what is wrong; help and version end the same way, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_CODES.USAGE;
    return reportError(error);
  }
}

function createProgram(setExitCode: (code: number) => void): Command {
  const program = new Command("naru")
    .description("Meetings in one command: web application, signaling, STUN and TURN on one port.")
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError("naru --help lists all options")
    .option("--config <file>", "configuration file (YAML); naru.yaml here when it exists [NARU_CONFIG]")
    .action(async () => setExitCode(await serve(sourcesOf(program))));
  for (const { key, kind, description, defaultValue } of CONFIG_OPTIONS) {
    const shown = defaultValue === undefined || `${defaultValue}` === "" ? "" : `, default ${defaultValue}`;
    const value = kind === "boolean" ? "[boolean]" : `<${kind}>`;
    program.option(`${flagName(key)} ${value}`, `${description} [${environmentName(key)}${shown}]`);
  }
  const config = program.command("config").description("Show the configuration.");
  config
    .command("print")
    .description("Every option as it is now, and where its value comes from.")
    .action(() => printConfig(sourcesOf(program), process.stdout));
  config
    .command("example")
    .description("A configuration file with every option and what it expects.")
    .action(() => void process.stdout.write(exampleConfig()));
  program
    .command("trust")
    .description("Let this computer trust the server's own certificate authority.")
    .option("--yes", "do not ask")
    .option("--print", "only show what would be run")
    .action(async (options: TrustOptions) => setExitCode(await trust(sourcesOf(program), options)));
  program
    .command("doctor")
    .description(
      "Prove each path to the server: certificate, ports, HTTPS, STUN, TURN over UDP, TCP and TLS.",
    )
    .option("--url <url>", "a server elsewhere, such as https://meet.example.com")
    .option("--json", "one JSON document")
    .action(async (options: DoctorCommandOptions) => setExitCode(await doctor(sourcesOf(program), options)));
  program
    .command("token <room>")
    .description("Make a token that lets its holder into a room.")
    .option("--name <name>", "name the holder will have")
    .option("--role <role>", "host or guest")
    .option("--expires-in <seconds>", "how long it can be used to join (default 3600)")
    .action(async (room: string, options: TokenCommandOptions) =>
      setExitCode(await printToken(sourcesOf(program), room, options)),
    );
  return program;
}

/** Lets every spelling of a flag be the one that the program declares: `--tls-cert` is `--tls.cert`. */
function canonicalFlags(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.map((arg, i) => {
    const match = /^--([A-Za-z][\w.-]*)(=.*)?$/s.exec(arg);
    if (match === null || (end !== -1 && i >= end)) return arg;
    const [, name = "", value = ""] = match;
    const option = findOption(ALIASES[name] ?? name);
    return option === undefined ? arg : `${flagName(option.key)}${value}`;
  });
}

function sourcesOf(program: Command): ConfigSources {
  const options = program.opts<Record<string, unknown>>();
  const flags: Record<string, string> = {};
  for (const { key } of CONFIG_OPTIONS) {
    const attribute = new Option(`${flagName(key)} <value>`).attributeName();
    const value = options[attribute];
    if (value !== undefined) flags[key] = String(value);
  }
  const file = options["config"];
  return {
    file: typeof file === "string" ? file : undefined,
    environment: process.env,
    flags,
    workingDirectory: process.cwd(),
  };
}

/** Says what went wrong and what to do, without a stack trace, and returns the exit code. */
export function reportError(error: unknown): number {
  const paint = createPaint(hasColours(process.stderr, process.env));
  if (error instanceof StartError) {
    process.stderr.write(`\n  ${paint.red("✖")} ${error.message}\n\n    ${paint.bold(error.remedy)}\n\n`);
    return error.exitCode;
  }
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`\n  ${paint.red("✖")} This is a bug in naru, please report it:\n${details}\n\n`);
  return EXIT_UNEXPECTED;
}
