/** Our STUN against coturn's, each as client and as server. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { TransportAddress } from "@naru/webrtc/bytes";
import { UdpDriver } from "@naru/webrtc/driver";
import { PacketArena } from "@naru/webrtc/kernel";
import { createNodePlatform } from "@naru/webrtc/node";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import {
  attributeValue,
  LIFETIME,
  type LongTermCredentials,
  REQUESTED_TRANSPORT,
  StunBindingServer,
  StunClient,
  type StunClientEvent,
  StunMethod,
  type StunRequest,
  XOR_MAPPED_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "@naru/webrtc/stun";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram, missingPrograms } from "../support/requirements.ts";

const platform = createNodePlatform();
const environment = { crypto: platform.crypto, random: platform.random, log: SILENT_LOGGER };
const LOOPBACKS = ["127.0.0.1", "::1"];
const REALM = "naru.example";
/** coturn does not find users whose names are not ASCII. */
const CREDENTIALS: LongTermCredentials = { username: "naru", password: "correct horse" };

const missingClient = missingPrograms("stunclient");
describe.skipIf(missingClient !== undefined)(`turnutils_stunclient ${missingClient ?? ""}`, () => {
  test.each(LOOPBACKS)("learns its address from our server on %s", async (host) => {
    const server = new StunBindingServer(environment, new PacketArena(16));
    const driver = new UdpDriver(platform, server, {
      handleError: (error) => expect.unreachable(error.message),
    });
    const socket = await driver.bind({ address: parse(host, 0).ip, port: 0 });
    const port = driver.localAddress(socket)?.port;
    const { stdout } = await promisify(execFile)(findProgram("stunclient") ?? "", ["-p", `${port}`, host], {
      timeout: 10_000,
    });
    driver.close();
    // It prints `INFO: IPv4. UDP reflexive addr: 127.0.0.1:48127`, without brackets for IPv6.
    expect(stdout).toMatch(new RegExp(`UDP reflexive addr: ${host}:\\d+`));
    expect(server.counters).toMatchObject({ refused: 0, ignored: 0, limited: 0, dropped: 0 });
    expect(server.counters.answered).toBeGreaterThan(0);
  });
});

const missingServer = missingPrograms("turnserver");
describe.skipIf(missingServer !== undefined)(`turnserver ${missingServer ?? ""}`, () => {
  let port: number;
  let coturn: ChildProcess;
  const folder = mkdtempSync(join(tmpdir(), "naru-coturn-"));

  beforeAll(async () => {
    port = await findFreePort();
    coturn = startCoturn(port, folder);
    await untilAnswering(parse("127.0.0.1", port));
  });

  afterAll(async () => {
    const gone = new Promise((resolve) => coturn.once("exit", resolve));
    coturn.kill("SIGKILL");
    await gone;
    rmSync(folder, { recursive: true });
  });

  test.each(LOOPBACKS)("tells our client its address on %s", async (host) => {
    const { event, local } = await ask(parse(host, port), { method: StunMethod.binding });
    expect(event.type).toBe("success");
    if (event.type === "success") expect(event.response.get(XOR_MAPPED_ADDRESS)?.equals(local)).toBe(true);
  });

  const allocate = {
    method: StunMethod.allocate,
    attributes: [attributeValue(REQUESTED_TRANSPORT, 17), attributeValue(LIFETIME, 60)],
  };

  // → Allocate   ← 401   → Allocate with credentials   ← success
  test("challenges our client and accepts its long-term credentials", async () => {
    const { event } = await ask(parse("127.0.0.1", port), allocate, CREDENTIALS);
    expect(event).toMatchObject({ type: "success" });
    if (event.type === "success") expect(event.response.get(XOR_RELAYED_ADDRESS)).toBeDefined();
  });

  test("refuses a wrong password, after one retry", async () => {
    const { event } = await ask(parse("127.0.0.1", port), allocate, { ...CREDENTIALS, password: "wrong" });
    expect(event).toMatchObject({ type: "refused", error: { code: 401 } });
  });

  test("refuses a client without credentials", async () => {
    const { event } = await ask(parse("127.0.0.1", port), allocate);
    expect(event).toMatchObject({ type: "refused", error: { code: 401 } });
  });
});

/** One request to `server`, over a socket of its own. */
async function ask(
  server: TransportAddress,
  request: StunRequest,
  credentials?: LongTermCredentials,
): Promise<{ event: StunClientEvent; local: TransportAddress }> {
  const understood = new Set([XOR_RELAYED_ADDRESS.type, LIFETIME.type]);
  const client = new StunClient(environment, {
    server,
    socket: 1,
    understood,
    ...(credentials === undefined ? {} : { credentials }),
  });
  const { promise, resolve, reject } = withResolvers<StunClientEvent>();
  const driver = new UdpDriver<StunClientEvent>(platform, client, {
    handleEvent: resolve,
    handleError: reject,
  });
  const socket = await driver.bind({
    address: parse(server.family === 4 ? "127.0.0.1" : "::1", 0).ip,
    port: 0,
  });
  const local = driver.localAddress(socket);
  client.request(request, platform.now());
  driver.pump();
  const event = await promise;
  driver.close();
  if (local === undefined) throw new Error("the socket is not bound");
  return { event, local };
}

function startCoturn(port: number, folder: string): ChildProcess {
  const listening = LOOPBACKS.flatMap((host) => ["--listening-ip", host]);
  const users = [
    "--lt-cred-mech",
    "--realm",
    REALM,
    "--user",
    `${CREDENTIALS.username}:${CREDENTIALS.password}`,
  ];
  const quiet = ["-n", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp", "--log-file", "stdout"];
  const files = ["--pidfile", join(folder, "pid"), "--userdb", join(folder, "users")];
  const options = [...quiet, ...listening, "--listening-port", `${port}`, ...users, ...files];
  return spawn(findProgram("turnserver") ?? "", options, { stdio: "ignore" });
}

/** coturn says nothing when it is ready: it is when it answers. */
async function untilAnswering(server: TransportAddress): Promise<void> {
  const { event } = await ask(server, { method: StunMethod.binding });
  if (event.type !== "success") throw new Error("coturn does not answer");
}

async function findFreePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

function parse(host: string, port: number): TransportAddress {
  const address = TransportAddress.parse(host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);
  if (address === undefined) throw new Error(`"${host}" is no address`);
  return address;
}
