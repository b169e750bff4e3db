import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogFields, Logger } from "@naru/webrtc/sansio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { NaruConfigInput } from "../src/config/schema.ts";
import { createNaruServer, type NaruServer } from "../src/server.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Question {
  readonly path?: string;
  readonly method?: string;
  readonly secure?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

const logged: string[] = [];
const log: Logger = {
  error: (message, fields) => remember("error", message, fields),
  warn: (message, fields) => remember("warn", message, fields),
  info: (message, fields) => remember("info", message, fields),
  debug: () => undefined,
};

let server: NaruServer;
let appFolder: string;

beforeAll(async () => {
  appFolder = mkdtempSync(join(tmpdir(), "naru-app-"));
  mkdirSync(join(appFolder, "assets"));
  writeFileSync(join(appFolder, "index.html"), "<!doctype html><title>app</title>");
  writeFileSync(join(appFolder, "assets/index-Ab3dEf9h.js"), "export {};");
  writeFileSync(join(appFolder, "assets/index-Ab3dEf9h.js.br"), "compressed");
  writeFileSync(join(appFolder, "manifest.webmanifest"), "{}");
  writeFileSync(join(appFolder, "../secret.txt"), "secret");
  server = await start();
});

afterAll(async () => {
  await server.close();
});

describe("the application", () => {
  test("is served at the root and at every room, never from an old copy", async () => {
    for (const path of ["/", "/r/brave-otter-4821", "/r/%EB%82%98%EB%A3%A8", "/r/x?debug=1"]) {
      const { status, headers, text } = await ask({ path });
      expect([path, status, text]).toEqual([path, 200, "<!doctype html><title>app</title>"]);
      expect(headers["content-type"]).toBe("text/html; charset=utf-8");
      expect(headers["cache-control"]).toBe("no-cache");
    }
  });

  test("is not sent again when it has not changed", async () => {
    const first = await ask({ path: "/" });
    const etag = first.headers.etag ?? "";
    const second = await ask({ path: "/", headers: { "If-None-Match": etag } });
    expect([second.status, second.text]).toEqual([304, ""]);
  });

  test("has files that are kept for ever when their names change with their content", async () => {
    const hashed = await ask({ path: "/assets/index-Ab3dEf9h.js" });
    expect(hashed.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect(hashed.headers["content-type"]).toMatch(/^text\/javascript/);
    const plain = await ask({ path: "/manifest.webmanifest" });
    expect(plain.headers["cache-control"]).toBe("no-cache");
    expect(plain.headers["content-type"]).toMatch(/^application\/manifest\+json/);
  });

  test("is sent compressed to those who understand it", async () => {
    const { headers, text } = await ask({
      path: "/assets/index-Ab3dEf9h.js",
      headers: { "Accept-Encoding": "gzip, br" },
    });
    expect([headers["content-encoding"], text]).toEqual(["br", "compressed"]);
    expect(headers["content-type"]).toMatch(/^text\/javascript/);
  });

  test("may use nothing but this server", async () => {
    const { headers } = await ask({ path: "/r/x" });
    expect(headers["content-security-policy"]).toBe(
      [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "media-src 'self' blob: mediastream:",
        `connect-src 'self' ws://localhost:${server.port} wss://localhost:${server.port}`,
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ].join("; "),
    );
    expect(headers["permissions-policy"]).toContain(
      "camera=(self), microphone=(self), display-capture=(self)",
    );
    expect(headers["referrer-policy"]).toBe("no-referrer");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["cross-origin-opener-policy"]).toBe("same-origin");
    expect(headers["strict-transport-security"]).toBeUndefined();
  });

  test("is missed in words when it was not built", async () => {
    const bare = await start({}, undefined);
    try {
      const { status, text } = await ask({ path: "/" }, bare);
      expect([status, text]).toEqual(
        bare.hasApp ? [200, text] : [503, "The web application is not built. Run: npm run build\n"],
      );
    } finally {
      await bare.close();
    }
  });
});

describe("programs", () => {
  test("learn whether it lives and is ready, over http and https", async () => {
    for (const secure of [false, true]) {
      expect(await ask({ path: "/healthz", secure })).toMatchObject({ status: 200, text: '{"status":"ok"}' });
      expect(await ask({ path: "/readyz", secure })).toMatchObject({
        status: 200,
        text: '{"status":"ready"}',
      });
    }
  });

  test("learn what the application needs to know", async () => {
    const { text, headers } = await ask({ path: "/api/config" });
    expect(JSON.parse(text)).toEqual({
      version: "0.1.0",
      protocol: 1,
      tokenRequired: false,
      stunPort: server.port,
      limits: { participantsPerRoom: 4, messageBytes: 262_144 },
    });
    expect(headers["cache-control"]).toBe("no-store");
  });

  test("get the authority's certificate in the form that installs", async () => {
    const { headers } = await ask({ path: "/ca.crt" });
    expect(headers["content-type"]).toBe("application/x-x509-ca-cert");
    const der = await askBytes("/ca.crt");
    expect(new X509Certificate(der).raw).toEqual(new X509Certificate(server.certificate.authority ?? "").raw);
  });

  test("read metrics from this machine only, also when a proxy hides who asks", async () => {
    const { text } = await ask({ path: "/metrics" });
    for (const name of [
      "naru_rooms 0",
      'naru_stun_requests_total{outcome="answered"}',
      "process_cpu_seconds_total",
    ]) {
      expect(text).toContain(name);
    }
    for (const name of ["X-Forwarded-For", "X-Real-IP", "Via", "Forwarded"]) {
      const hidden = await ask({ path: "/metrics", headers: { [name]: "127.0.0.1" } });
      expect(hidden.status, name).toBe(403);
    }
    const proxied = await start({ trustedProxies: ["127.0.0.1"] });
    try {
      const unnamed = { "X-Forwarded-Proto": "https" };
      expect((await ask({ path: "/metrics", headers: unnamed }, proxied)).status).toBe(403);
    } finally {
      await proxied.close();
    }
    const strict = await start({ metrics: { allow: ["10.0.0.1"] }, trustedProxies: ["127.0.0.1"] });
    try {
      expect((await ask({ path: "/metrics" }, strict)).status).toBe(403);
      const forwarded = { "X-Forwarded-For": "6.6.6.6, 10.0.0.1" };
      expect((await ask({ path: "/metrics", headers: forwarded }, strict)).status).toBe(200);
      const forged = { "X-Forwarded-For": "10.0.0.1, 6.6.6.6" };
      expect((await ask({ path: "/metrics", headers: forged }, strict)).status).toBe(403);
    } finally {
      await strict.close();
    }
  });

  test("of other sites get nothing through a name of theirs that points here", async () => {
    const headers = { Host: `evil.example:${server.port}` };
    expect((await ask({ path: "/metrics", headers })).status).toBe(403);
    expect((await ask({ path: "/api/check-credentials", headers })).status).toBe(421);
  });

  test("on this machine learn how others reach it, those elsewhere do not", async () => {
    const everywhere = await start({ host: "0.0.0.0" });
    try {
      const here = JSON.parse((await ask({ path: "/api/config" }, everywhere)).text);
      if (everywhere.urls.network.length > 0) expect(here.networkUrl).toBe(everywhere.urls.network[0]);
      const headers = { "X-Forwarded-For": "10.0.0.1" };
      const away = JSON.parse((await ask({ path: "/api/config", headers }, everywhere)).text);
      expect(away.networkUrl).toBeUndefined();
    } finally {
      await everywhere.close();
    }
  });

  test("find no metrics where they are switched off", async () => {
    const silent = await start({ metrics: { enabled: false } });
    try {
      expect((await ask({ path: "/metrics" }, silent)).status).toBe(404);
    } finally {
      await silent.close();
    }
  });
});

describe("somebody who comes by plain http from another machine", () => {
  const elsewhere = { Host: "192.168.0.12:8443" };

  test("is led to the encrypted address of the same page", async () => {
    const { status, text, headers } = await ask({ path: "/r/brave-otter?x=1&y=2", headers: elsewhere });
    expect(status).toBe(200);
    expect(text).toContain('href="https://192.168.0.12:8443/r/brave-otter?x=1&amp;y=2"');
    expect(text.replaceAll("<wbr>", "")).toContain(server.certificate.fingerprint);
    expect(text).toContain('href="https://192.168.0.12:8443/ca.crt"');
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]{43}='/);
    expect(headers["cache-control"]).toBe("no-store");
  });

  test("reads it in Korean or English, with the buttons of the browser at hand", async () => {
    const korean = await ask({
      path: "/",
      headers: { ...elsewhere, "Accept-Language": "ko-KR,ko;q=0.9,en;q=0.8" },
    });
    expect(korean.text).toContain('<html lang="ko">');
    expect(korean.text).toContain("<h1>한 단계만 더</h1>");
    expect(korean.text).toContain("안전하게 계속하기");
    const firefox = await ask({
      path: "/",
      headers: {
        ...elsewhere,
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
      },
    });
    expect(firefox.text).toContain("<h1>One more step</h1>");
    expect(firefox.text).toContain("Accept the Risk and Continue");
    const iphone = await ask({
      path: "/",
      headers: {
        ...elsewhere,
        "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) CriOS/156.0",
      },
    });
    expect(iphone.text).toContain("visit this website");
  });

  test("cannot put anything of their own into the page", async () => {
    const path = "/r/%22%3E%3Cscript%3E?%22onload=%22x";
    const { text } = await ask({ path, headers: { ...elsewhere, "User-Agent": "<script>" } });
    expect(text).not.toMatch(/<script|"onload="/);
    for (const host of ['a"b', "1127.0.0.1", "a:99999", "a b", "-", ".."]) {
      expect([host, (await ask({ path: "/", headers: { Host: host } })).status]).toEqual([host, 400]);
    }
  });

  test("still reaches what programs need", async () => {
    for (const path of ["/healthz", "/readyz", "/api/config", "/ca.crt"]) {
      expect((await ask({ path, headers: elsewhere })).text, path).not.toContain("<html");
    }
  });

  test("gets the application at once when a trusted proxy speaks https for it", async () => {
    const behind = await start({ trustedProxies: ["127.0.0.1"], publicUrl: "https://meet.example.com" });
    try {
      const secure = {
        Host: "meet.example.com",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "203.0.113.9",
      };
      expect((await ask({ path: "/", headers: secure }, behind)).text).toContain("<title>app</title>");
      const plain = { ...secure, "X-Forwarded-Proto": "http" };
      const { text } = await ask({ path: "/r/x", headers: plain }, behind);
      expect(text).toContain('href="https://meet.example.com/r/x"');
      expect(text).not.toContain("/ca.crt");
      expect(text.replaceAll("<wbr>", "")).not.toContain(behind.certificate.fingerprint);
    } finally {
      await behind.close();
    }
  });

  test("is not believed to come by https when the proxy is not trusted", async () => {
    const { text } = await ask({ path: "/", headers: { ...elsewhere, "X-Forwarded-Proto": "https" } });
    expect(text).toContain("One more step");
  });

  test.each(["localhost", "127.0.0.1", "127.9.9.9:80", "[::1]:8443", "naru.localhost"])(
    "is a browser on this machine when it asks for %s",
    async (host) => {
      expect((await ask({ path: "/", headers: { Host: host } })).text).toContain("<title>app</title>");
    },
  );

  test.each(["localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost", "localhost.", "2130706433"])(
    "is not a browser on this machine when it asks for %s",
    async (host) => {
      expect((await ask({ path: "/", headers: { Host: host } })).text).toContain("One more step");
    },
  );
});

describe("hostile requests", () => {
  test.each([
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/assets/../../secret.txt",
    "/..%5csecret.txt",
    "//etc/passwd",
    "/assets/%00",
    "/.env",
    "/r/",
    "/r/a/b",
    "/api/unknown",
  ])("%s is not found", async (path) => {
    const { status, text } = await askRaw(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect([status, text.includes("secret")]).toEqual([404, false]);
  });

  test("other methods are refused, and their bodies are not read", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]) {
      const { status, headers } = await ask({ path: "/", method });
      expect([method, status, headers.allow]).toEqual([method, 405, "GET, HEAD"]);
    }
  });

  test("a query with the names of prototypes changes nothing", async () => {
    const path = "/api/config?__proto__[polluted]=1&constructor.prototype.polluted=1&__proto__=1";
    expect((await ask({ path })).status).toBe(200);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  test("a head that is too large is refused with 431", async () => {
    const { status } = await askRaw(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
    expect(status).toBe(431);
  });

  test("what is no HTTP is refused with 400", async () => {
    expect((await askRaw("GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n")).status).toBe(400);
    expect((await askRaw("GET / HTTP/9.9\r\n\r\n")).status).toBe(400);
    expect((await askRaw("GET / HTTP/1.1\r\n\r\n")).status).toBe(400);
  });

  test("an upgrade to something else, or somewhere else, is refused", async () => {
    const head = "GET /signal HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ";
    expect((await askRaw(`${head}h2c\r\n\r\n`)).status).toBe(400);
    expect((await askRaw(`${head.replace("/signal", "/other")}websocket\r\n\r\n`)).status).toBe(404);
  });

  test("no answer tells more than it should, and no hostile request is our error", async () => {
    const { headers, text } = await ask({ path: "/nowhere" });
    expect(headers["server"]).toBeUndefined();
    expect(headers["x-powered-by"]).toBeUndefined();
    expect(text).toBe("Not found\n");
    expect(logged.filter((line) => line.startsWith("error"))).toEqual([]);
  });
});

function expectedServers(place: string, hasTls: boolean): unknown {
  const turn = [`turn:${place}?transport=udp`, `turn:${place}?transport=tcp`];
  return [
    { urls: [`stun:${place}`] },
    {
      urls: hasTls ? [...turn, `turns:${place}?transport=tcp`] : turn,
      username: expect.stringMatching(/^\d{10}:[0-9a-f]{16}$/),
      credential: expect.stringMatching(/^[A-Za-z0-9+/]{27}=$/),
    },
  ];
}

describe("signaling", () => {
  test("is reached over ws and wss, and names the STUN and TURN servers under the host that was used", async () => {
    for (const url of [`ws://127.0.0.1:${server.port}/signal`, `wss://localhost:${server.port}/signal`]) {
      const joined = await joinRoom(url, { ca: server.certificate.authority });
      expect(joined).toMatchObject({
        type: "joined",
        iceServers: expectedServers(`${new URL(url).hostname}:${server.port}`, true),
      });
    }
  });

  test("takes pages of the public address through a proxy that changes the host", async () => {
    const behind = await start({ trustedProxies: ["127.0.0.1"], publicUrl: "https://meet.example.com" });
    try {
      const url = `ws://127.0.0.1:${behind.port}/signal`;
      expect(await joinRoom(url, { origin: "https://meet.example.com" })).toMatchObject({
        // The certificate is not for this name: TURN over TLS would fail.
        iceServers: expectedServers(`meet.example.com:${behind.port}`, false),
      });
      await expect(joinRoom(url, { origin: "https://evil.example" })).rejects.toThrow("403");
    } finally {
      await behind.close();
    }
  });

  test("takes pages of other sites only where they are named, and none that took this machine's address", async () => {
    const open = await start({ allowedOrigins: ["http://localhost:3000"] });
    try {
      const url = `ws://127.0.0.1:${open.port}/signal`;
      expect(await joinRoom(url, { origin: "http://localhost:3000" })).toMatchObject({ type: "joined" });
      expect(await joinRoom(url, { origin: `http://127.0.0.1:${open.port}` })).toMatchObject({
        type: "joined",
      });
      await expect(joinRoom(url, { origin: "http://localhost:3001" })).rejects.toThrow("403");
      const rebound = { origin: "http://evil.example", headers: { Host: "evil.example" } };
      await expect(joinRoom(url, rebound)).rejects.toThrow("404");
    } finally {
      await open.close();
    }
  });

  test("asks for a token where one is required", async () => {
    const closed = await start({ auth: { required: true } });
    try {
      expect(await joinRoom(`ws://127.0.0.1:${closed.port}/signal`, {})).toMatchObject({
        code: "TOKEN_INVALID",
      });
      expect(JSON.parse((await ask({ path: "/api/config" }, closed)).text)).toMatchObject({
        tokenRequired: true,
      });
    } finally {
      await closed.close();
    }
  });
});

function start(config: NaruConfigInput = {}, folder: string | undefined = appFolder): Promise<NaruServer> {
  const dataDir = join(mkdtempSync(join(tmpdir(), "naru-http-")), "data");
  return createNaruServer(
    { port: 0, host: "127.0.0.1", dataDir, ...config },
    folder === undefined ? { log } : { log, appFolder: folder },
  );
}

function ask(question: Question, target: NaruServer = server): Promise<Answer> {
  const { path = "/", method = "GET", secure = false, headers = {} } = question;
  const options = {
    host: "127.0.0.1",
    port: target.port,
    path,
    method,
    agent: false,
    headers: { Host: `localhost:${target.port}`, ...headers },
  };
  return new Promise((resolve, reject) => {
    const outgoing = secure
      ? httpsRequest({ ...options, ca: target.certificate.authority, servername: "localhost" })
      : httpRequest(options);
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    outgoing.end();
  });
}

async function askBytes(path: string): Promise<Uint8Array> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return new Uint8Array(await response.arrayBuffer());
}

function askRaw(bytes: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes));
    let text = "";
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no end of "${text}"`)));
    socket.on("data", (chunk) => (text += chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text }));
  });
}

function joinRoom(
  url: string,
  options: { ca?: string | undefined; origin?: string; headers?: Readonly<Record<string, string>> },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, "naru.v1", { family: 4, ...options });
    socket.on("error", reject);
    socket.on("open", () =>
      socket.send(JSON.stringify({ type: "join", version: 1, room: "test", name: "Mina" })),
    );
    socket.on("message", (data) => {
      resolve(JSON.parse(String(data)));
      socket.close();
    });
  });
}

function remember(level: string, message: string, fields: LogFields = {}): void {
  logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
}
