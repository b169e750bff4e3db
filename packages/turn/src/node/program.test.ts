import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeCrypto } from "@naru/webrtc/node";
import { afterEach, describe, expect, test } from "vitest";
import { SharedSecret } from "../credentials/shared-secret.ts";
import { CONFIG_OPTIONS, environmentName, loadConfig } from "./config.ts";
import { runProgram } from "./program.ts";
import { toOptions } from "./serve.ts";

const SECRET = "a secret for tests only";
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function file(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "naru-turn-"));
  folders.push(folder);
  const path = join(folder, "turn.yaml");
  writeFileSync(path, text);
  return path;
}

async function run(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  whenListening: (text: string) => Promise<void> | void = () => undefined,
): Promise<{ code: number; output: string; errors: string }> {
  const seen = { output: "", errors: "" };
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const code = await runProgram(args, {
    environment,
    output: {
      write(text) {
        seen.output += text;
        if (text.startsWith("relaying")) void Promise.resolve(whenListening(seen.output)).finally(stop);
      },
    },
    errors: {
      write(text) {
        seen.errors += text;
      },
    },
    stopped,
  });
  return { code, ...seen };
}

describe("naru-turn", () => {
  test("listens as it is told, serves its metrics and stops when asked", async () => {
    let metrics = "";
    const { code, output } = await run(
      [
        "--secret",
        SECRET,
        "--listen",
        "127.0.0.1",
        "--port",
        "0",
        "--relay",
        "127.0.0.1",
        "--metrics-port",
        "39871",
      ],
      {},
      async () => {
        metrics = await (await fetch("http://127.0.0.1:39871/metrics")).text();
      },
    );
    expect(code).toBe(0);
    expect(output).toMatch(
      /listening on udp 127\.0\.0\.1:\d+\nlistening on tcp 127\.0\.0\.1:\d+\nrelaying from 127\.0\.0\.1/,
    );
    expect(metrics).toContain("# TYPE naru_turn_allocations gauge\nnaru_turn_allocations 0\n");
    expect(metrics).toContain('naru_turn_packets_total{direction="to peer"} 0');
  });

  test.each([
    ["no credentials", [], "secret or users"],
    ["a port that is none", ["--secret", SECRET, "--port", "x"], "port: expected a port"],
    ["a network that is none", ["--secret", SECRET, "--allow-peers", "10"], "allowPeers: expected networks"],
    ["a secret that can be guessed", ["--secret", "short"], "at least 16 bytes"],
    ["half of a certificate", ["--secret", SECRET, "--cert", "x.pem"], "cert and key"],
    ["a second address without a first", ["--secret", SECRET, "--alternate", "127.0.0.2:3479"], "alternate"],
    ["an option nobody knows", ["--nonsense"], "unknown option"],
    ["a realm that is too long", ["--secret", SECRET, "--realm", "x".repeat(21)], "at most 20 bytes"],
  ])("with %s says what is wrong and ends with 2", async (_what, args, expected) => {
    const { code, errors } = await run(args);
    expect(code).toBe(2);
    expect(errors).toContain(expected);
    expect(errors).not.toContain(SECRET);
  });

  test("a port that is taken ends it with 1", async () => {
    const args = ["--secret", SECRET, "--listen", "127.0.0.1", "--relay", "127.0.0.1", "--port"];
    let second: Awaited<ReturnType<typeof run>> | undefined;
    await run([...args, "0"], {}, async (text) => {
      const port = /udp 127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? "";
      second = await run([...args, port]);
    });
    expect(second?.code).toBe(1);
    expect(second?.errors).toContain("EADDRINUSE");
  });

  test("credential makes what the server believes", async () => {
    const { code, output } = await run(["--secret", SECRET, "credential", "alice", "--expires-in", "60"]);
    const { username, credential } = JSON.parse(output) as { username: string; credential: string };
    expect(code).toBe(0);
    expect(new SharedSecret(nodeCrypto, SECRET).find(username)).toMatchObject({
      user: "alice",
      password: credential,
    });
    expect((await run(["credential", "alice"])).code).toBe(2);
    expect((await run(["--secret", SECRET, "credential", "alice", "--expires-in", "soon"])).code).toBe(2);
  });
});

describe("the configuration", () => {
  test("comes from the file, the environment and the flags, the later one winning", () => {
    const path = file(
      "port: 1\ntlsPort: 1\nrealm: file\nusers:\n  alice: secret\nallowPeers: [10.0.0.0/8]\n",
    );
    const config = loadConfig({
      file: path,
      environment: {
        NARU_TURN_TLS_PORT: "2",
        NARU_TURN_REALM: "environment",
        NARU_TURN_DENY_PEERS: "8.8.8.8, 9.9.9.9",
      },
      flags: { realm: "flag" },
    });
    expect(config).toMatchObject({
      port: 1,
      tlsPort: 2,
      realm: "flag",
      users: { alice: "secret" },
      allowPeers: ["10.0.0.0/8"],
      denyPeers: ["8.8.8.8", "9.9.9.9"],
    });
  });

  test("every option can be given in the environment", () => {
    const texts: Readonly<Record<string, string>> = {
      text: "x",
      number: "7",
      list: "10.0.0.1",
      pairs: "a:b:c",
      boolean: "false",
    };
    const environment = Object.fromEntries(
      Object.entries(CONFIG_OPTIONS).map(([key, { kind }]) => [
        environmentName(key),
        key === "log" ? "debug" : texts[kind],
      ]),
    );
    const config = loadConfig({ file: undefined, environment, flags: {} });
    expect(config).toMatchObject({
      tcpRelay: false,
      metricsPort: 7,
      users: { a: "b:c" },
      relay: ["10.0.0.1"],
      log: "debug",
    });
    expect(Object.keys(config).sort()).toEqual(Object.keys(CONFIG_OPTIONS).sort());
  });

  test.each(["nonsense: 1", "port: [1]", "- 1", "a: b: c", "users: 7"])("%j is refused", (text) => {
    expect(() => loadConfig({ file: file(text), environment: {}, flags: {} })).toThrow(/.+/);
  });

  test("says what the server is to do", () => {
    const config = loadConfig({
      file: undefined,
      environment: {},
      flags: {
        secret: SECRET,
        listen: "192.0.2.1",
        relay: "10.0.0.5=203.0.113.9,fd00::1",
        alternate: "192.0.2.2:3479",
        bitrateMbps: "2.5",
      },
    });
    expect(toOptions(config)).toMatchObject({
      relay: [{ address: "10.0.0.5", advertise: "203.0.113.9" }, { address: "fd00::1" }],
      listen: [{ transport: "tcp", address: "192.0.2.1", port: 3478 }],
      discovery: { address: "192.0.2.1", port: 3478, alternateAddress: "192.0.2.2", alternatePort: 3479 },
      limits: { bitrateBps: 2_500_000 },
    });
  });
});
