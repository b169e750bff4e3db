import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { copyBytes, IpAddress, TransportAddress } from "../bytes/index.ts";
import type {
  StreamConnectOptions,
  StreamIo,
  StreamListener,
  StreamListenOptions,
} from "../platform/index.ts";
import { connectStream, listenStream } from "./stream.ts";

const LOOPBACK = IpAddress.fromBytes(new Uint8Array([127, 0, 0, 1]));
const LOOPBACK_V6 = IpAddress.fromBytes(Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 1 : 0)));
const encoder = new TextEncoder();

/** One end of a connection and everything it was told. */
class End {
  stream: StreamIo | undefined;
  readonly log: string[] = [];
  received = 0;
  text = "";
  isPlain = true;

  readonly handler = {
    handleData: (bytes: Uint8Array): void => {
      this.received += bytes.length;
      this.isPlain &&= Object.getPrototypeOf(bytes) === Uint8Array.prototype;
      if (bytes.length < 100) this.text += new TextDecoder().decode(copyBytes(bytes));
    },
    handleDrain: (): void => void this.log.push("drain"),
    handleClose: (error: Error | undefined): void =>
      void this.log.push(error === undefined ? "close" : "error"),
  };

  get io(): StreamIo {
    if (this.stream === undefined) throw new Error("not connected");
    return this.stream;
  }

  get isClosed(): boolean {
    return this.log.includes("close") || this.log.includes("error");
  }
}

const listeners: StreamListener[] = [];
const ends: End[] = [];

afterEach(async () => {
  for (const end of ends) end.stream?.destroy();
  for (const listener of listeners.splice(0)) listener.close();
  await eventually(() => ends.every((end) => end.stream === undefined || end.isClosed));
  ends.splice(0);
});

function createEnd(): End {
  const end = new End();
  ends.push(end);
  return end;
}

async function eventually(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5000, interval: 5 });
}

/** Listens; each connection becomes an end. */
async function listen(
  options: Partial<StreamListenOptions> = {},
): Promise<{ listener: StreamListener; accepted: End[] }> {
  const accepted: End[] = [];
  const listener = await listenStream({ address: LOOPBACK, port: 0, ...options }, (stream) => {
    const end = createEnd();
    end.stream = stream;
    accepted.push(end);
    return end.handler;
  });
  listeners.push(listener);
  return { listener, accepted };
}

async function connect(address: TransportAddress, options: Partial<StreamConnectOptions> = {}): Promise<End> {
  const end = createEnd();
  end.stream = await connectStream({ address, timeoutMs: 5000, ...options }, end.handler);
  return end;
}

async function connectPair(
  listenOptions: Partial<StreamListenOptions> = {},
  options: Partial<StreamConnectOptions> = {},
): Promise<{ client: End; server: End; listener: StreamListener }> {
  const { listener, accepted } = await listen(listenOptions);
  const client = await connect(listener.localAddress, options);
  await eventually(() => accepted.length === 1);
  const server = accepted[0];
  if (server === undefined) throw new Error("nobody was accepted");
  return { client, server, listener };
}

describe.each([
  ["IPv4", LOOPBACK],
  ["IPv6", LOOPBACK_V6],
])("TCP over %s", (_name, address) => {
  test("both ends know both addresses, and bytes go both ways", async () => {
    const { client, server, listener } = await connectPair({ address });
    expect(client.io.remoteAddress.equals(listener.localAddress)).toBe(true);
    expect(server.io.remoteAddress.equals(client.io.localAddress)).toBe(true);
    client.io.write(encoder.encode("ping"));
    await eventually(() => server.text === "ping");
    server.io.write(encoder.encode("pong"));
    await eventually(() => client.text === "pong");
  });

  test("what was written before closing arrives, then both ends are told once, last", async () => {
    const { client, server } = await connectPair({ address });
    client.io.write(encoder.encode("last words"));
    client.io.close();
    client.io.close();
    await eventually(() => client.isClosed && server.isClosed);
    expect(server.text).toBe("last words");
    expect([client.log, server.log]).toEqual([["close"], ["close"]]);
  });
});

test("what is written is copied: the caller's buffer is free at once", async () => {
  const { client, server } = await connectPair();
  const bytes = encoder.encode("original");
  client.io.write(bytes);
  bytes.fill(0x21);
  await eventually(() => server.received === bytes.length);
  expect(server.text).toBe("original");
});

test("what is received is a plain array, never a Buffer", async () => {
  const { client, server } = await connectPair();
  client.io.write(encoder.encode("x"));
  await eventually(() => server.received === 1);
  expect(server.isPlain).toBe(true);
});

test("writing asks to hold back when too much waits, and says when it is gone", async () => {
  const { client, server } = await connectPair();
  const block = new Uint8Array(1 << 20);
  let written = 0;
  while (written < 64 && client.io.write(block)) written++;
  written++;
  expect(client.io.bufferedBytes).toBeGreaterThan(0);
  await eventually(() => client.log.includes("drain"));
  expect(client.io.bufferedBytes).toBe(0);
  await eventually(() => server.received === written << 20);
});

test("a paused stream hands nothing over and holds the other side back, until it is resumed", async () => {
  const { client, server } = await connectPair();
  server.io.pause();
  const block = new Uint8Array(1 << 20);
  let written = 0;
  while (written < 64 && client.io.write(block)) written++;
  written++;
  for (let i = written; i < 16; i++, written++) client.io.write(block);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(server.received).toBe(0);
  expect(client.io.bufferedBytes).toBeGreaterThan(0);
  server.io.resume();
  expect(server.received).toBe(0);
  await eventually(() => server.received === written << 20);
});

test("a connection leaves from the port it is given", async () => {
  const { listener, accepted } = await listen();
  const free = createTcpServer();
  await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
  const localPort = portOf(free.address());
  await new Promise((resolve) => free.close(resolve));
  const client = await connect(listener.localAddress, { localAddress: LOOPBACK, localPort });
  expect(client.io.localAddress.port).toBe(localPort);
  await eventually(() => accepted[0]?.io.remoteAddress.port === localPort);
});

test("destroying drops the connection; writing to it afterwards is refused, not thrown", async () => {
  const { client, server } = await connectPair();
  client.io.destroy();
  expect(client.io.write(encoder.encode("x"))).toBe(false);
  await eventually(() => client.isClosed && server.isClosed);
  const before = process.getActiveResourcesInfo();
  client.io.close();
  client.io.destroy();
  expect(process.getActiveResourcesInfo()).toEqual(before);
  expect(client.log).toHaveLength(1);
  expect(server.received).toBe(0);
});

test("a half-closed peer still gets what waits, and then the connection ends", async () => {
  const { client, server } = await connectPair();
  const size = 8 << 20;
  server.io.write(new Uint8Array(size));
  client.io.close();
  await eventually(() => client.isClosed && server.isClosed);
  expect(client.received).toBe(size);
});

test("a connection that is reset is told as an error, once, and does not stop the process", async () => {
  const accepted = createEnd();
  const raw = createTcpServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
  const client = await connect(new TransportAddress(LOOPBACK, portOf(raw.address())));
  client.io.write(encoder.encode("x"));
  await eventually(() => client.isClosed);
  expect(client.log).toEqual(["error"]);
  expect(accepted.log).toEqual([]);
  await new Promise((resolve) => raw.close(resolve));
});

describe("a connection that cannot be had is refused", () => {
  test("when nobody listens", async () => {
    const { listener } = await listen();
    const address = listener.localAddress;
    listener.close();
    await eventually(() => !process.getActiveResourcesInfo().includes("TCPServerWrap"));
    await expect(connect(address)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("when the local address is not ours", async () => {
    const { listener } = await listen();
    const localAddress = IpAddress.fromBytes(new Uint8Array([192, 0, 2, 1]));
    await expect(connect(listener.localAddress, { localAddress })).rejects.toMatchObject({
      code: "EADDRNOTAVAIL",
    });
  });

  test("when the other side accepts and says nothing to a TLS hello", async () => {
    const { listener } = await listen();
    const attempt = connect(listener.localAddress, { timeoutMs: 50, tls: { serverName: "localhost" } });
    await expect(attempt).rejects.toThrow(`no connection to ${listener.localAddress} within 50 ms`);
  });

  test("and a port that is taken cannot be listened on", async () => {
    const { listener } = await listen();
    const attempt = listenStream(
      { address: LOOPBACK, port: listener.localAddress.port },
      () => createEnd().handler,
    );
    await expect(attempt).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

test("the local address can be chosen", async () => {
  const localAddress = IpAddress.fromBytes(new Uint8Array([127, 0, 0, 2]));
  const { client, server } = await connectPair({}, { localAddress });
  expect(client.io.localAddress.ip.toString()).toBe("127.0.0.2");
  expect(server.io.remoteAddress.ip.toString()).toBe("127.0.0.2");
});

describe("TLS", () => {
  let identity: { certificate: string; privateKey: string };

  beforeAll(() => {
    identity = createIdentity();
  });

  test("a server whose certificate is trusted by `ca` is connected to, and bytes go both ways", async () => {
    const tls = { serverName: "localhost", ca: [identity.certificate] };
    const { client, server } = await connectPair({ tls: identity }, { tls });
    client.io.write(encoder.encode("secret"));
    await eventually(() => server.text === "secret");
    server.io.write(encoder.encode("answer"));
    await eventually(() => client.text === "answer");
    expect([client.isPlain, server.isPlain]).toEqual([true, true]);
    client.io.close();
    await eventually(() => client.isClosed && server.isClosed);
  });

  test("an address in the certificate is a name, too", async () => {
    const tls = { serverName: "127.0.0.1", ca: [identity.certificate] };
    await expect(connectPair({ tls: identity }, { tls })).resolves.toBeDefined();
  });

  test("a certificate that nobody vouches for is refused", async () => {
    const { listener, accepted } = await listen({ tls: identity });
    const attempt = connect(listener.localAddress, { tls: { serverName: "localhost" } });
    await expect(attempt).rejects.toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    expect(accepted.every((end) => end.received === 0)).toBe(true);
  });

  test.each(["example.org", "127.0.0.9"])(
    "a certificate for another name than %s is refused",
    async (serverName) => {
      const { listener } = await listen({ tls: identity });
      const attempt = connect(listener.localAddress, { tls: { serverName, ca: [identity.certificate] } });
      await expect(attempt).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    },
  );

  test("a client that talks something else harms nobody else", async () => {
    const { listener, accepted } = await listen({ tls: identity });
    const stray = await connect(listener.localAddress);
    stray.io.write(encoder.encode("GET / HTTP/1.0\r\n\r\n"));
    await eventually(() => stray.isClosed);
    expect(accepted).toEqual([]);
    await connect(listener.localAddress, { tls: { serverName: "localhost", ca: [identity.certificate] } });
    await eventually(() => accepted.length === 1);
  });
});

test("when all is closed, nothing of ours keeps the process alive", async () => {
  const { client, server, listener } = await connectPair();
  client.io.close();
  listener.close();
  await eventually(() => client.isClosed && server.isClosed);
  await eventually(() => {
    const ours = process.getActiveResourcesInfo().filter((name) => /TCP|TLS/.test(name));
    return ours.length === 0;
  });
});

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A self-signed certificate for localhost and 127.0.0.1. */
function createIdentity(): { certificate: string; privateKey: string } {
  const folder = mkdtempSync(join(tmpdir(), "naru-tls-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const request = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "1",
  ];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync("openssl", [...request, ...names, "-keyout", key, "-out", certificate], { stdio: "ignore" });
  const identity = { certificate: readFileSync(certificate, "utf8"), privateKey: readFileSync(key, "utf8") };
  rmSync(folder, { recursive: true });
  return identity;
}
