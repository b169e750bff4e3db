import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { interfaceAddress } from "../support/requirements.ts";
import { TestServer } from "../support/server.ts";
import { SignalingPeer } from "../support/signaling-peer.ts";

const CLI: string = join(process.cwd(), "packages/server/dist/cli.js");

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
});

afterAll(async () => {
  await server?.close();
});

function naru(...args: readonly string[]): { status: number | null; output: string } {
  const result = spawnSync(process.execPath, [CLI, ...args], {
    cwd: server.dataDir,
    encoding: "utf8",
    timeout: 20_000,
  });
  return { status: result.status, output: result.stdout + result.stderr };
}

describe("what the running server offers", () => {
  test("health, readiness, the page and its configuration", async () => {
    for (const path of ["/healthz", "/readyz", "/", "/r/brave-otter-42", "/api/config"]) {
      const response = await fetch(server.url + path);
      expect(response.status, path).toBe(200);
      await response.arrayBuffer();
    }
    const config: unknown = await (await fetch(`${server.url}/api/config`)).json();
    expect(config).toMatchObject({ protocol: 1, tokenRequired: false });
  });

  test("metrics, to this machine only, that count what happens", async () => {
    const { peer } = await SignalingPeer.join(server.signalingUrl, "counted", "Alice");
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(text).toMatch(/^naru_\w*participants\w*(\{[^}]*\})? 1$/m);
    expect(text).not.toContain("counted");
    peer.close();
    const address = interfaceAddress();
    if (address === undefined) return;
    const refused = await fetch(`http://${address}:${server.port}/metrics`);
    expect(refused.status).toBe(403);
  });

  test("HTTPS and WebSocket over TLS on the same port, with a certificate of its own", async () => {
    const authority = Buffer.from(await (await fetch(`${server.url}/ca.crt`)).arrayBuffer());
    const pem = `-----BEGIN CERTIFICATE-----\n${authority.toString("base64")}\n-----END CERTIFICATE-----\n`;
    const status = await new Promise<number | undefined>((resolve, reject) => {
      get({ host: "localhost", port: server.port, path: "/healthz", ca: pem }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject);
    });
    expect(status).toBe(200);
    const peer = await SignalingPeer.connect(`wss://localhost:${server.port}/signal`);
    peer.close();
  });

  test("logs in JSON, without names of rooms or people at info", async () => {
    const { peer } = await SignalingPeer.join(server.signalingUrl, "confidential-room", "Confidential Name");
    await peer.ping();
    peer.close();
    const lines = server.output.split("\n").filter((line) => line.startsWith("{"));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
    expect(server.output).not.toContain("Confidential Name");
  });

  test("keeps its secrets readable by its owner only", () => {
    expect(statSync(server.dataDir).mode & 0o077).toBe(0);
    const files = readdirSync(server.dataDir, { recursive: true }).map((name) =>
      join(server.dataDir, String(name)),
    );
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      if (statSync(file).isFile() && !/\.crt$|\.pem$/.test(file))
        expect(statSync(file).mode & 0o077, file).toBe(0);
    }
  });
});

describe("what goes wrong is one sentence with the way out", () => {
  test("the port is taken", () => {
    const { status, output } = naru("--port", String(server.port), "--data-dir", "other");
    expect(status).toBeGreaterThan(0);
    expect(output).toContain(String(server.port));
    expect(output).toMatch(/--port/);
    expect(output).not.toMatch(/\n\s+at /);
  });

  test("an option that does not exist, and a value that is none", () => {
    const unknown = naru("--prot", "9000");
    expect(unknown.status).toBeGreaterThan(0);
    expect(unknown.output).toContain("--port");
    const wrong = naru("--port", "eighty");
    expect(wrong.status).toBeGreaterThan(0);
    expect(wrong.output).toMatch(/eighty/);
    expect(wrong.output).not.toMatch(/\n\s+at /);
  });

  test("a data folder that cannot be made", () => {
    const { status, output } = naru("--port", "0", "--data-dir", "/dev/null/data");
    expect(status).toBeGreaterThan(0);
    expect(output).toContain("/dev/null/data");
    expect(output).not.toMatch(/\n\s+at /);
  });

  test("`config print` tells each value and where it comes from, and no secret", () => {
    const result = spawnSync(process.execPath, [CLI, "config", "print", "--port", "9999"], {
      cwd: server.dataDir,
      encoding: "utf8",
      env: { ...process.env, NARU_AUTH_SECRET: "a secret that nobody should ever see printed" },
    });
    expect(result.status).toBe(0);
    expect(result.stdout).toMatch(/port.*9999.*--port/);
    expect(result.stdout).toContain("NARU_AUTH_SECRET");
    expect(result.stdout).not.toContain("nobody should ever see");
  });
});

test("the command needs nothing that is not there", () => {
  expect(existsSync(CLI)).toBe(true);
  expect(naru("--version").output).toMatch(/^\d+\.\d+\.\d+/);
  expect(naru("--help").status).toBe(0);
});
