import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";

/** The command as it is built: started as people start it. */
const CLI = join(process.cwd(), "packages/server/dist/cli.js");

let folder: string;
let running: Run[] = [];

beforeAll(() => {
  if (!existsSync(CLI)) throw new Error("the command is not built; run: npm run build");
});

afterEach(() => {
  for (const run of running) run.child.kill("SIGKILL");
  running = [];
});

describe("starting", () => {
  test("says in JSON lines where it is, and stops with 0 when asked to", async () => {
    const run = start(["--port", "0"]);
    const ready = await run.line("naru is ready");
    expect(ready).toMatchObject({
      level: "info",
      version: "0.1.0",
      url: `http://localhost:${ready["port"]}`,
    });
    expect(await health(ready["port"])).toBe(200);
    run.child.kill("SIGTERM");
    expect(await run.exit()).toBe(0);
    expect(run.errors).toBe("");
    for (const line of run.output.trim().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
  });

  test("shows a screen where text is asked for, in the language that is asked for", async () => {
    for (const [language, words] of [
      ["en", ["On this computer", "First room", "SHA-256"]],
      ["ko", ["이 컴퓨터에서", "첫 번째 방", "SHA-256"]],
    ] as const) {
      const run = start(["--port", "0", "--log.format", "text", "--language", language]);
      await run.text(/SHA-256/);
      for (const word of words) expect(run.output).toContain(word);
      expect(run.output).toMatch(/HTTPS +TCP \d+ {3}✔/);
      expect(run.output).toMatch(/STUN, TURN +UDP \d+ {3}✔/);
      expect(run.output).toMatch(/http:\/\/localhost:\d+/);
      expect(run.output).not.toContain("\u001b");
      run.child.kill("SIGINT");
      expect(await run.exit()).toBe(0);
    }
  });

  test("keeps keys and secrets for its owner", async () => {
    const run = start(["--port", "0"]);
    await run.line("naru is ready");
    const data = join(folder, "data");
    expect(statSync(data).mode & 0o777).toBe(0o700);
    for (const name of ["authority.json", "certificate.json", "auth.secret"]) {
      expect(statSync(join(data, name)).mode & 0o777, name).toBe(0o600);
    }
    const secret = readFileSync(join(data, "auth.secret"), "utf8").trim();
    expect(secret).toHaveLength(43);
    expect(run.output).not.toContain(secret);
  });
});

describe("what keeps it from starting is one sentence, a remedy and an exit code", () => {
  test("a TCP port that is taken", async () => {
    const blocker = createServer();
    blocker.listen(0);
    await once(blocker, "listening");
    const address = blocker.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expectFailure(
      ["--port", String(port)],
      3,
      `TCP port ${port} is in use by another program.`,
      "naru --port",
    );
    blocker.close();
  });

  test("a UDP port that is taken", async () => {
    const blocker = createSocket("udp4");
    blocker.bind(0);
    await once(blocker, "listening");
    const { port } = blocker.address();
    await expectFailure(
      ["--port", String(port)],
      3,
      `UDP port ${port} is in use by another program.`,
      "naru --port",
    );
    blocker.close();
  });

  test("an address that is not this machine's", async () => {
    await expectFailure(
      ["--port", "0", "--host", "203.0.113.1"],
      3,
      "does not have the address 203.0.113.1",
      "ip address",
    );
  });

  test("a data folder that is a file", async () => {
    folder = mkdtempSync(join(tmpdir(), "naru-command-"));
    writeFileSync(join(folder, "file"), "");
    await expectFailure(
      ["--port", "0", "--data-dir", join(folder, "file")],
      4,
      "cannot be used",
      "naru --data-dir",
    );
  });

  test.skipIf(process.getuid?.() === 0)("a data folder that belongs to somebody else", async () => {
    folder = mkdtempSync(join(tmpdir(), "naru-command-"));
    mkdirSync(join(folder, "locked"));
    chmodSync(join(folder, "locked"), 0o500);
    await expectFailure(
      ["--port", "0", "--data-dir", join(folder, "locked")],
      4,
      "cannot be used",
      "naru --data-dir",
    );
  });

  test("a certificate that is not there", async () => {
    await expectFailure(
      ["--port", "0", "--cert", "a.pem", "--key", "b.pem"],
      5,
      "a.pem cannot be read",
      "ls -l a.pem",
    );
  });

  test("a configuration with mistakes", async () => {
    await expectFailure(
      ["--port", "many"],
      2,
      '--port: expected a whole number from 0 to 65535, got "many"',
      "naru config",
    );
  });

  test("an option that does not exist", async () => {
    await expectFailure(["--prot", "1"], 2, "Did you mean --port?", "naru --help");
  });

  test("a command that does not exist", async () => {
    await expectFailure(["serve"], 2, "error:", "naru --help");
  });

  test("nobody to ask before trust is changed", async () => {
    await expectFailure(["trust"], 6, "There is no terminal to ask at.", "naru trust --yes");
  });
});

describe("stopping", () => {
  test("tells people to move on, and then is gone", async () => {
    const run = start(["--port", "0"]);
    const { port } = await run.line("naru is ready");
    const person = new WebSocket(`ws://127.0.0.1:${port}/signal`, "naru.v1");
    await once(person, "open");
    person.send(JSON.stringify({ type: "join", version: 1, room: "farewell", name: "Mina" }));
    await once(person, "message");
    const farewell = once(person, "message");
    const closed = once(person, "close");
    run.child.kill("SIGTERM");
    expect(JSON.parse(String((await farewell)[0]))).toMatchObject({ type: "error", code: "SERVER_CLOSING" });
    expect((await closed)[0]).toBe(4001);
    expect(await run.exit()).toBe(0);
  });

  test("waits no longer than it may for people who do not go", async () => {
    const run = start(["--port", "0", "--drain-timeout-ms", "300"]);
    const { port } = await run.line("naru is ready");
    const person = await deafPerson(port);
    const started = performance.now();
    run.child.kill("SIGTERM");
    expect(await run.exit()).toBe(0);
    expect(performance.now() - started).toBeLessThan(8_000);
    person.terminate();
  });

  test("is not ready while it waits, and a second signal ends the wait", async () => {
    const run = start(["--port", "0", "--drain-timeout-ms", "60000"]);
    const { port } = await run.line("naru is ready");
    const person = await deafPerson(port);
    run.child.kill("SIGTERM");
    await run.line("stopping");
    expect(await health(port, "/readyz")).toBe(503);
    expect(await health(port)).toBe(200);
    run.child.kill("SIGTERM");
    expect(await run.exit()).toBe(130);
    person.terminate();
  });

  test("keeps the rooms for the next start", async () => {
    const first = start(["--port", "0"]);
    const { port } = await first.line("naru is ready");
    const person = new WebSocket(`ws://127.0.0.1:${port}/signal`, "naru.v1");
    await once(person, "open");
    person.send(JSON.stringify({ type: "join", version: 1, room: "kept", name: "Mina" }));
    const joined = JSON.parse(String((await once(person, "message"))[0]));
    first.child.kill("SIGTERM");
    await first.exit();
    const second = start(["--port", "0"], folder);
    const again = new WebSocket(
      `ws://127.0.0.1:${(await second.line("naru is ready"))["port"]}/signal`,
      "naru.v1",
    );
    await once(again, "open");
    again.send(JSON.stringify({ type: "resume", version: 1, session: joined.session, received: 0 }));
    expect(JSON.parse(String((await once(again, "message"))[0]))).toMatchObject({
      type: "joined",
      resumed: true,
    });
    again.terminate();
  });
});

test("a token that the command makes lets its holder in", async () => {
  const run = start(["--port", "0", "--auth.required", "true"]);
  const { port } = await run.line("naru is ready");
  const maker = start(["token", "secret-room", "--name", "Mina", "--role", "host"], folder);
  expect(await maker.exit()).toBe(0);
  const person = new WebSocket(`ws://127.0.0.1:${port}/signal`, "naru.v1");
  await once(person, "open");
  const token = maker.output.trim();
  person.send(JSON.stringify({ type: "join", version: 1, room: "secret-room", name: "x", token }));
  const joined = JSON.parse(String((await once(person, "message"))[0]));
  expect(joined).toMatchObject({ type: "joined", participants: [{ name: "Mina", role: "host" }] });
  person.terminate();
});

interface Run {
  readonly child: ChildProcess;
  readonly output: string;
  readonly errors: string;
  text(pattern: RegExp): Promise<void>;
  line(message: string): Promise<Record<string, unknown>>;
  exit(): Promise<number | null>;
}

function start(args: readonly string[], workingDirectory?: string): Run {
  folder = workingDirectory ?? mkdtempSync(join(tmpdir(), "naru-command-"));
  const child = spawn(process.execPath, [CLI, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const closed = once(child, "close");
  const text = async (pattern: RegExp): Promise<void> => {
    const signal = AbortSignal.timeout(15_000);
    while (!pattern.test(output)) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output}${errors}`);
      await Promise.race([once(child.stdout, "data", { signal }), closed]);
    }
  };
  const run: Run = {
    child,
    get output() {
      return output;
    },
    get errors() {
      return errors;
    },
    text,
    async line(message) {
      await text(new RegExp(`"msg":"${message}[^\n]*\n`));
      return JSON.parse(output.split("\n").find((line) => line.includes(`"msg":"${message}`)) ?? "{}");
    },
    async exit() {
      await closed;
      return child.exitCode;
    },
  };
  running.push(run);
  return run;
}

async function expectFailure(
  args: readonly string[],
  code: number,
  summary: string,
  remedy: string,
): Promise<void> {
  const run = start(args, folder);
  expect([await run.exit(), run.errors]).toEqual([code, expect.stringContaining(summary)]);
  expect(run.errors).toContain(remedy);
  // No stack trace: the operator is told what to do, not where it happened.
  expect(run.errors).not.toMatch(/^\s+at /m);
}

/** Somebody who never answers, not even the closing handshake. */
async function deafPerson(port: unknown): Promise<WebSocket> {
  const person = new WebSocket(`ws://127.0.0.1:${port}/signal`, "naru.v1");
  await once(person, "open");
  person.send(JSON.stringify({ type: "join", version: 1, room: "deaf", name: "Mina" }));
  await once(person, "message");
  person.pause();
  return person;
}

async function health(port: unknown, path = "/healthz"): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
}
