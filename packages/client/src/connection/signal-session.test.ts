import { CLOSE_CODE_REFUSED, CLOSE_CODE_RESUMABLE, HEARTBEAT_TIMEOUT_MS } from "@naru/signaling/protocol";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { beforeEach, describe, expect, test } from "vitest";
import { SignalSession, type SignalSessionEvent } from "./signal-session.ts";

const JOINED = {
  type: "joined",
  self: "p1",
  session: "secret",
  room: { name: "r", locked: false, lobby: false, maxParticipants: 50 },
  participants: [{ id: "p1", name: "Mina", role: "host", presence: "present", state: {}, joinOrder: 1 }],
  knocking: [],
  iceServers: [],
  resumed: false,
  received: 0,
};
const PICTURE = { type: "roomChanged", room: JOINED.room };

let session: SignalSession;

beforeEach(() => {
  session = newSession();
});

function newSession(): SignalSession {
  return new SignalSession({
    join: () => ({ room: "r", name: "Mina", state: {} }),
    connectTimeoutMs: 15_000,
    random: () => 0.5,
    log: SILENT_LOGGER,
  });
}

function drain(): { sent: Record<string, unknown>[]; events: SignalSessionEvent[] } {
  const sent: Record<string, unknown>[] = [];
  const events: SignalSessionEvent[] = [];
  for (let text = session.pollTransmit(); text !== undefined; text = session.pollTransmit())
    sent.push(JSON.parse(text));
  for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) events.push(event);
  return { sent, events };
}

function receive(message: object, now: number): void {
  session.handleMessage(JSON.stringify(message), now);
}

function join(now: number): void {
  session.connect(now);
  session.handleOpen(now);
  receive(JOINED, now);
  drain();
}

function types(events: readonly SignalSessionEvent[]): string[] {
  return events.map((event) => (event.type === "stateChange" ? event.state : event.type));
}

test("joins, and is connected once the server says so", () => {
  session.connect(0);
  expect(types(drain().events)).toEqual(["connecting", "openSocket"]);
  session.handleOpen(10);
  expect(drain().sent).toEqual([{ type: "join", version: 1, room: "r", name: "Mina", state: {} }]);
  receive(JOINED, 20);
  expect(types(drain().events)).toEqual(["joined", "connected"]);
  expect(session.session).toBe("secret");
});

test("waits in the lobby as long as it takes", () => {
  session.connect(0);
  session.handleOpen(0);
  receive({ type: "lobby", room: "r" }, 0);
  expect(session.state).toBe("lobby");
  for (let now = 0; now < 600_000; now += 1_000) {
    session.handleTimeout(now);
    receive({ type: "pong" }, now);
  }
  expect(session.state).toBe("lobby");
});

describe("a connection that breaks", () => {
  test("is resumed: what was not acknowledged is sent again, what came twice is dropped", () => {
    join(0);
    session.send({ type: "state", state: { hand: true } });
    session.send({ type: "state", state: { hand: false } });
    receive({ ...PICTURE, seq: 1, ack: 1 }, 5);
    expect(drain().events.map((event) => event.type)).toEqual(["message"]);

    session.handleClose(1006, "", 10);
    expect(types(drain().events)).toEqual(["reconnecting", "retryScheduled"]);
    expect(session.send({ type: "state", state: { audio: true } })).toBe(true);
    expect(drain().sent).toEqual([]);
    session.handleTimeout(session.pollTimeout());
    session.handleOpen(500);
    expect(drain().sent).toEqual([{ type: "resume", version: 1, session: "secret", received: 1 }]);
    receive({ ...JOINED, session: "secret2", resumed: true, received: 2 }, 510);
    receive({ ...PICTURE, seq: 1 }, 511);
    receive({ ...PICTURE, seq: 2 }, 512);
    const { sent, events } = drain();
    expect(sent.map((message) => message["seq"])).toEqual([3]);
    expect(types(events).filter((type) => type === "message")).toHaveLength(1);
    expect(session.session).toBe("secret2");
  });

  test("is noticed within ten seconds when the server is silent", () => {
    join(1_000);
    let noticed: number | undefined;
    for (let turn = 0; turn < 10 && noticed === undefined; turn++) {
      const now = session.pollTimeout();
      session.handleTimeout(now);
      if (session.state === "reconnecting") noticed = now;
    }
    expect(noticed).toBeLessThanOrEqual(1_000 + HEARTBEAT_TIMEOUT_MS);
  });

  test("is tried again at once when the network is back", () => {
    join(0);
    session.handleClose(1006, "", 0);
    drain();
    session.reconnectNow(1);
    expect(types(drain().events)).toEqual(["openSocket"]);
  });

  test("of which a message is missing is not trusted any more", () => {
    join(0);
    receive({ ...PICTURE, seq: 2 }, 5);
    expect(types(drain().events)).toEqual(["closeSocket", "reconnecting", "retryScheduled"]);
  });

  test("pauses grow, and are short again after a connection that held", () => {
    join(0);
    let now = 1_000;
    session.handleClose(1006, "", now);
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      pauses.push(session.pollTimeout() - now);
      now = session.pollTimeout();
      session.handleTimeout(now);
      session.handleClose(1006, "", now);
    }
    expect(pauses).toEqual([200, 250, 313, 391, 488, 610]);
    now = session.pollTimeout();
    session.handleTimeout(now);
    session.handleOpen(now);
    receive({ ...JOINED, resumed: true }, now);
    now += 6_000;
    receive({ type: "pong" }, now);
    session.handleTimeout(now);
    session.handleClose(1006, "", now);
    expect(session.pollTimeout() - now).toBe(200);
  });
});

describe("a refusal", () => {
  test("that is final ends the session with its code", () => {
    session.connect(0);
    session.handleOpen(0);
    drain();
    receive({ type: "error", code: "ROOM_FULL", message: "the room is full", fatal: true }, 5);
    const { events } = drain();
    expect(events).toContainEqual({ type: "closed", code: "ROOM_FULL", message: "the room is full" });
    expect(session.pollTimeout()).toBe(Number.POSITIVE_INFINITY);
    session.handleClose(CLOSE_CODE_REFUSED, "ROOM_FULL", 6);
    expect(drain().events).toEqual([]);
  });

  test("that came only as a close code ends it too", () => {
    join(0);
    session.handleClose(CLOSE_CODE_REFUSED, "REMOVED", 5);
    expect(types(drain().events)).toContain("closed");
  });

  test("after which the session goes on is answered by resuming", () => {
    join(0);
    receive({ type: "error", code: "SERVER_CLOSING", message: "bye", fatal: true }, 5);
    session.handleClose(CLOSE_CODE_RESUMABLE, "SERVER_CLOSING", 6);
    session.handleTimeout(session.pollTimeout());
    session.handleOpen(900);
    expect(drain().sent.map((message) => message["type"])).toEqual(["resume"]);
  });

  test("of an unknown session is answered by joining anew", () => {
    join(0);
    session.send({ type: "state", state: {} });
    session.handleClose(1006, "", 5);
    session.handleTimeout(session.pollTimeout());
    session.handleOpen(900);
    drain();
    receive({ type: "error", code: "SESSION_UNKNOWN", message: "gone", fatal: true }, 901);
    session.handleTimeout(session.pollTimeout());
    session.handleOpen(2_000);
    expect(drain().sent.map((message) => message["type"])).toEqual(["join"]);
    receive({ ...JOINED, self: "p9" }, 2_001);
    expect(drain().sent).toEqual([]);
  });

  test("because too much was sent is answered by joining anew", () => {
    join(0);
    receive({ type: "error", code: "RATE_LIMITED", message: "too much", fatal: true }, 5);
    session.handleTimeout(session.pollTimeout());
    session.handleOpen(900);
    expect(drain().sent.map((message) => message["type"])).toEqual(["join"]);
  });

  test("that will pass is waited for by who was in, and final for who was not", () => {
    for (const code of ["SERVER_FULL", "TOO_MANY_ATTEMPTS"]) {
      join(0);
      session.handleClose(1006, "", 5);
      for (let attempt = 0; attempt < 20; attempt++) {
        session.handleTimeout(session.pollTimeout());
        session.handleOpen(1_000);
        receive({ type: "error", code, message: "wait", fatal: true }, 1_000);
        expect([code, session.state, session.pollTimeout()]).toEqual([code, "reconnecting", 5_000]);
      }
      session = newSession();
      session.connect(0);
      session.handleOpen(0);
      receive({ type: "error", code, message: "wait", fatal: true }, 5);
      expect(session.state).toBe("closed");
      session = newSession();
    }
  });

  test("with a code of a later version is final or not as its close code says", () => {
    for (const [closeCode, state] of [
      [CLOSE_CODE_RESUMABLE, "reconnecting"],
      [CLOSE_CODE_REFUSED, "closed"],
    ] as const) {
      session = newSession();
      join(0);
      receive({ type: "error", code: "SERVER_ASLEEP", message: "zzz", fatal: true }, 5);
      session.handleClose(closeCode, "SERVER_ASLEEP", 6);
      expect(session.state).toBe(state);
    }
  });

  test("of one request leaves the session alone", () => {
    join(0);
    receive({ type: "error", code: "NOT_ALLOWED", message: "no", fatal: false, seq: 1 }, 5);
    expect(drain().events.map((event) => event.type)).toEqual(["refused"]);
    expect(session.state).toBe("connected");
  });
});

test("a server that never answers is given up after the connect timeout", () => {
  session.connect(0);
  let now = 0;
  while (session.state !== "closed" && now < 60_000) {
    now = session.pollTimeout();
    session.handleTimeout(now);
    session.handleClose(1006, "", now);
  }
  expect(now).toBe(15_000);
  expect(drain().events).toContainEqual(
    expect.objectContaining({ type: "closed", code: "SERVER_UNREACHABLE" }),
  );
});

test("what is acknowledged is told to the server even when there is nothing else to say", () => {
  join(0);
  receive({ ...PICTURE, seq: 1 }, 5);
  session.handleTimeout(300);
  expect(drain().sent).toEqual([{ type: "ack", ack: 1 }]);
});

test("nonsense is dropped, and unknown types are counted but ignored", () => {
  join(0);
  for (const text of [
    "",
    "{",
    "null",
    "[]",
    '{"type":5}',
    '{"type":"joined"}',
    '{"type":"signal","from":1}',
  ]) {
    session.handleMessage(text, 1);
  }
  expect(drain().events).toEqual([]);
  receive({ type: "hologram", seq: 1 }, 2);
  receive({ ...PICTURE, seq: 2 }, 3);
  expect(drain().events.map((event) => event.type)).toEqual(["message"]);
});

test("a message that is huge, or not of its type's shape, leaves no gap", () => {
  join(0);
  receive({ type: "signal", from: "p2", signal: { kind: "reset", reason: "x".repeat(400_000) }, seq: 1 }, 1);
  receive({ type: "signal", from: 7, seq: 2 }, 2);
  receive({ ...PICTURE, seq: 3 }, 3);
  const { events } = drain();
  expect(events.map((event) => event.type)).toEqual(["message", "message"]);
  expect(session.state).toBe("connected");
});

test("leaving says so and ends everything", () => {
  join(0);
  session.leave();
  const { sent, events } = drain();
  expect(sent).toEqual([expect.objectContaining({ type: "leave", seq: 1 })]);
  expect(types(events)).toEqual(["closeSocket", "closed", "closed"]);
});
