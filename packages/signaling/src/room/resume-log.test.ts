import { describe, expect, it } from "vitest";
import { ResumeLog } from "./resume-log.ts";

const LIMITS = { maxMessages: 8, maxBytes: 800 };

describe("resume log", () => {
  it("numbers from 1 and forgets what is acknowledged", () => {
    const log = new ResumeLog(LIMITS);
    expect([log.append("{a}", undefined), log.append("{b}", undefined)]).toEqual([1, 2]);
    expect(log.acknowledge(1)).toBe(true);
    expect(log.entries.map(({ seq }) => seq)).toEqual([2]);
    expect(log.append("{c}", undefined)).toBe(3);
  });

  it("refuses an acknowledgement of what was never sent", () => {
    const log = new ResumeLog(LIMITS);
    log.append("{a}", undefined);
    expect(log.acknowledge(2)).toBe(false);
    expect(log.entries).toHaveLength(1);
  });

  it("overflows by messages and by bytes, and has room again after an acknowledgement", () => {
    const byCount = new ResumeLog(LIMITS);
    for (let i = 0; i < 8; i++) byCount.append("{}", undefined);
    expect(byCount.append("{}", undefined)).toEqual({ culprit: undefined });
    byCount.acknowledge(1);
    expect(byCount.append("{}", undefined)).toBe(9);
    const byBytes = new ResumeLog(LIMITS);
    expect(byBytes.append("x".repeat(400), undefined)).toBe(1);
    expect(byBytes.append("x", undefined)).toEqual({ culprit: undefined });
    byBytes.acknowledge(1);
    expect(byBytes.append("x", undefined)).toBe(2);
  });

  it("lets one sender fill a quarter and no more, whatever others do", () => {
    const log = new ResumeLog(LIMITS);
    expect([log.append("{}", "a"), log.append("{}", "a")]).toEqual([1, 2]);
    expect(log.append("{}", "a")).toEqual({ culprit: "a" });
    expect(log.append("{}", "b")).toBe(3);
    expect(log.append("x".repeat(101), "c")).toEqual({ culprit: "c" });
  });

  it("names who has filled it, by number or by size, and has room again without that one's messages", () => {
    const log = new ResumeLog(LIMITS);
    for (const from of ["a", "b", "b", "c", "c"]) log.append("{}", from);
    log.append("x".repeat(99), "d");
    for (let i = 0; i < 2; i++) log.append("{}", undefined);
    expect(log.append("{}", "e")).toEqual({ culprit: "b" });
    log.withdraw("b");
    expect(log.append("{}", "e")).toBe(9);
    expect(log.entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(log.entries[1]).toEqual({ seq: 2, body: '{"type":"withdrawn"}', from: undefined });
    const large = new ResumeLog(LIMITS);
    for (const from of ["a", "b", "c", "d"]) large.append("x".repeat(98), from);
    large.append("x", "a");
    expect(large.append("x".repeat(9), "e")).toEqual({ culprit: "a" });
  });

  it("does not grow without end by what is withdrawn", () => {
    const log = new ResumeLog(LIMITS);
    let refusals = 0;
    for (let i = 0; i < 1_000; i++) {
      const result = log.append("{}", `${i}`);
      if (typeof result === "number") continue;
      if (result.culprit === undefined) refusals++;
      else log.withdraw(result.culprit);
    }
    expect(refusals).toBeGreaterThan(0);
    expect(log.entries.length).toBe(8 * 16);
  });

  it("goes on above what the client has, when the server died after its last save", () => {
    const log = new ResumeLog(LIMITS, { sent: 2, entries: [{ seq: 2, body: "{old}", from: undefined }] });
    log.append("{new}", undefined);
    expect(log.sent).toBe(2);
    expect(log.resume(5)).toBe(true);
    expect(log.entries).toEqual([{ seq: 6, body: "{new}", from: undefined }]);
    expect(log.append("{next}", undefined)).toBe(7);
  });

  it("keeps what a client lacks when the restored state is complete", () => {
    const log = new ResumeLog(LIMITS, { sent: 2, entries: [{ seq: 2, body: "{old}", from: undefined }] });
    log.append("{new}", undefined);
    log.resume(1);
    expect(log.entries.map(({ seq, body }) => [seq, body])).toEqual([
      [2, "{old}"],
      [3, "{new}"],
    ]);
  });

  it("believes no absurd claim after a restart, and no false one without", () => {
    expect(new ResumeLog(LIMITS, { sent: 2, entries: [] }).resume(0x7fff_ffff)).toBe(false);
    expect(new ResumeLog(LIMITS).resume(1)).toBe(false);
  });
});
