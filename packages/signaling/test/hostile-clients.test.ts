import { connect } from "node:net";
import { SignJWT } from "jose";
import { afterEach, describe, expect, it } from "vitest";
import { createJoinToken, type SignalingServerOptions } from "../src/index.ts";
import { MAX_MESSAGE_BYTES } from "../src/protocol/index.ts";
import { join, knock, reset, resume, startServer, TestClient, type TestServer } from "./harness.ts";

let server: TestServer;

afterEach(() => server.close());

async function start(options: SignalingServerOptions = {}): Promise<void> {
  server = await startServer(options);
}

async function codeAfter(client: TestClient): Promise<string> {
  const { error, closed } = await client.refusal();
  expect(error).toMatchObject({ code: closed.reason, fatal: true });
  expect(closed.code).toBe(closed.reason === "HEARTBEAT_TIMEOUT" ? 4001 : 4000);
  return closed.reason;
}

const JOIN = { type: "join", version: 1, room: "r", name: "n" } as const;

describe("a hostile message ends its own connection with a reason, and nothing else", () => {
  const deep = `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`;
  const cases: readonly (readonly [string, string | Uint8Array, string])[] = [
    ["text that is no JSON", "hello", "BAD_MESSAGE"],
    ["nothing", "", "BAD_MESSAGE"],
    ["deep nesting", deep, "BAD_MESSAGE"],
    ["a binary message", new Uint8Array([1, 2, 3]), "BAD_MESSAGE"],
    ["a message that is too large", "x".repeat(MAX_MESSAGE_BYTES + 1), "MESSAGE_TOO_LARGE"],
    ["an early signal", '{"type":"signal","to":"x","signal":{"kind":"reset","reason":""}}', "BAD_STATE"],
    ["another version", JSON.stringify({ ...JOIN, version: 2 }), "VERSION_UNSUPPORTED"],
    ["a name with an override", JSON.stringify({ ...JOIN, name: "a\u202eb" }), "NAME_INVALID"],
    ["an unknown session", '{"type":"resume","version":1,"session":"x.y","received":0}', "SESSION_UNKNOWN"],
  ];
  it.each(cases)("%s", async (_name, message, code) => {
    await start();
    const [bystander] = await join(server.url);
    const client = await new TestClient(server.url).opened();
    client.raw(message);
    expect(await codeAfter(client)).toBe(code);
    bystander.send({ type: "ping" });
    await bystander.next("pong");
    expect(bystander.messages).toEqual([]);
    expect(server.signaling.stats().refusals.get("BAD_MESSAGE") ?? 0).toBe(code === "BAD_MESSAGE" ? 1 : 0);
  });

  it("a signal so large that it would be too large with what the server adds", async () => {
    await start();
    const [receiver, { self }] = await join(server.url);
    const [client] = await join(server.url);
    const message = (sdp: string): string =>
      JSON.stringify({
        type: "signal",
        to: self,
        signal: { kind: "description", description: { type: "offer", sdp } },
      });
    // Six bytes each as JSON.
    const controls = "\u0001".repeat(43_000);
    const room = MAX_MESSAGE_BYTES - 1_024 - message(controls).length;
    client.raw(message(controls + "x".repeat(room)));
    const passedOn = await receiver.next("signal");
    expect(JSON.stringify(passedOn).length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    client.raw(message(controls + "x".repeat(room + 1)));
    expect(await codeAfter(client)).toBe("MESSAGE_TOO_LARGE");
  });

  it("a frame far above the limit is refused by its header alone", async () => {
    await start();
    const client = await new TestClient(server.url).opened();
    client.raw("x".repeat(8 * MAX_MESSAGE_BYTES));
    expect((await client.closed()).code).toBe(1009);
  });

  it("text that is not UTF-8 is refused by the WebSocket layer", async () => {
    await start();
    const client = await new TestClient(server.url).opened();
    client.socket.send(Buffer.from([0xc3, 0x28]), { binary: false });
    expect((await client.closed()).code).toBe(1007);
  });

  it("a second join ends the session", async () => {
    await start();
    const [client] = await join(server.url);
    client.send(JOIN);
    expect(await codeAfter(client)).toBe("BAD_STATE");
    expect(server.signaling.stats().participants).toBe(0);
  });

  it("an unknown type is ignored, and its number counted", async () => {
    await start();
    const [client] = await join(server.url);
    client.raw('{"type":"dance","seq":1}');
    client.send({ type: "state", state: {}, seq: 2 });
    expect(await client.next("ack", ({ ack }) => ack === 2)).toBeDefined();
  });
});

describe("nobody can act for somebody else", () => {
  it("whatever a message claims, the server says who sent it", async () => {
    await start();
    const [alice, inAlice] = await join(server.url, { name: "alice" });
    const [bob, inBob] = await join(server.url, { name: "bob" });
    const [, inOther] = await join(server.url, { room: "other", name: "carol" });
    bob.raw(
      JSON.stringify({
        type: "signal",
        from: inAlice.self,
        room: "other",
        seq: 1,
        to: inAlice.self,
        signal: reset("me"),
      }),
    );
    expect(await alice.next("signal")).toMatchObject({ from: inBob.self });
    bob.raw(JSON.stringify({ type: "signal", room: "other", seq: 2, to: inOther.self, signal: reset("x") }));
    expect((await bob.next("error")).code).toBe("NO_SUCH_PARTICIPANT");
  });

  it("a session moves to who has the secret, and the older connection hears of it", async () => {
    await start();
    const [older, joined] = await join(server.url);
    const newer = await resume(server.url, joined.session);
    await newer.next("joined");
    expect(await codeAfter(older)).toBe("REPLACED");
    expect(server.signaling.stats()).toMatchObject({ participants: 1, connections: 1 });
  });

  it("who was removed stays out", async () => {
    await start();
    const [host] = await join(server.url);
    const [guest, joined] = await join(server.url);
    host.sendReliable({ type: "moderate", action: "remove", target: joined.self });
    expect(await codeAfter(guest)).toBe("REMOVED");
    expect(await codeAfter(await resume(server.url, joined.session))).toBe("REMOVED");
  });
});

describe("join tokens", () => {
  const secret = "a secret for tests with more than 32 bytes";

  it("open their room only; a removed subject stays out; nothing bad gets in", async () => {
    await start({ tokens: { secret } });
    const good = await createJoinToken(secret, { room: "r", name: "Mina", role: "host" });
    const [host, joined] = await join(server.url, { token: good, name: "somebody else" });
    expect(joined.participants).toMatchObject([{ name: "Mina", role: "host" }]);
    const key = new TextEncoder().encode(secret);
    const exp = Math.floor(Date.now() / 1_000) + 60;
    const sign = (claims: Record<string, unknown>): Promise<string> =>
      new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(key);
    const bad = {
      none: undefined,
      "alg none": `${btoa('{"alg":"none"}')}.${btoa(`{"room":"r","exp":${exp}}`)}.`.replaceAll("=", ""),
      "another room": await createJoinToken(secret, { room: "q" }),
      forged: await createJoinToken(`${secret}!`, { room: "r" }),
      expired: await sign({ room: "r", exp: exp - 120 }),
      early: await sign({ room: "r", exp, nbf: exp - 10 }),
      endless: await sign({ room: "r" }),
    };
    for (const [what, token] of Object.entries(bad)) {
      const client = await knock(server.url, token === undefined ? {} : { token });
      expect([what, await codeAfter(client)]).toEqual([what, "TOKEN_INVALID"]);
    }
    const guestToken = await createJoinToken(secret, { room: "r", subject: "user 7" });
    const [, guest] = await join(server.url, { token: guestToken });
    host.sendReliable({ type: "moderate", action: "remove", target: guest.self });
    await host.next("participantLeft");
    expect(await codeAfter(await knock(server.url, { token: guestToken }))).toBe("REMOVED");
  });

  it("may be left out where they are optional, but never be false", async () => {
    await start({ tokens: { secret, isRequired: false } });
    await join(server.url);
    expect(await codeAfter(await knock(server.url, { token: "a.b.c" }))).toBe("TOKEN_INVALID");
  });
});

describe("limits", () => {
  it("on messages close who exceeds them, and leave others quick", async () => {
    await start();
    const [bystander] = await join(server.url, { room: "quiet" });
    const [flooder] = await join(server.url, { room: "loud" });
    const latencies: number[] = [];
    const flood = (async (): Promise<void> => {
      for (let i = 0; i < 20_000 && flooder.socket.readyState === flooder.socket.OPEN; i++) {
        flooder.sendReliable({ type: "state", state: { hand: i % 2 === 0 } });
        if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let i = 0; i < 50; i++) {
      const startedAt = performance.now();
      bystander.send({ type: "ping" });
      await bystander.next("pong");
      latencies.push(performance.now() - startedAt);
    }
    await flood;
    expect(await codeAfter(flooder)).toBe("RATE_LIMITED");
    latencies.sort((a, b) => a - b);
    expect(latencies[47]).toBeLessThan(50);
  });

  it("on bytes count too", async () => {
    await start({ limits: { bytes: { perSecond: 1_000, burst: 100_000 } } });
    const [client] = await join(server.url);
    const sdp = "x".repeat(60_000);
    for (let seq = 1; seq <= 2; seq++) {
      client.send({
        type: "signal",
        seq,
        to: "x",
        signal: { kind: "description", description: { type: "offer", sdp } },
      });
    }
    expect(await codeAfter(client)).toBe("RATE_LIMITED");
  });

  it("on rooms, participants, joins and connections each have their answer", async () => {
    await start({
      limits: {
        maxRooms: 2,
        maxParticipantsPerRoom: 1,
        attempts: { perSecond: 0.001, burst: 4 },
        maxConnectionsPerAddress: 3,
      },
    });
    const [kept] = await join(server.url, { room: "a" });
    expect(await codeAfter(await knock(server.url, { room: "a" }))).toBe("ROOM_FULL");
    await join(server.url, { room: "b" });
    expect(await codeAfter(await knock(server.url, { room: "c" }))).toBe("SERVER_FULL");
    expect(await codeAfter(await knock(server.url, { room: "c" }))).toBe("TOO_MANY_ATTEMPTS");
    await new TestClient(server.url).opened();
    await expect(new TestClient(server.url).opened()).rejects.toThrow(/429/);
    expect(server.signaling.stats().refusedUpgrades).toBe(1);
    kept.send({ type: "ping" });
    await kept.next("pong");
  });

  it("on silence: a client that answers nothing is given up, and its place kept", async () => {
    await start({ limits: { heartbeatIntervalMs: 200, heartbeatTimeoutMs: 1_000 } });
    const [host] = await join(server.url);
    const [silent, joined] = await join(server.url);
    silent.socket.pause();
    const changed = await host.next("participantChanged");
    expect(changed.participant).toMatchObject({ id: joined.self, presence: "reconnecting" });
    silent.socket.resume();
    expect(await codeAfter(silent)).toBe("HEARTBEAT_TIMEOUT");
    expect(host.socket.readyState).toBe(host.socket.OPEN);
  });

  it("on what waits for a client that does not read", async () => {
    await start({
      limits: {
        maxBufferedBytes: 64 * 1024,
        bytes: { perSecond: 1e9, burst: 1e9 },
        log: { maxMessages: 4_000, maxBytes: 400e6 },
      },
    });
    const [deaf, inDeaf] = await join(server.url);
    const [sender] = await join(server.url);
    deaf.socket.pause();
    const sdp = "x".repeat(100_000);
    for (let i = 0; i < 300 && server.signaling.stats().slowConsumers === 0; i++) {
      sender.sendReliable({
        type: "signal",
        to: inDeaf.self,
        signal: { kind: "description", description: { type: "offer", sdp } },
      });
      sender.send({ type: "ping" });
      await sender.next("pong");
    }
    expect(server.signaling.stats().slowConsumers).toBe(1);
    const away = await sender.next("participantChanged");
    expect(away.participant).toMatchObject({ id: inDeaf.self, presence: "reconnecting" });
    const back = await resume(server.url, inDeaf.session);
    await back.next("joined");
    expect((await back.next("signal")).seq).toBe(1);
  });
});

describe("the door", () => {
  it("opens for pages of the same host and for programs, not for other pages or other protocols", async () => {
    await start();
    const host = `127.0.0.1:${server.port}`;
    await new TestClient(server.url, { origin: `http://${host}` }).opened();
    await expect(new TestClient(server.url, { origin: "https://evil.example" }).opened()).rejects.toThrow(
      /403/,
    );
    await expect(new TestClient(server.url, { origin: "null" }).opened()).rejects.toThrow(/403/);
    await expect(new TestClient(server.url, {}, "chat").opened()).rejects.toThrow(/400/);
    await expect(new TestClient(`ws://${host}/elsewhere`).opened()).rejects.toThrow(/hang up/);
  });

  it("opens for the origins it is told, and still for pages of the same host", async () => {
    await start({ allowedOrigins: ["https://meet.example"] });
    await new TestClient(server.url, { origin: "https://meet.example" }).opened();
    await new TestClient(server.url, { origin: `http://127.0.0.1:${server.port}` }).opened();
    await expect(new TestClient(server.url, { origin: "https://evil.example" }).opened()).rejects.toThrow(
      /403/,
    );
  });

  it("stands when somebody hangs up in the middle of the handshake, or speaks no WebSocket", async () => {
    await start();
    for (const request of [
      "GET /signal HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      "GET /signal HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: naru.v1\r\nSec-WebSocket-Key: bad\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(server.port, "127.0.0.1", () =>
          socket.write(request, () => socket.resetAndDestroy()),
        );
        socket.on("error", () => undefined);
        socket.on("close", () => resolve());
      });
    }
    await join(server.url);
    expect(server.signaling.stats().connections).toBe(1);
  });
});

describe("options that fail", () => {
  it("cost their own result and nothing more", async () => {
    await start({
      iceServers: () => Promise.reject(new Error("the credential service is down")),
      onReport: () => {
        throw new Error("the log is full");
      },
    });
    const [client, joined] = await join(server.url);
    expect(joined.iceServers).toEqual([]);
    client.sendReliable({ type: "report", peer: "x", phase: "path", outcome: "failed", code: "PATH_X" });
    await client.next("ack");
  });

  it("reports reach the operator with who and where", async () => {
    const reports: unknown[] = [];
    await start({ onReport: (report) => reports.push(report) });
    const [client, joined] = await join(server.url);
    client.sendReliable({ type: "report", peer: "x", phase: "media", outcome: "connected", durationMs: 12 });
    await client.next("ack");
    expect(reports).toMatchObject([
      { room: "r", participant: joined.self, report: { peer: "x", phase: "media", durationMs: 12 } },
    ]);
  });
});
