import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Chance } from "../fuzz/mutate.ts";
import { Bystanders, MAX_LATENCY_MS } from "../support/bystanders.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { eventually, TestServer } from "../support/server.ts";

/** The server gives a connection 10 s to say what it wants, and looks every 2 s. */
const PATIENCE_MS = 16_000;

let server: TestServer;
let bystanders: Bystanders;

beforeAll(async () => {
  server = await TestServer.start({ flags: { "limits.connections": 4_096 } });
  bystanders = await Bystanders.join(server);
});

afterAll(async () => {
  bystanders?.leave();
  await server?.close();
});

afterEach(async () => {
  await bystanders.expectUntouched();
});

/** Sends bytes on a new connection and returns what came back until it was closed or fell silent. */
async function exchange(bytes: string | Uint8Array, silenceMs = 400): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port);
  connection.send(bytes);
  let seen = -1;
  while (!connection.isClosed && seen !== connection.text.length) {
    seen = connection.text.length;
    await connection.waitForClose(silenceMs);
  }
  return connection;
}

function statusesOf(text: string): number[] {
  return [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => Number(match[1]));
}

describe("no path leads out of the application's folder", () => {
  const paths = [
    "/../../../../../../etc/passwd",
    "/../package.json",
    "/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/..%5c..%5c..%5cetc%5cpasswd",
    "/....//....//....//etc/passwd",
    "//etc/passwd",
    "/assets/../../package.json",
    "/assets/%2e%2e%2f%2e%2e%2fpackage.json",
    "/assets/..%c0%af..%c0%afpackage.json",
    "/%00/etc/passwd",
    "/index.html%00.png",
    "/file:///etc/passwd",
    "http://localhost/../../etc/passwd",
    "/r/../../../package.json",
    "/.git/config",
    "/%zz",
    `/${"a/".repeat(4_000)}`,
    `/${"%2e%2e%2f".repeat(1_000)}etc/passwd`,
  ];
  test.each(paths.map((path) => [path.length > 80 ? `${path.slice(0, 80)}…` : path, path]))(
    "%s",
    async (_name, path) => {
      const { text } = await exchange(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      expect(statusesOf(text).length).toBe(1);
      expect(text).not.toMatch(/root:.*:0:0:|"workspaces"|"dependencies"|PRIVATE KEY|\[core\]/);
    },
  );

  test("no secret of the data folder is served", async () => {
    for (const name of ["ca.key", "tls.key", "data/ca.key", "secrets.json", "data/secrets.json"]) {
      const { text } = await exchange(
        `GET /${name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect(statusesOf(text)).toEqual([404]);
    }
  });
});

describe("requests that two servers would read differently are refused, and the connection closed", () => {
  const head = "POST / HTTP/1.1\r\nHost: localhost\r\n";
  const hidden = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const requests: Readonly<Record<string, string>> = {
    "both lengths": `${head}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    "two different lengths": `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello${hidden}`,
    "a length with a sign": `${head}Content-Length: +5\r\n\r\nhello${hidden}`,
    "a length in hexadecimal": `${head}Content-Length: 0x5\r\n\r\nhello${hidden}`,
    "a negative length": `${head}Content-Length: -1\r\n\r\n${hidden}`,
    "an encoding spelled oddly": `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`,
    "chunked, then something else": `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`,
    "a space before the colon": `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`,
    "a folded header": `${head}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${hidden}`,
    "a chunk size that is none": `${head}Transfer-Encoding: chunked\r\n\r\n5z\r\nhello\r\n0\r\n\r\n${hidden}`,
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "a null byte in a header": "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\u0000b\r\n\r\n",
  };
  test.each(Object.entries(requests))("%s", async (_name, bytes) => {
    const connection = await exchange(bytes);
    const statuses = statusesOf(connection.text);
    expect(statuses.length).toBeLessThanOrEqual(1);
    expect(statuses[0] ?? 400).toBeGreaterThanOrEqual(400);
    expect(connection.text).not.toContain('"status":"ok"');
    expect(await connection.waitForClose(PATIENCE_MS)).toBe(true);
  });

  test("a host that is none leads nowhere", async () => {
    for (const host of [
      "evil.example/path",
      "a b",
      "<script>",
      `${"a".repeat(300)}.example`,
      "@",
      "[::1",
      "host:99999999",
    ]) {
      const { text } = await exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(statusesOf(text)[0]).toBeGreaterThanOrEqual(400);
      expect(text).not.toContain("<script>");
    }
  });
});

describe("what is too large is refused", () => {
  test("a request line of a megabyte", async () => {
    const connection = await exchange(`GET /${"a".repeat(1 << 20)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(statusesOf(connection.text)[0] ?? 431).toBeGreaterThanOrEqual(400);
    expect(await connection.waitForClose(PATIENCE_MS)).toBe(true);
  });

  test("headers of a megabyte, and ten thousand headers", async () => {
    const one = `X-Long: ${"a".repeat(1 << 20)}\r\n`;
    const many = Array.from({ length: 10_000 }, (_, i) => `X-${i}: ${i}\r\n`).join("");
    for (const headers of [one, many]) {
      const connection = await exchange(`GET / HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
      expect(statusesOf(connection.text)[0] ?? 431).toBeGreaterThanOrEqual(400);
      expect(await connection.waitForClose(PATIENCE_MS)).toBe(true);
    }
  });

  test("a body nobody asked for is not kept", async () => {
    const connection = await RawConnection.open(server.port);
    connection.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n");
    // The answer first: the server closes without reading on, and a reset overtakes what was not read yet.
    expect(statusesOf(await connection.waitForText(/HTTP\/1\.1/, 5_000))[0]).toBe(405);
    const before = server.residentBytes;
    for (let i = 0; i < 64; i++) connection.send(new Uint8Array(1 << 20));
    expect(await connection.waitForClose(PATIENCE_MS)).toBe(true);
    expect(server.residentBytes - before).toBeLessThan(32 << 20);
  });

  test("ten thousand pipelined requests are answered without holding up others", async () => {
    const connection = await RawConnection.open(server.port);
    connection.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(10_000));
    const latencies = await bystanders.latencies(50);
    expect(latencies[25]).toBeLessThan(MAX_LATENCY_MS);
    connection.destroy();
  });
});

describe("connections that hold on to the server are let go", () => {
  test("three hundred slow requests block nobody and end in time", async () => {
    const slow = await Promise.all(Array.from({ length: 300 }, () => RawConnection.open(server.port)));
    for (const connection of slow) connection.send("GET / HTTP/1.1\r\nHost: localhost\r\n");
    const drip = setInterval(() => {
      for (const connection of slow) connection.send("X-A: b\r\n");
    }, 1_000);
    try {
      const latencies = await bystanders.latencies(50);
      expect(latencies[45]).toBeLessThan(MAX_LATENCY_MS);
      const response = await fetch(`${server.url}/healthz`);
      expect(response.status).toBe(200);
      await eventually(
        "all slow connections to be closed",
        () => slow.every(({ isClosed }) => isClosed),
        PATIENCE_MS,
      );
    } finally {
      clearInterval(drip);
      for (const connection of slow) connection.destroy();
    }
  });

  test("a thousand silent connections do not shut out those who speak, and end in time", async () => {
    const silent = await Promise.all(Array.from({ length: 1_000 }, () => RawConnection.open(server.port)));
    try {
      const response = await fetch(`${server.url}/healthz`);
      expect(response.status).toBe(200);
      await eventually(
        "all silent connections to be closed",
        () => silent.every(({ isClosed }) => isClosed),
        PATIENCE_MS,
      );
    } finally {
      for (const connection of silent) connection.destroy();
    }
  });

  test("an answer that nobody reads does not stay in memory", async () => {
    const requests = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2_000);
    const deaf = await Promise.all(Array.from({ length: 20 }, () => RawConnection.open(server.port)));
    for (const connection of deaf) {
      connection.pause();
      connection.send(requests);
    }
    const latencies = await bystanders.latencies(50);
    expect(latencies[25]).toBeLessThan(MAX_LATENCY_MS);
    await bystanders.expectUntouched();
    for (const connection of deaf) connection.destroy();
  });
});

describe("what is no HTTP ends its own connection only", () => {
  const garbage: Readonly<Record<string, Uint8Array>> = {
    "one null byte": new Uint8Array(1),
    "SSL 2": Uint8Array.of(0x80, 0x2e, 0x01, 0x00, 0x02),
    "HTTP/2 without TLS": new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a TLS record that is too long": Uint8Array.of(0x16, 3, 1, 0xff, 0xff, 1, 0, 0, 0),
    "a ClientHello of nothing": Uint8Array.of(0x16, 3, 1, 0, 4, 1, 0, 0, 0),
    "a TLS alert in place of a ClientHello": Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40),
    "a handshake in TLS 1.0": Uint8Array.of(
      0x16,
      3,
      1,
      0,
      45,
      1,
      0,
      0,
      41,
      3,
      1,
      ...new Array(32).fill(7),
      0,
      0,
      2,
      0,
      5,
      1,
      0,
    ),
    "a STUN request": Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Array(12).fill(1)),
    SSH: new TextEncoder().encode("ssh-2.0-garbage\r\n"),
  };
  test.each(Object.entries(garbage))("%s", async (_name, bytes) => {
    const connection = await exchange(bytes);
    expect(statusesOf(connection.text)[0] ?? 400).toBe(400);
    expect(await connection.waitForClose(PATIENCE_MS)).toBe(true);
  });

  test("five hundred connections of random bytes", async () => {
    const chance = new Chance(7);
    const all = await Promise.all(
      Array.from({ length: 500 }, async () => {
        const connection = await RawConnection.open(server.port);
        const bytes = Uint8Array.from({ length: 1 + chance.below(600) }, () => chance.below(256));
        if (chance.below(2) === 0) bytes[0] = 0x16;
        connection.send(bytes);
        if (chance.below(2) === 0) connection.end();
        return connection;
      }),
    );
    await eventually("all to be closed", () => all.every(({ isClosed }) => isClosed), PATIENCE_MS);
  });

  test("a hundred handshakes given up in the middle, beside one that works", async () => {
    const half = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const connection = await RawConnection.open(server.port);
        connection.send(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3));
        return connection;
      }),
    );
    const body = await new Promise<string>((resolve, reject) => {
      const socket = connectTls({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
        socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      });
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk.toString();
      });
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
    });
    expect(body).toContain('"status":"ok"');
    await eventually(
      "the half handshakes to be closed",
      () => half.every(({ isClosed }) => isClosed),
      PATIENCE_MS,
    );
  });
});

describe("WebSocket frames that break the rules end their own connection", () => {
  const upgrade =
    "GET /signal HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: naru.v1\r\n\r\n";
  const frames: Readonly<Record<string, Uint8Array>> = {
    "not masked": Uint8Array.of(0x81, 0x02, 0x7b, 0x7d),
    "reserved bits": Uint8Array.of(0xf1, 0x80, 0, 0, 0, 0),
    "an unknown operation": Uint8Array.of(0x83, 0x80, 0, 0, 0, 0),
    "a continuation of nothing": Uint8Array.of(0x80, 0x80, 0, 0, 0, 0),
    "a fragmented ping": Uint8Array.of(0x09, 0x80, 0, 0, 0, 0),
    "a ping of 200 bytes": Uint8Array.of(0x89, 0xfe, 0, 200, 0, 0, 0, 0),
    "a length of 2^63": Uint8Array.of(0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "a length of 2^40": Uint8Array.of(0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "text that is no UTF-8": Uint8Array.of(0x81, 0x84, 0, 0, 0, 0, 0xff, 0xfe, 0xc0, 0x80),
    "a close frame of one byte": Uint8Array.of(0x88, 0x81, 0, 0, 0, 0, 0x03),
    "half a frame": Uint8Array.of(0x81, 0xfe, 0x7f),
  };
  test.each(Object.entries(frames))("%s", async (_name, bytes) => {
    const connection = await RawConnection.open(server.port);
    connection.send(upgrade);
    expect(statusesOf(await connection.waitForText(/\r\n\r\n/, 5_000))).toEqual([101]);
    connection.send(bytes);
    // Half a frame is silence, which the heartbeat ends.
    expect(await connection.waitForClose(PATIENCE_MS)).toBe(true);
  });

  test("fragments without end", async () => {
    const connection = await RawConnection.open(server.port);
    connection.send(upgrade);
    await connection.waitForText(/\r\n\r\n/, 5_000);
    connection.send(Uint8Array.of(0x01, 0x81, 0, 0, 0, 0, 0x7b));
    const fragment = Uint8Array.of(0x00, 0x81, 0, 0, 0, 0, 0x20);
    for (let i = 0; i < 400_000 / 100 && !connection.isClosed; i++) {
      connection.send(Uint8Array.from({ length: 700 }, (_, index) => fragment[index % 7] ?? 0));
    }
    expect(await connection.waitForClose(PATIENCE_MS)).toBe(true);
  });

  test("an upgrade elsewhere, to something else, or from another site's page is refused", async () => {
    const variants = [
      upgrade.replace("/signal", "/elsewhere"),
      upgrade.replace("Upgrade: websocket", "Upgrade: h2c"),
      upgrade.replace("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 1"),
      upgrade.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"),
      upgrade.replace("Host: localhost", "Host: localhost\r\nOrigin: https://evil.example"),
    ];
    for (const request of variants) {
      const { text } = await exchange(request);
      expect(statusesOf(text)[0], request).toBeGreaterThanOrEqual(400);
    }
  });
});

test("the server's answers give nothing away", async () => {
  const { text } = await exchange("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  expect(text).not.toMatch(/^(Server|X-Powered-By):/im);
  expect(text).toMatch(/^X-Content-Type-Options: nosniff/im);
  expect(text).toMatch(/^Content-Security-Policy: /im);
});
