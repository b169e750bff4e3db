import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { connect as connectTls, TLSSocket } from "node:tls";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { HttpServer } from "../src/http/http-server.ts";
import { DataDirectory } from "../src/life/data-directory.ts";
import { Port, type TlsIdentity } from "../src/port/port.ts";
import { localIdentity } from "../src/tls/local-certificates.ts";

const WAITING_MS = 400;
const MAX_WAITING = 8;

let identity: TlsIdentity;
let ca: string;
let port: Port;
let http: HttpServer;
let webSockets: WebSocketServer;
let number: number;
let unlimited: string[];

beforeAll(async () => {
  const data = DataDirectory.open(mkdtempSync(join(tmpdir(), "naru-port-")));
  const local = await localIdentity(data, { addresses: [], hostname: undefined }, new Date(), SILENT_LOGGER);
  identity = local.issued;
  ca = local.authority.certificate;
});

beforeEach(async () => {
  unlimited = [];
  webSockets = new WebSocketServer({ noServer: true });
  http = new HttpServer({
    onRequest: (request, response) => {
      const scheme = request.socket instanceof TLSSocket ? "https" : "http";
      // Later, so that a client which has closed its side by then is noticed if that were a mistake.
      setTimeout(() => response.end(`${scheme} ${request.method} ${request.url}`), 20);
    },
    onUpgrade: (request, socket, head) => {
      webSockets.handleUpgrade(request, socket, head, (ws) =>
        ws.on("message", (data) => ws.send(`${data}!`)),
      );
      return true;
    },
  });
  port = new Port({
    identity,
    onHttp: (connection) => http.handleConnection(connection),
    onStun: (connection) => {
      connection.once("data", (bytes: Buffer) => connection.write(`stun ${bytes.toString("hex")}`));
      connection.resume();
    },
    maxConnections: 100,
    maxConnectionsPerAddress: 20,
    isUnlimited: (address) => unlimited.includes(address),
    maxWaiting: MAX_WAITING,
    waitingTimeoutMs: WAITING_MS,
  });
  number = await port.listen("127.0.0.1", 0);
});

afterEach(() => {
  webSockets.close();
  http.close();
  port.close();
});

describe("one port", () => {
  test("answers HTTP and HTTPS under the same number", async () => {
    expect(await get(httpRequest({ port: number, path: "/a" }))).toBe("http GET /a");
    expect(await get(httpsRequest({ port: number, path: "/b", ca, servername: "localhost" }))).toBe(
      "https GET /b",
    );
  });

  test("keeps a connection for the next request, plain and encrypted", async () => {
    for (const socket of [await plain(), await encrypted()]) {
      const reader = new Reader(socket);
      socket.write("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
      await reader.until("GET /1");
      socket.write("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
      await reader.until("GET /2");
      socket.destroy();
    }
  });

  test("hands connections over that begin with STUN, plain and encrypted, and ends them with their client", async () => {
    for (const socket of [await plain(), await encrypted()]) {
      const reader = new Reader(socket);
      socket.write(Buffer.from("000300002112a442", "hex"));
      await reader.until("stun 000300002112a442");
      const closed = once(socket, "close");
      socket.end();
      await closed;
    }
  });

  test("speaks TLS with clients of TURN that say so (ALPN), and with those that say nothing", async () => {
    for (const ALPNProtocols of [["stun.turn"], []]) {
      const socket = connectTls({
        port: number,
        host: "127.0.0.1",
        ca,
        servername: "localhost",
        ALPNProtocols,
      });
      await once(socket, "secureConnect");
      const reader = new Reader(socket);
      socket.write(Buffer.from("0001", "hex"));
      await reader.until("stun 0001");
      socket.destroy();
    }
  });

  test("carries WebSockets, plain and encrypted", async () => {
    for (const url of [`ws://127.0.0.1:${number}/signal`, `wss://localhost:${number}/signal`]) {
      const client = new WebSocket(url, { ca, family: 4 });
      await once(client, "open");
      client.send("hello");
      const [answer] = await once(client, "message");
      expect(String(answer)).toBe("hello!");
      client.close();
      await once(client, "close");
    }
  });

  test("understands a request that comes byte by byte", async () => {
    const socket = await plain();
    const reader = new Reader(socket);
    for (const letter of "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n") {
      socket.write(letter);
      await pause(2);
    }
    await reader.until("http GET /slow");
    socket.destroy();
  });

  test("understands a TLS handshake that comes byte by byte", async () => {
    const raw = await plain();
    const secure = connectTls({ socket: byteByByte(raw), ca, servername: "localhost" });
    await once(secure, "secureConnect");
    secure.write("GET /trickle HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await new Reader(secure).until("https GET /trickle");
    raw.destroy();
  });

  test("answers a client that closes its side after the request", async () => {
    const socket = await plain({ allowHalfOpen: true });
    const reader = new Reader(socket);
    socket.end("GET /half HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await reader.until("http GET /half");
    await ended(socket);
  });

  test("drops a client that closes its side without a word", async () => {
    const socket = await plain({ allowHalfOpen: true });
    socket.end();
    await ended(socket);
    expect(port.stats).toMatchObject({ waiting: 0, expired: 0 });
  });

  test("drops what is no known protocol, plain and inside TLS", async () => {
    const socket = await plain();
    socket.write(Uint8Array.of(0xff, 0xfe, 0x00));
    await ended(socket);
    const secure = await encrypted();
    secure.write(Uint8Array.of(0x04, 0x01));
    await ended(secure);
    expect(port.stats.unknown).toBe(2);
  });

  test("drops a broken TLS handshake and goes on", async () => {
    const socket = await plain();
    socket.write(Uint8Array.of(0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5));
    await ended(socket);
    expect(port.stats.tlsFailures).toBe(1);
    expect(await get(httpRequest({ port: number, path: "/after" }))).toBe("http GET /after");
  });

  test("drops a silent client after a while, before and after the TLS handshake", async () => {
    const started = performance.now();
    const silent = await plain();
    const halfway = await plain();
    halfway.write(Uint8Array.of(0x16, 0x03));
    const secure = await encrypted();
    await Promise.all([ended(silent), ended(halfway), ended(secure)]);
    const elapsedMs = performance.now() - started;
    expect(elapsedMs).toBeGreaterThan(WAITING_MS - 50);
    expect(elapsedMs).toBeLessThan(10_000);
    expect(port.stats).toMatchObject({ waiting: 0, expired: 3 });
  });

  test("leaves a connection alone once it has spoken", async () => {
    const socket = await encrypted();
    const reader = new Reader(socket);
    socket.write("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    await reader.until("GET /1");
    await pause(WAITING_MS * 1.5);
    socket.write("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    await reader.until("GET /2");
    socket.destroy();
  });

  test("lets many silent clients push out each other, but not one that speaks", async () => {
    const silent: Socket[] = [];
    for (let i = 0; i < MAX_WAITING * 2; i++) silent.push(await plain());
    expect(await get(httpRequest({ port: number, path: "/still" }))).toBe("http GET /still");
    expect(port.stats.waiting).toBeLessThanOrEqual(MAX_WAITING);
    expect(port.stats.evicted).toBeGreaterThanOrEqual(MAX_WAITING);
    for (const socket of silent) socket.destroy();
  });

  test("gives one address no more than its share, unless it brings everybody's connections", async () => {
    const busy: Socket[] = [];
    const speak = async (): Promise<void> => {
      const socket = await plain();
      const reader = new Reader(socket);
      socket.write("GET /busy HTTP/1.1\r\nHost: x\r\n\r\n");
      await reader.until("GET /busy");
      busy.push(socket);
    };
    for (let i = 0; i < 20; i++) await speak();
    await ended(await plain());
    expect(port.stats).toMatchObject({ open: 20, overLimit: 1 });
    unlimited = ["127.0.0.1"];
    await speak();
    unlimited = [];
    for (const socket of busy) socket.destroy();
    await pause(50);
    expect(await get(httpRequest({ port: number, path: "/again" }))).toBe("http GET /again");
  });

  test("survives clients that reset at every stage", async () => {
    for (const bytes of [[], [0x16], [0x16, 3, 1, 2, 0], [0x47], [0x47, 0x45, 0x54, 0x20, 0x2f]]) {
      const socket = await plain();
      if (bytes.length > 0) socket.write(Uint8Array.from(bytes));
      await pause(10);
      socket.resetAndDestroy();
    }
    const secure = await encrypted();
    secure.write("GET / HT");
    await pause(10);
    secure.destroy();
    await pause(50);
    expect(await get(httpRequest({ port: number, path: "/alive" }))).toBe("http GET /alive");
    expect(port.stats.open).toBeLessThanOrEqual(1);
  });

  test("serves a new certificate to new connections", async () => {
    const before = (await encrypted()).getPeerX509Certificate()?.fingerprint256;
    const data = DataDirectory.open(mkdtempSync(join(tmpdir(), "naru-port-")));
    const other = await localIdentity(
      data,
      { addresses: [], hostname: undefined },
      new Date(),
      SILENT_LOGGER,
    );
    port.setIdentity(other.issued);
    ca = other.authority.certificate;
    const after = (await encrypted()).getPeerX509Certificate()?.fingerprint256;
    expect(after).not.toBe(before);
    identity = other.issued;
  });
});

async function plain(options: { allowHalfOpen?: boolean } = {}): Promise<Socket> {
  const socket = connectTcp({ port: number, host: "127.0.0.1", ...options });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

async function encrypted(): Promise<TLSSocket> {
  const socket = connectTls({ port: number, host: "127.0.0.1", ca, servername: "localhost" });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  return socket;
}

/** The same connection, with every byte in a segment of its own. */
function byteByByte(socket: Socket): Duplex {
  socket.setNoDelay(true);
  const trickling = new Duplex({
    read: () => undefined,
    write(bytes: Uint8Array, _encoding, done) {
      const trickle = async (): Promise<void> => {
        for (const byte of bytes) {
          socket.write(Uint8Array.of(byte));
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      void trickle().then(() => done(), done);
    },
  });
  socket.on("data", (chunk) => trickling.push(chunk));
  socket.on("end", () => trickling.push(null));
  return trickling;
}

class Reader {
  #text = "";
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", (chunk) => {
      this.#text += String(chunk);
    });
  }

  /** Waits for a text, and forgets everything up to it. */
  async until(text: string): Promise<void> {
    while (!this.#text.includes(text)) {
      if (this.#stream.destroyed) throw new Error(`the connection ended after "${this.#text}"`);
      await Promise.race([once(this.#stream, "data"), once(this.#stream, "close")]);
    }
    this.#text = this.#text.slice(this.#text.indexOf(text) + text.length);
  }
}

async function get(request: ReturnType<typeof httpRequest>): Promise<string> {
  request.end();
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return text;
}

/** Waits for the end, by whichever way it comes: a farewell or a reset. */
async function ended(socket: Duplex): Promise<void> {
  socket.resume();
  if (!socket.readableEnded && !socket.destroyed) {
    await new Promise((resolve) => {
      socket.once("end", resolve);
      socket.once("close", resolve);
    });
  }
  socket.destroy();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
