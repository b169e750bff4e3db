#!/usr/bin/env node
import { runProgram } from "./node/program.ts";

// Whoever read the output may stop reading: the server goes on without.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

const stopped = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
});

runProgram(process.argv.slice(2), {
  environment: process.env,
  output: process.stdout,
  errors: process.stderr,
  stopped,
}).then((code) => {
  process.exitCode = code;
});
