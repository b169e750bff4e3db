/** `naru doctor` as an operator runs it: where all is well, and where something is broken. */
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingPrograms } from "../support/requirements.ts";
import { freePort, TestServer } from "../support/server.ts";
import { describeWith } from "../support/suite.ts";

interface Report {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly check: string;
    readonly status: string;
    readonly code: string;
    readonly values: Readonly<Record<string, string | number>>;
    readonly text: string;
    readonly fix?: string;
  }[];
}

const CLI: string = join(process.cwd(), "packages/server/dist/cli.js");
const TIMEOUT_MS = 90_000;
const EXIT_DOCTOR = 7;

const folder: string = mkdtempSync(join(tmpdir(), "naru-doctor-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("with a running server", () => {
  let server: TestServer;
  let flags: readonly string[];

  beforeAll(async () => {
    server = await TestServer.start();
    flags = ["--port", `${server.port}`, "--data-dir", server.dataDir];
  });

  afterAll(async () => {
    await server?.close();
  });

  test("every path is proven, by real packets through the relay", async () => {
    const { report, code } = await doctor(...flags);
    expect(report.checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect([code, report.ok]).toEqual([0, true]);
    const codes = new Set(report.checks.map(({ check, code: what }) => `${check} ${what}`));
    for (const wanted of [
      "node NODE_OK",
      "clock CLOCK_OK",
      "files FILES_OK",
      "ports PORTS_SERVED",
      "certificate CERTIFICATE_OWN",
      "https HTTPS_OK",
      "stun STUN_OK",
      "turnUdp TURN_OK",
      "turnTcp TURN_OK",
      "turnTls TURN_OK",
    ]) {
      expect(codes).toContain(wanted);
    }
    for (const { code: what, values } of report.checks) {
      if (what === "TURN_OK") expect(values["rttMs"]).toBeGreaterThan(0);
    }
  });

  test.each([
    ["en_US.UTF-8", /✔ TURN over TLS +relays at .*: allocation, permission and echo in [\d.]+ ms/],
    ["ko_KR.UTF-8", /✔ TURN \(TLS\) +.*에서 중계합니다: 할당, 허가, 왕복 [\d.]+ ms/],
  ])("it says so to people, %s", async (language, line) => {
    const { stdout, code } = await run([...flags, "doctor"], { LANG: language });
    expect(stdout).toMatch(line);
    expect(stdout).not.toContain("✖");
    expect(code).toBe(0);
  });

  test("somebody elsewhere proves the same with the address alone", async () => {
    const { report, code } = await doctor("--url", `https://localhost:${server.port}`);
    const codes = report.checks.map(({ check, code: what }) => `${check} ${what}`);
    expect(codes).toContain("turnUdp TURN_OK");
    expect(codes).toContain("turnTls TURN_OK");
    expect(code).toBe(0);
  });

  test("another data folder is found out: its credentials are refused", async () => {
    const other = mkdtempSync(join(folder, "other-"));
    const stranger = await TestServer.start();
    try {
      const { report, code } = await doctor("--port", `${server.port}`, "--data-dir", stranger.dataDir);
      const refused = report.checks.find(({ code: what }) => what === "TURN_REFUSED");
      expect(refused?.fix).toContain("--data-dir");
      expect(code).toBe(EXIT_DOCTOR);
    } finally {
      await stranger.close();
      rmSync(other, { recursive: true });
    }
  });

  test("keys that others on the machine can read are found", async () => {
    chmodSync(server.dataDir, 0o755);
    chmodSync(join(server.dataDir, "turn.secret"), 0o644);
    const { report } = await doctor(...flags);
    const found = report.checks.find(({ check }) => check === "files");
    expect(found).toMatchObject({ status: "fail", code: "FILES_READABLE_BY_OTHERS" });
    expect(found?.text).toContain("turn.secret");
    expect(found?.fix).toContain("chmod");
  });
});

describe("without a running server", () => {
  test("one is started for the check, and stopped again", async () => {
    const port = await freePort();
    const { report, code } = await doctor("--port", `${port}`, "--data-dir", join(folder, "own"));
    expect(report.checks).toContainEqual(expect.objectContaining({ code: "PORTS_STARTED" }));
    expect(report.checks).toContainEqual(expect.objectContaining({ check: "turnTcp", code: "TURN_OK" }));
    expect(code).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });

  test("a program that has the port is named", async () => {
    const other = await listen();
    try {
      const address = other.address();
      const port = address !== null && typeof address === "object" ? address.port : 0;
      const { report, code } = await doctor("--port", `${port}`, "--data-dir", join(folder, "held"));
      const held = report.checks.find(({ code: what }) => what === "PORT_HELD");
      expect(held?.values["holder"]).toContain(`pid ${process.pid}`);
      expect(held?.fix).toContain("--port");
      expect(code).toBe(EXIT_DOCTOR);
    } finally {
      other.close();
    }
  });

  describeWith(missingPrograms("openssl"), "with certificates of the operator", () => {
    test("one that has expired is named, with the way out", async () => {
      const { cert, key } = certificate("expired", -1);
      const port = await freePort();
      const where = ["--port", `${port}`, "--data-dir", join(folder, "expired-data")];
      const { report, code } = await doctor(...where, "--tls.cert", cert, "--tls.key", key);
      const found = report.checks.find(({ check }) => check === "certificate");
      expect(found).toMatchObject({ status: "fail", code: "SERVER_FAILED" });
      expect(found?.text).toContain("expired");
      expect(code).toBe(EXIT_DOCTOR);
    });

    test("one for another name, of nobody known, is told from one that serves", async () => {
      const { cert, key } = certificate("foreign", 300);
      const port = await freePort();
      const where = ["--port", `${port}`, "--data-dir", join(folder, "foreign-data"), "--host", "127.0.0.1"];
      const { report, code } = await doctor(...where, "--tls.cert", cert, "--tls.key", key);
      const codes = report.checks.map(({ code: what }) => what);
      expect(codes).toContain("CERTIFICATE_WRONG_NAME");
      expect(codes).toContain("TURN_CERTIFICATE");
      expect(codes).toContain("STUN_OK");
      expect(code).toBe(EXIT_DOCTOR);
    });
  });

  const missing =
    spawnSync("unshare", ["--net", "true"]).status === 0 ? undefined : "no network namespaces: run as root";
  describeWith(missing ?? missingIptables(), "behind a firewall that drops UDP", () => {
    test("UDP is named as blocked, and TCP and TLS still relay", async () => {
      const setup = [
        "ip link set lo up",
        "ip link add d0 type veth peer name d1",
        "ip address add 203.0.113.5/24 dev d0",
        "ip link set d0 up",
        "ip link set d1 up",
        "iptables -A INPUT -p udp -j DROP",
      ].join(" && ");
      const command = `${setup} && exec "$@"`;
      const args = [CLI, "doctor", "--json", "--port", "8443", "--data-dir", join(folder, "blocked")];
      const { stdout } = await collect("unshare", [
        "--net",
        "sh",
        "-c",
        command,
        "sh",
        process.execPath,
        ...args,
      ]);
      const report: Report = JSON.parse(stdout);
      const codes = new Set(report.checks.map(({ check, code: what }) => `${check} ${what}`));
      expect(codes).toContain("stun STUN_BLOCKED");
      expect(codes).toContain("turnUdp TURN_BLOCKED");
      expect(codes).toContain("turnTcp TURN_OK");
      expect(codes).toContain("turnTls TURN_OK");
      expect(report.checks.find(({ code: what }) => what === "TURN_BLOCKED")?.fix).toContain("8443/udp");
      expect(report.ok).toBe(false);
    });
  });
});

test("an address that is none is refused as wrong usage", async () => {
  const { code, stderr } = await run(["doctor", "--url", "meet"], {});
  expect(code).toBe(2);
  expect(stderr).toContain("https://meet.example.com");
});

async function doctor(...flags: readonly string[]): Promise<{ report: Report; code: number }> {
  const { stdout, code, stderr } = await run(["doctor", "--json", ...flags], { LANG: "C" });
  try {
    return { report: JSON.parse(stdout), code };
  } catch {
    throw new Error(`no JSON: ${stdout}${stderr}`);
  }
}

function run(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Output> {
  return collect(process.execPath, [CLI, ...args], environment);
}

interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

function collect(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Output> {
  return new Promise((resolve) => {
    const options = { cwd: folder, timeout: TIMEOUT_MS, env: { ...process.env, LC_ALL: "", ...environment } };
    const child = execFile(program, [...args], options, (_error, stdout, stderr) => {
      resolve({ stdout, stderr, code: child.exitCode ?? -1 });
    });
  });
}

/** A certificate of nobody known, valid for so many days; -1 for one that expired yesterday. */
function certificate(name: string, days: number): { cert: string; key: string } {
  const path = join(folder, name);
  const [cert, key, request] = [`${path}.pem`, `${path}.key`, `${path}.csr`];
  const subject = ["-subj", "/CN=meet.example.com", "-addext", "subjectAltName=DNS:meet.example.com"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  for (const args of [
    ["req", "-new", ...kind, "-keyout", key, "-out", request, ...subject],
    [
      "x509",
      "-req",
      "-in",
      request,
      "-signkey",
      key,
      "-days",
      `${days}`,
      "-copy_extensions",
      "copy",
      "-out",
      cert,
    ],
  ]) {
    const made = spawnSync("openssl", args);
    if (made.status !== 0) throw new Error(made.stderr.toString());
  }
  return { cert, key };
}

async function listen(): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, () => resolve()));
  return server;
}

function missingIptables(): string | undefined {
  const isThere =
    spawnSync("iptables", ["-V"]).error === undefined && spawnSync("ip", ["-V"]).error === undefined;
  return isThere ? undefined : "iptables or ip not found: apt-get install iproute2 iptables";
}
