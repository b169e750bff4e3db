/** coturn's own client, peer and NAT tester against our TURN server, over every transport it serves. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createTurnServer, type TurnServerHandle } from "@naru/turn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram, missingPrograms } from "../support/requirements.ts";

const run = promisify(execFile);
const USER = "naru";
const PASSWORD = "correct horse";
const SECRET = "a secret for tests only";

const missing = missingPrograms("uclient", "turnpeer", "natdiscovery", "openssl");
describe.skipIf(missing !== undefined)(`coturn's tools ${missing ?? ""}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "naru-turn-"));
  let server: TurnServerHandle;
  let peer: ChildProcess;
  let peerPort = 0;
  const ports = { udp: 0, tcp: 0, tls: 0, second: 0 };

  beforeAll(async () => {
    ports.udp = await findFreePort();
    ports.second = await findFreePort();
    server = await createTurnServer({
      users: { [USER]: PASSWORD },
      secret: SECRET,
      relay: [{ address: "127.0.0.1" }, { address: "::1" }],
      // The tools are on this machine: by default their addresses are out of reach.
      peers: { allow: ["127.0.0.0/8", "::1"] },
      discovery: {
        address: "127.0.0.1",
        port: ports.udp,
        alternateAddress: "127.0.0.2",
        alternatePort: ports.second,
      },
      listen: [
        { transport: "tcp", address: "127.0.0.1", port: 0 },
        { transport: "tls", address: "127.0.0.1", port: 0, tls: createCertificate(folder) },
      ],
    });
    for (const { transport, address } of server.addresses) {
      if (transport !== "udp") ports[transport] = address.port;
    }
    peerPort = await findFreePort();
    peer = spawn(findProgram("turnpeer") ?? "", ["-L", "127.0.0.1", "-p", `${peerPort}`], {
      stdio: "ignore",
    });
  });

  afterAll(async () => {
    server?.close();
    if (peer !== undefined) {
      const gone = new Promise((resolve) => peer.once("exit", resolve));
      peer.kill("SIGKILL");
      await gone;
    }
    rmSync(folder, { recursive: true });
  });

  // Without -s the data goes over channels, with -s in Send indications; -c leaves the second component out, without which
  // ports come in pairs (EVEN-PORT, RESERVATION-TOKEN); -y lets two clients talk through two relayed addresses; -x is IPv6.
  test.each([
    ["UDP, channels, ports in pairs", "udp", []],
    ["UDP, Send indications", "udp", ["-s"]],
    ["UDP, from client to client", "udp", ["-y", "-c"]],
    ["UDP, from client to client, Send indications", "udp", ["-y", "-c", "-s"]],
    ["UDP, from client to client over IPv6 relays", "udp", ["-y", "-c", "-x"]],
    ["TCP, channels, ports in pairs", "tcp", ["-t"]],
    ["TCP, Send indications", "tcp", ["-t", "-s"]],
    ["TCP, from client to client", "tcp", ["-t", "-y", "-c"]],
    ["TLS, channels, ports in pairs", "tls", ["-t", "-S"]],
    ["TLS, Send indications", "tls", ["-t", "-S", "-s"]],
    ["TLS, from client to client", "tls", ["-t", "-S", "-y", "-c"]],
    ["relayed TCP between clients over TCP", "tcp", ["-T", "-y"]],
    ["relayed TCP between clients over TLS", "tls", ["-T", "-S", "-y"]],
  ] as const)("%s: nothing is lost", async (_name, transport, options) => {
    const result = await uclient(ports[transport], options);
    expect(result).toEqual({ sent: 40, received: 40, lost: 0 });
  });

  test("time-limited credentials, as browsers' deployments have them", async () => {
    const { username, credential } = server.issueCredential("someone", 60_000);
    const result = await uclient(ports.udp, ["-c"], username, credential);
    expect(result).toEqual({ sent: 40, received: 40, lost: 0 });
  });

  test("large packets and many clients", async () => {
    const result = await uclient(ports.udp, ["-c", "-l", "1400", "-n", "50", "-m", "10", "-z", "5"]);
    expect(result).toEqual({ sent: 500, received: 500, lost: 0 });
  });

  test("its NAT tester recognises that there is none (RFC 5780)", async () => {
    const { stdout } = await run(
      findProgram("natdiscovery") ?? "",
      ["-m", "-f", "-P", "-p", `${ports.udp}`, "-L", "127.0.0.1", "127.0.0.1"],
      { timeout: 60_000 },
    );
    expect(stdout).toMatch(/Endpoint Independent Mapping|No NAT/i);
    expect(stdout).toMatch(/Endpoint Independent Filtering/i);
  });

  async function uclient(
    port: number,
    options: readonly string[],
    username = USER,
    password = PASSWORD,
  ): Promise<{ sent: number; received: number; lost: number }> {
    const common = ["-u", username, "-w", password, "-p", `${port}`, "-e", "127.0.0.1", "-r", `${peerPort}`];
    const count = options.includes("-n") ? [] : ["-n", "20", "-m", "2"];
    const { stdout } = await run(
      findProgram("uclient") ?? "",
      [...common, ...count, ...options, "127.0.0.1"],
      {
        timeout: 60_000,
      },
    );
    const last = (pattern: RegExp): number => Number([...stdout.matchAll(pattern)].at(-1)?.[1] ?? Number.NaN);
    return {
      sent: last(/tot_send_msgs=(\d+)/g),
      received: last(/tot_recv_msgs=(\d+)/g),
      lost: last(/Total lost packets (\d+)/g),
    };
  }
});

function createCertificate(folder: string): { certificate: string; privateKey: string } {
  const [certificate, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=turn.naru.example", "-days", "2"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  execFileSync("openssl", ["req", ...kind, ...subject, "-keyout", key, "-out", certificate], {
    stdio: "ignore",
  });
  return { certificate: readFileSync(certificate, "utf8"), privateKey: readFileSync(key, "utf8") };
}

async function findFreePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}
