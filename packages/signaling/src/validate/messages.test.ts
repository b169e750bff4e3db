import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_STREAMS, parseClientMessage } from "./messages.ts";

function parse(value: unknown): ReturnType<typeof parseClientMessage> {
  return parseClientMessage(JSON.stringify(value));
}

function refused(value: unknown): string {
  const parsed = parse(value);
  return parsed.isValid ? "valid" : parsed.code;
}

const JOIN = { type: "join", version: 1, room: "r", name: "n" };

describe("messages of clients", () => {
  it("of every type are read", () => {
    const valid = [
      { ...JOIN, token: "t", state: { audio: true, streams: { s: "camera" } } },
      { type: "resume", version: 1, session: "s", received: 0 },
      { type: "leave", seq: 1 },
      {
        type: "signal",
        seq: 1,
        ack: 0,
        to: "x",
        signal: { kind: "description", description: { type: "offer", sdp: "v=0" } },
      },
      { type: "signal", to: "x", signal: { kind: "candidate", candidate: null } },
      {
        type: "signal",
        to: "x",
        signal: {
          kind: "candidate",
          candidate: { candidate: "", sdpMid: null, sdpMLineIndex: 0, usernameFragment: "u" },
        },
      },
      { type: "signal", to: "x", signal: { kind: "reset", reason: "" } },
      { type: "state", state: {} },
      {
        type: "report",
        peer: "x",
        phase: "path",
        outcome: "failed",
        code: "PATH_X",
        message: "m",
        durationMs: 1.5,
      },
      { type: "moderate", action: "lock", locked: true },
      { type: "moderate", action: "lobby", enabled: false },
      { type: "moderate", action: "admit", target: "x" },
      { type: "moderate", action: "deny", target: "x" },
      { type: "moderate", action: "mute", target: "x", kind: "audio" },
      { type: "moderate", action: "remove", target: "x" },
      { type: "moderate", action: "role", target: "x", role: "guest" },
      { type: "ping" },
      { type: "ack", ack: 3 },
    ];
    for (const message of valid) expect(parse(message)).toEqual({ isValid: true, message });
  });

  it("lose the fields this version does not know, at every level", () => {
    const signal = { kind: "reset", reason: "r" };
    expect(parse({ type: "signal", to: "x", from: "y", signal: { ...signal, extra: 1 } })).toEqual({
      isValid: true,
      message: { type: "signal", to: "x", signal },
    });
  });

  it("of unknown types keep nothing but their envelope", () => {
    expect(parse({ type: "dance", seq: 4, ack: 2, steps: [1] })).toEqual({
      isValid: true,
      message: { type: "unknown", seq: 4, ack: 2 },
    });
    expect(parse({ type: "__proto__" })).toMatchObject({ message: { type: "unknown" } });
  });

  it("are refused when a field is missing, of the wrong kind, or too long", () => {
    const long = "x".repeat(1_025);
    const bad = [
      null,
      1,
      [],
      {},
      { type: 5 },
      { type: "join" },
      { ...JOIN, token: "t".repeat(8_193) },
      { ...JOIN, state: { audio: "yes" } },
      { ...JOIN, state: { streams: [] } },
      { ...JOIN, state: { streams: { s: "hologram" } } },
      { ...JOIN, state: { streams: { "\u0001": "camera" } } },
      { ...JOIN, state: { streams: { [`s${long}`.slice(0, 129)]: "camera" } } },
      {
        ...JOIN,
        state: {
          streams: Object.fromEntries(Array.from({ length: MAX_STREAMS + 1 }, (_, i) => [i, "camera"])),
        },
      },
      { type: "leave", seq: 0 },
      { type: "leave", seq: 1.5 },
      { type: "leave", seq: 2 ** 31 },
      { type: "ack", ack: -1 },
      { type: "signal", to: "", signal: { kind: "reset", reason: "" } },
      { type: "signal", to: "x", signal: { kind: "reset", reason: long } },
      { type: "signal", to: "x", signal: { kind: "candidate", candidate: { candidate: long } } },
      {
        type: "signal",
        to: "x",
        signal: { kind: "description", description: { type: "offer", sdp: "x".repeat(128 * 1024 + 1) } },
      },
      { type: "signal", to: "x", signal: { kind: "other" } },
      { type: "moderate", action: "explode" },
      { type: "report", peer: "x", phase: "path", outcome: "failed", code: "not a code" },
      { type: "resume", version: 1, session: "s", received: 1e15 },
    ];
    for (const message of bad) expect([message, refused(message)]).toEqual([message, "BAD_MESSAGE"]);
    for (const text of ["", "{", "undefined", "[".repeat(9), "\u0000"]) {
      expect(parseClientMessage(text)).toMatchObject({ isValid: false, code: "BAD_MESSAGE" });
    }
  });

  it("with an unacceptable name are refused with NAME_INVALID", () => {
    expect(refused({ ...JOIN, name: "a\u202eb" })).toBe("NAME_INVALID");
    expect(refused({ ...JOIN, room: " " })).toBe("NAME_INVALID");
  });

  it("may use the names of object properties for streams without touching any object", () => {
    const parsed = parseClientMessage(
      '{"type":"state","state":{"streams":{"__proto__":"camera","constructor":"screen"},"__proto__":{"audio":true}}}',
    );
    if (!parsed.isValid || parsed.message.type !== "state") throw new Error("expected a state");
    const { streams, audio } = parsed.message.state;
    expect(audio).toBeUndefined();
    expect(Object.getPrototypeOf(streams)).toBeNull();
    expect(JSON.stringify(streams)).toBe('{"__proto__":"camera","constructor":"screen"}');
  });

  it("never make the parser throw, whatever they are", () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseClientMessage(text).isValid === "boolean"));
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("join", "state", "signal", "moderate"), (json, type) => {
        const value: unknown = JSON.parse(json);
        const text = JSON.stringify({ type, signal: value, state: value, action: value, seq: value });
        return typeof parseClientMessage(text).isValid === "boolean";
      }),
    );
  });
});
