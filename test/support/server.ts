/**
 * The real command, `naru`, as its own process on a free port with a data folder of its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { LabHost } from "./network-lab.ts";

/** How the server is started. */
export interface ServerOptions {
  /** Flags by name, without the dashes: `{ "limits.rooms": 3 }`. */
  readonly flags?: Readonly<Record<string, string | number | boolean>>;
  /** Where it runs, with this port. Default: here, with a free one. */
  readonly host?: LabHost;
  /** More environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

const CLI: string = join(process.cwd(), "packages/server/dist/cli.js");
/** A host of the lab has all its ports to itself. */
const LAB_PORT = 8443;
const START_TIMEOUT_MS = 20_000;
/** More than the server gives people to move on (`drainTimeoutMs`). */
const STOP_TIMEOUT_MS = 15_000;
/** Output kept for the message of a failing test. */
const MAX_OUTPUT = 200_000;

/** A running server, which can be killed and started again with the same port and the same data. */
export class TestServer {
  readonly port: number;
  readonly dataDir: string;
  readonly #options: ServerOptions;
  #process: ChildProcess | undefined;
  #output = "";

  private constructor(port: number, options: ServerOptions) {
    this.port = port;
    this.#options = options;
    this.dataDir = mkdtempSync(join(tmpdir(), "naru-data-"));
  }

  /** Starts one and waits until it is ready. The caller closes it. */
  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const server = new TestServer(options.host === undefined ? await freePort() : LAB_PORT, options);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Address on this machine, which browsers take for secure; in the lab the encrypted one. */
  get url(): string {
    const { host } = this.#options;
    if (host === undefined) return `http://127.0.0.1:${this.port}`;
    return `https://${host.address.includes(":") ? `[${host.address}]` : host.address}:${this.port}`;
  }

  /** Address of the signaling endpoint. */
  get signalingUrl(): string {
    return `ws://127.0.0.1:${this.port}/signal`;
  }

  /** What it printed so far, both streams. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Memory it holds, in bytes. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.#process?.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }

  /** Starts it (again). */
  async start(): Promise<void> {
    const flags = { port: this.port, "data-dir": this.dataDir, "log.format": "json", ...this.#options.flags };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const local = [process.execPath, CLI, ...args];
    const [program = "", ...rest] = this.#options.host?.command(local) ?? local;
    const child = spawn(program, rest, {
      cwd: this.dataDir,
      env: { ...process.env, ...this.#options.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-MAX_OUTPUT);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#isReady())) {
      if (!this.isRunning) throw new Error(`the server ended with ${child.exitCode}:\n${this.#output}`);
      if (performance.now() > deadline) throw new Error(`the server was not ready in time:\n${this.#output}`);
      await delay(50);
    }
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL", STOP_TIMEOUT_MS);
  }

  /** Asks it to stop, and returns its exit code. */
  async stop(): Promise<number | null> {
    return this.#end("SIGTERM", STOP_TIMEOUT_MS);
  }

  /** Ends it and removes its data. Never throws. */
  async close(): Promise<void> {
    await this.kill();
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 3 });
  }

  async #end(signal: NodeJS.Signals, timeoutMs: number): Promise<number | null> {
    const child = this.#process;
    if (child === undefined || !this.isRunning) return child?.exitCode ?? null;
    const exited = once(child, "exit");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    await exited;
    clearTimeout(timer);
    return child.exitCode;
  }

  async #isReady(): Promise<boolean> {
    // The lab's network cannot be reached from here: the server says it itself.
    if (this.#options.host !== undefined) return this.#output.includes("naru is ready");
    try {
      const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false; // Not listening yet.
    }
  }
}

/** A TCP port nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return address.port;
}

/** Resolves after some time: for tests that look at real processes, which have no clock of ours. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Asks again and again until the answer is not undefined or false; fails with `what` when the time is over. */
export async function eventually<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(50);
  }
}
