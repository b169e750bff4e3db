#!/usr/bin/env node
import { runCommandLine } from "./cli/program.ts";

/** How long the last lines may take to reach a slow reader, in milliseconds. */
const FLUSH_MS = 1_000;

// Whoever read the output may stop reading (`naru config print | head`), or a log's disk may be full: the server
// goes on without.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

runCommandLine(process.argv.slice(2)).then((code) => {
  // Leaving on its own lets the output drain; what still holds the process then does not hold it for long.
  process.exitCode = code;
  setTimeout(() => process.exit(code), FLUSH_MS).unref();
});
