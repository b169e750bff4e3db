import { describe, expect, it } from "vitest";
import { Session } from "./session.ts";

const LIMITS = { maxMessages: 8, maxBytes: 800 };

describe("session", () => {
  it("tells new, repeated and missing messages apart", () => {
    const session = new Session("h", LIMITS);
    expect([1, 1, 3, 2, 2, 3].map((seq) => session.handleSeq(seq))).toEqual([
      "new",
      "duplicate",
      "gap",
      "new",
      "duplicate",
      "new",
    ]);
  });

  it("acknowledges what has been saved, not what has been received", () => {
    const session = new Session("h", LIMITS);
    session.handleSeq(1);
    expect(session.takeAck()).toBeUndefined();
    session.capture();
    session.handleSeq(2);
    expect(session.commit()).toBe(false);
    expect(session.takeAck()).toBe(1);
    expect(session.takeAck()).toBeUndefined();
    session.capture();
    expect(session.commit()).toBe(true);
    expect(session.takeAck()).toBe(2);
  });

  it("puts number and acknowledgement into the kept text", () => {
    const session = new Session("h", LIMITS);
    session.append('{"type":"x"}', undefined);
    const [entry] = session.unacknowledged;
    expect(JSON.parse(session.envelope(entry!))).toEqual({ seq: 1, type: "x" });
    session.handleSeq(1);
    session.capture();
    session.commit();
    expect(JSON.parse(session.envelope(entry!))).toEqual({ seq: 1, ack: 1, type: "x" });
  });

  it("allows resumes like those of a bad network, not a loop of them", () => {
    const session = new Session("h", LIMITS);
    const attempts = Array.from({ length: 25 }, () => session.mayResume(0));
    expect(attempts.filter((allowed) => allowed)).toHaveLength(20);
    expect(session.mayResume(1_000)).toBe(true);
  });

  it("survives as data", () => {
    const session = new Session("h", LIMITS);
    session.handleSeq(1);
    session.append("{a}", "p");
    session.append("{b}", undefined);
    const restored = new Session("h", LIMITS, JSON.parse(JSON.stringify(session.snapshot())));
    expect(restored.snapshot()).toEqual(session.snapshot());
    expect(restored.handleSeq(1)).toBe("duplicate");
    expect(restored.resume(1)).toBe(true);
    expect(restored.unacknowledged.map(({ seq }) => seq)).toEqual([2]);
  });
});
