import { PROTOCOL_VERSION } from "@naru/signaling/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Chance, nextInput } from "../fuzz/mutate.ts";
import { Bystanders, MAX_LATENCY_MS } from "../support/bystanders.ts";
import { delay, eventually, TestServer } from "../support/server.ts";
import { SignalingPeer } from "../support/signaling-peer.ts";

let server: TestServer;
let bystanders: Bystanders;

beforeAll(async () => {
  // The limit on joins has its own test; elsewhere it would end the attack before it began.
  server = await TestServer.start({ flags: { "limits.joins-per-minute": 1_000_000 } });
  bystanders = await Bystanders.join(server);
});

afterAll(async () => {
  bystanders?.leave();
  await server?.close();
});

afterEach(async () => {
  await bystanders.expectUntouched();
});

const JOIN = { type: "join", version: PROTOCOL_VERSION, room: "attacked", name: "Mallory" };

describe("a message that is none ends its own connection with a reason", () => {
  const hostile: Readonly<Record<string, string>> = {
    "nothing at all": "",
    "text that is no JSON": "hello",
    "half an object": '{"type":"join"',
    null: "null",
    "a number": "1e309",
    "an array": "[]",
    "an array of joins": JSON.stringify([JOIN]),
    "no type": "{}",
    "a type that is a number": '{"type":5}',
    "a type that is an object": '{"type":{"toString":"join"}}',
    "a join without its fields": '{"type":"join"}',
    "a join with a room that is an object": JSON.stringify({ ...JOIN, room: { length: 3 } }),
    "a join with an empty room": JSON.stringify({ ...JOIN, room: "" }),
    "a join with a very long name": JSON.stringify({ ...JOIN, name: "n".repeat(50_000) }),
    "a join with control characters for a name": JSON.stringify({ ...JOIN, name: "\u0000\u0007\u001b[2J" }),
    "a join of another version": JSON.stringify({ ...JOIN, version: 999 }),
    "a join with ten thousand streams": JSON.stringify({
      ...JOIN,
      state: { streams: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`s${i}`, "camera"])) },
    }),
    "a hundred thousand opened arrays": "[".repeat(100_000),
    "arrays in arrays, closed properly": "[".repeat(50_000) + "]".repeat(50_000),
    "objects in objects": '{"type":"join","state":'.repeat(10_000) + "1" + "}".repeat(10_000),
    "a deep state": JSON.stringify({
      ...JOIN,
      state: JSON.parse(`${'{"a":'.repeat(500)}1${"}".repeat(500)}`),
    }),
    "a hundred thousand keys": `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":1`).join(",")}}`,
  };
  test.each(Object.entries(hostile))("before joining: %s", async (_name, text) => {
    const peer = await SignalingPeer.connect(server.signalingUrl);
    peer.sendText(text);
    const end = await peer.end();
    expect(end.code).toBeGreaterThanOrEqual(1002);
    expect(end.reason).toMatch(/^[A-Z_]+$/);
    const last = peer.received.at(-1);
    expect(last).toMatchObject({ type: "error", fatal: true, code: end.reason });
  });

  const afterJoining: Readonly<Record<string, string>> = {
    "text that is no JSON": "}{",
    "a signal to an object": '{"type":"signal","seq":1,"to":{},"signal":{"kind":"reset","reason":"x"}}',
    "a signal of no kind": '{"type":"signal","seq":1,"to":"x","signal":{}}',
    "a description that is a number":
      '{"type":"signal","seq":1,"to":"x","signal":{"kind":"description","description":7}}',
    "a state that is text": '{"type":"state","seq":1,"state":"on"}',
    "an action nobody knows": '{"type":"moderate","seq":1,"action":"explode"}',
    "a negative sequence number": '{"type":"leave","seq":-1}',
    "a sequence number that is no integer": '{"type":"leave","seq":1.5}',
    "an acknowledgement of what was never sent": '{"type":"ack","ack":1e15}',
    "a second join": JSON.stringify(JOIN),
    "a resume": `{"type":"resume","version":${PROTOCOL_VERSION},"session":"x","received":0}`,
    "deep nesting": "[".repeat(100_000),
  };
  test.each(Object.entries(afterJoining))("after joining: %s", async (_name, text) => {
    const { peer } = await SignalingPeer.join(server.signalingUrl, "attacked", "Mallory");
    peer.sendText(text);
    const end = await peer.end();
    expect(end.reason).toMatch(/^[A-Z_]+$/);
  });

  test("a message larger than allowed", async () => {
    const peer = await SignalingPeer.connect(server.signalingUrl);
    peer.sendText(JSON.stringify({ ...JOIN, name: "n".repeat(300 * 1024) }));
    const end = await peer.end();
    expect([1009, 4000, 4001]).toContain(end.code);
  });

  test("sixty-four megabytes in one message", async () => {
    const peer = await SignalingPeer.connect(server.signalingUrl);
    peer.sendText("x".repeat(64 * 1024 * 1024));
    const end = await peer.end();
    expect(end.code).not.toBe(1000);
  });

  test("bytes instead of text", async () => {
    const peer = await SignalingPeer.connect(server.signalingUrl);
    peer.sendBytes(new Uint8Array(1_000).fill(0xff));
    const end = await peer.end();
    expect(end.code).toBeGreaterThanOrEqual(1002);
  });
});

test("three thousand mutated messages, before and after joining, disturb nobody", async () => {
  const chance = new Chance(20_261_120);
  const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const pool = [
    encode(JOIN),
    encode({ ...JOIN, state: { audio: true, streams: { s1: "camera" } }, token: "a.b.c" }),
    encode({ type: "resume", version: PROTOCOL_VERSION, session: "abc", received: 3 }),
    encode({
      type: "signal",
      seq: 1,
      to: "x",
      signal: { kind: "description", description: { type: "offer", sdp: "v=0" } },
    }),
    encode({
      type: "signal",
      seq: 2,
      to: "x",
      signal: { kind: "candidate", candidate: { candidate: "", sdpMid: "0" } },
    }),
    encode({ type: "state", seq: 1, ack: 2, state: { audio: true, hand: false } }),
    encode({ type: "report", seq: 1, peer: "x", phase: "path", outcome: "failed", code: "X", durationMs: 5 }),
    encode({ type: "moderate", seq: 1, action: "role", target: "x", role: "host" }),
    encode({ type: "ping" }),
    encode({ type: "ack", ack: 1 }),
  ];
  const decoder = new TextDecoder();
  let sent = 0;
  while (sent < 3_000) {
    const joined = chance.below(2) === 0;
    const peer = joined
      ? (await SignalingPeer.join(server.signalingUrl, `fuzzed-${chance.below(8)}`, "Mallory")).peer
      : await SignalingPeer.connect(server.signalingUrl);
    for (let i = 0; i < 30 && peer.closed === undefined; i++, sent++) {
      peer.sendText(decoder.decode(nextInput(pool, 4_096, chance)));
      if (i % 10 === 9) await delay(1);
    }
    peer.terminate();
  }
});

describe("a flood reaches its own connection only", () => {
  const floods: Readonly<Record<string, (i: number) => string>> = {
    pings: () => '{"type":"ping"}',
    states: (i) => JSON.stringify({ type: "state", seq: i + 1, state: { hand: i % 2 === 0 } }),
    "signals to nobody": (i) =>
      JSON.stringify({
        type: "signal",
        seq: i + 1,
        to: "nobody",
        signal: { kind: "reset", reason: "x".repeat(500) },
      }),
    "large messages": (i) => {
      const description = { type: "offer", sdp: "v".repeat(100_000) };
      return JSON.stringify({
        type: "signal",
        seq: i + 1,
        to: "nobody",
        signal: { kind: "description", description },
      });
    },
  };
  test.each(Object.entries(floods))("%s", async (_name, message) => {
    const { peer } = await SignalingPeer.join(server.signalingUrl, "flooded", "Mallory");
    const flood = (async (): Promise<void> => {
      for (let i = 0; i < 20_000 && peer.closed === undefined; i++) {
        peer.sendText(message(i));
        // This process also measures; what it cannot send at once must not count as the server's delay.
        if (i % 20 === 19) await delay(1);
      }
    })();
    const latencies = await bystanders.latencies(100);
    expect(latencies[95]).toBeLessThan(MAX_LATENCY_MS);
    const end = await peer.end();
    // Or the session ends first, because its refusals pile up unacknowledged.
    expect(end.reason).toMatch(/^(RATE_LIMITED|SESSION_UNKNOWN)$/);
    await flood;
  });

  test("connections that join and go, one after the other", async () => {
    const churn = (async (): Promise<void> => {
      for (let i = 0; i < 150; i++) {
        const { peer } = await SignalingPeer.join(server.signalingUrl, `churn-${i % 40}`, "Mallory");
        peer.terminate();
      }
    })();
    const latencies = await bystanders.latencies(100);
    await churn;
    expect(latencies[95]).toBeLessThan(MAX_LATENCY_MS);
  });
});

describe("nobody can be somebody else", () => {
  test("a signal is delivered under its sender's own name, whatever it claims", async () => {
    const alice = await SignalingPeer.join(server.signalingUrl, "identity", "Alice");
    const mallory = await SignalingPeer.join(server.signalingUrl, "identity", "Mallory");
    const claim = { from: alice.joined.self, self: alice.joined.self, id: alice.joined.self };
    const signal = { kind: "reset", reason: "claimed" };
    mallory.peer.sendText(
      JSON.stringify({
        type: "signal",
        seq: 1,
        to: alice.joined.self,
        signal: { ...signal, ...claim },
        ...claim,
      }),
    );
    const received = await alice.peer.next("signal");
    expect(received.from).toBe(mallory.joined.self);
    alice.peer.close();
    mallory.peer.close();
  });

  test("a participant of another room cannot be addressed", async () => {
    const alice = await SignalingPeer.join(server.signalingUrl, "identity-a", "Alice");
    const mallory = await SignalingPeer.join(server.signalingUrl, "identity-b", "Mallory");
    mallory.peer.sendReliable({
      type: "signal",
      to: alice.joined.self,
      signal: { kind: "reset", reason: "in" },
    });
    expect((await mallory.peer.next("error")).code).toBe("NO_SUCH_PARTICIPANT");
    await alice.peer.ping();
    expect(alice.peer.received.filter(({ type }) => type === "signal")).toEqual([]);
    alice.peer.close();
    mallory.peer.close();
  });

  test("a host has no rights in another room", async () => {
    const alice = await SignalingPeer.join(server.signalingUrl, "rights-a", "Alice");
    const mallory = await SignalingPeer.join(server.signalingUrl, "rights-b", "Mallory");
    expect(mallory.joined.participants[0]?.role).toBe("host");
    const target = alice.joined.self;
    mallory.peer.sendReliable({ type: "moderate", action: "remove", target });
    mallory.peer.sendReliable({ type: "moderate", action: "role", target, role: "guest" });
    await eventually(
      "two refusals",
      () => mallory.peer.received.filter(({ type }) => type === "error").length === 2,
    );
    await alice.peer.ping();
    expect(alice.peer.closed).toBeUndefined();
    alice.peer.close();
    mallory.peer.close();
  });

  test("a guest has none of the host's rights", async () => {
    const host = await SignalingPeer.join(server.signalingUrl, "guests", "Host");
    const guest = await SignalingPeer.join(server.signalingUrl, "guests", "Guest");
    const target = host.joined.self;
    guest.peer.sendReliable({ type: "moderate", action: "lock", locked: true });
    guest.peer.sendReliable({ type: "moderate", action: "lobby", enabled: true });
    guest.peer.sendReliable({ type: "moderate", action: "remove", target });
    guest.peer.sendReliable({ type: "moderate", action: "mute", target, kind: "audio" });
    guest.peer.sendReliable({ type: "moderate", action: "role", target: guest.joined.self, role: "host" });
    const refusals = await eventually("five refusals", () => {
      const errors = guest.peer.received.filter((message) => message.type === "error");
      return errors.length === 5 && errors;
    });
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(["NOT_ALLOWED"]));
    await host.peer.ping();
    expect(host.peer.received.some(({ type }) => type === "muteRequest" || type === "roomChanged")).toBe(
      false,
    );
    host.peer.close();
    guest.peer.close();
  });

  test.each(["", "x", "__proto__", "0", "null"])("the session %j cannot be resumed", async (session) => {
    const peer = await SignalingPeer.connect(server.signalingUrl);
    peer.send({ type: "resume", version: PROTOCOL_VERSION, session, received: 0 });
    expect((await peer.end()).reason).toMatch(/^(SESSION_UNKNOWN|BAD_MESSAGE)$/);
  });

  test("the id of a participant, or a changed secret, resumes nothing", async () => {
    const { peer, joined } = await SignalingPeer.join(server.signalingUrl, "resumed", "Alice");
    const last = joined.session.at(-1) === "A" ? "B" : "A";
    for (const session of [joined.self, joined.session.slice(0, -1), joined.session.slice(0, -1) + last]) {
      const thief = await SignalingPeer.connect(server.signalingUrl);
      thief.send({ type: "resume", version: PROTOCOL_VERSION, session, received: 0 });
      expect((await thief.end()).reason).toBe("SESSION_UNKNOWN");
    }
    await peer.ping();
    peer.close();
  });

  test("secrets of sessions are long, and reach nobody else", async () => {
    const alice = await SignalingPeer.join(server.signalingUrl, "secrets", "Alice");
    const mallory = await SignalingPeer.join(server.signalingUrl, "secrets", "Mallory");
    expect(alice.joined.session.length).toBeGreaterThanOrEqual(22);
    expect(JSON.stringify(mallory.peer.received)).not.toContain(alice.joined.session);
    expect(server.output).not.toContain(alice.joined.session);
    alice.peer.close();
    mallory.peer.close();
  });
});

describe("names of objects are only names", () => {
  const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"];

  test.each(NAMES)("a room and a person called %s", async (name) => {
    const first = await joinOrRefusal(name, name);
    if (first === undefined) return;
    expect(first.joined.participants.map((participant) => participant.name)).toEqual([name]);
    const second = await SignalingPeer.join(server.signalingUrl, name, "Second");
    expect(second.joined.participants.length).toBe(2);
    first.peer.sendReliable({
      type: "signal",
      to: second.joined.self,
      signal: { kind: "reset", reason: name },
    });
    await second.peer.next("signal");
    first.peer.close();
    second.peer.close();
  });

  test.each(NAMES)("a participant addressed as %s, and as a stream", async (name) => {
    const { peer } = await SignalingPeer.join(server.signalingUrl, `prototypes ${name}`, "Mallory");
    peer.sendReliable({ type: "signal", to: name, signal: { kind: "reset", reason: "x" } });
    await peer.next("error", ({ code }) => code === "NO_SUCH_PARTICIPANT");
    peer.sendText(`{"type":"state","seq":2,"state":{"hand":true,"streams":{"${name}":"camera"}}}`);
    peer.sendText(`{"type":"state","seq":3,"${name}":{"hand":true},"state":{"${name}":{"audio":true}}}`);
    await Promise.race([peer.end().catch(() => undefined), delay(200)]);
    // Nothing of it may have become a property of everything.
    const { peer: next, joined } = await SignalingPeer.join(server.signalingUrl, `after-${name}`, "Alice");
    expect(joined.participants[0]?.state.hand ?? false).toBe(false);
    expect(joined.participants[0]?.role).toBe("host");
    peer.terminate();
    next.close();
  });

  async function joinOrRefusal(
    room: string,
    name: string,
  ): Promise<Awaited<ReturnType<typeof SignalingPeer.join>> | undefined> {
    const peer = await SignalingPeer.connect(server.signalingUrl);
    peer.send({ type: "join", version: PROTOCOL_VERSION, room, name });
    const joined = await peer.next("joined").catch(() => undefined);
    if (joined !== undefined) return { peer, joined };
    expect(peer.closed?.reason).toBe("NAME_INVALID");
    return undefined;
  }
});

describe("what one address may take is limited", () => {
  test("attempts to join", async () => {
    const limited = await TestServer.start({ flags: { "limits.joins-per-minute": 20 } });
    try {
      const ends: string[] = [];
      for (let i = 0; i < 40; i++) {
        const peer = await SignalingPeer.connect(limited.signalingUrl);
        peer.send({ type: "join", version: PROTOCOL_VERSION, room: `r${i}`, name: "Mallory" });
        const joined = await peer.next("joined").catch(() => undefined);
        ends.push(joined === undefined ? (peer.closed?.reason ?? "") : "joined");
        peer.terminate();
      }
      expect(ends.slice(0, 15)).toEqual(Array.from({ length: 15 }, () => "joined"));
      expect(ends.at(-1)).toBe("TOO_MANY_ATTEMPTS");
    } finally {
      await limited.close();
    }
  });

  test("rooms, and participants in a room", async () => {
    const small = await TestServer.start({ flags: { "limits.rooms": 2, "limits.participants-per-room": 2 } });
    try {
      await SignalingPeer.join(small.signalingUrl, "one", "a");
      await SignalingPeer.join(small.signalingUrl, "one", "b");
      await SignalingPeer.join(small.signalingUrl, "two", "c");
      await expectRefused(small, "one", "ROOM_FULL");
      await expectRefused(small, "three", "SERVER_FULL");
    } finally {
      await small.close();
    }
  });

  async function expectRefused(of: TestServer, room: string, reason: string): Promise<void> {
    const peer = await SignalingPeer.connect(of.signalingUrl);
    peer.send({ type: "join", version: PROTOCOL_VERSION, room, name: "late" });
    expect((await peer.end()).reason).toBe(reason);
  }
});
