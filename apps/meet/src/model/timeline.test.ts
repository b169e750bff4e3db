import type { TimelineSnapshot } from "@naru/client";
import { describe, expect, test } from "vitest";
import { connectionReport } from "./report.ts";
import {
  candidateAddress,
  candidateSummary,
  connectedAfterMs,
  currentPhase,
  fingerprintLines,
  isSettled,
} from "./timeline.ts";

const NONE = { host: 0, srflx: 0, prflx: 0, relay: 0, tcp: 0 } as const;

const CONNECTED: TimelineSnapshot = {
  version: 1,
  startedAt: 1_795_194_527_886,
  outcome: "connected",
  exchange: {
    state: "done",
    startedAtMs: 0,
    endedAtMs: 60,
    offersSent: 1,
    offersReceived: 0,
    answersSent: 0,
    answersReceived: 1,
  },
  path: {
    state: "done",
    startedAtMs: 60,
    endedAtMs: 120,
    localCandidates: { ...NONE, host: 2, relay: 1, tcp: 1 },
    remoteCandidates: NONE,
    gatheringComplete: true,
    selectedPair: {
      local: { type: "host", protocol: "udp", address: "192.168.0.7", port: 40_000 },
      remote: { type: "relay", protocol: "udp", address: "2001:db8::7", port: 50_000 },
      relayed: true,
    },
    serverErrors: [
      { url: "turn:203.0.113.9:3478?transport=udp", code: 701, text: "no answer from 203.0.113.9:3478" },
    ],
  },
  security: { state: "done", startedAtMs: 120, endedAtMs: 150 },
  media: { state: "active", startedAtMs: 150, expected: true },
  restarts: [],
};

describe("timeline", () => {
  test("the current phase is the first that is not done, or the one that failed", () => {
    expect(currentPhase(CONNECTED)).toBe("media");
    expect(currentPhase({ ...CONNECTED, path: { ...CONNECTED.path, state: "failed" } })).toBe("path");
    expect(currentPhase({ ...CONNECTED, media: { state: "done", expected: true } })).toBe("done");
  });

  test("the ribbon folds when media flows, or when nobody sends any", () => {
    expect(isSettled(CONNECTED)).toBe(false);
    expect(isSettled({ ...CONNECTED, media: { state: "done", expected: true } })).toBe(true);
    expect(isSettled({ ...CONNECTED, media: { state: "active", expected: false } })).toBe(true);
    expect(isSettled({ ...CONNECTED, outcome: "recovering", media: { state: "done", expected: true } })).toBe(
      false,
    );
  });

  test("a connection counts from the end of its security phase", () => {
    expect(connectedAfterMs(CONNECTED)).toBe(150);
  });

  test("candidates are summed up by type", () => {
    expect(candidateSummary(CONNECTED.path.localCandidates)).toBe("host 2 · relay 1 (TCP 1)");
    expect(candidateSummary(NONE)).toBeUndefined();
  });

  test("IPv6 addresses are bracketed before a port, hidden ones are left out", () => {
    expect(candidateAddress({ type: "host", protocol: "udp", address: "2001:db8::7", port: 5 })).toBe(
      "[2001:db8::7]:5",
    );
    expect(candidateAddress({ type: "host", protocol: "udp" })).toBeUndefined();
  });

  test("fingerprints are broken into lines of eight bytes", () => {
    const bytes = Array.from({ length: 32 }, (_, index) => index.toString(16).padStart(2, "0").toUpperCase());
    const lines = fingerprintLines(`sha-256 ${bytes.join(":")}`);
    expect(lines).toHaveLength(5);
    expect(lines[0]).toBe("sha-256");
    expect(lines[1]).toBe("00:01:02:03:04:05:06:07");
    expect(lines[4]).toBe("18:19:1A:1B:1C:1D:1E:1F");
  });
});

describe("connectionReport", () => {
  const source = { userAgent: "Test/1.0", timeline: CONNECTED, stats: undefined };

  test("names no address unless asked to", () => {
    const report = connectionReport(source, { addresses: false });
    expect(report).not.toMatch(/192\.168|2001:db8|203\.0\.113|40000|50000/);
    expect(report).toContain("turn:…?transport=udp");
    expect(JSON.parse(report).timeline.path.selectedPair.relayed).toBe(true);
  });

  test("has everything when asked to", () => {
    const report = connectionReport(source, { addresses: true });
    expect(JSON.parse(report).timeline).toEqual(CONNECTED);
  });

  test("an address inside a verdict's sentence is hidden too", () => {
    const verdict = {
      code: "PATH_NO_PAIR",
      phase: "path",
      message: "tried 10.0.0.1:4000 and fe80::1:2:3:4",
      action: "At 12:30 try again.",
    } as const;
    const report = connectionReport({ ...source, timeline: { ...CONNECTED, verdict } }, { addresses: false });
    expect(report).not.toMatch(/10\.0\.0\.1|fe80/);
    expect(report).toContain("At 12:30 try again.");
  });
});
