#!/usr/bin/env node
import { runCommandLine } from "./cli/program.ts";

/** How long the last lines may take to reach a slow reader, in milliseconds. */
const FLUSH_MS = 1_000;

runCommandLine(process.argv.slice(2)).then((code) => {
  // Leaving on its own lets the output drain; what still holds the process then does not hold it for long.
  process.exitCode = code;
  setTimeout(() => process.exit(code), FLUSH_MS).unref();
});
