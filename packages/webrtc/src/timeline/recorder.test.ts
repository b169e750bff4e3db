import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Observation, TimelineRecorder } from "./recorder.ts";
import { TIMELINE_PHASES, type TimelineSnapshot } from "./timeline.ts";
import { verdictOf } from "./verdict.ts";

const PAIR: Observation = {
  type: "selectedPair",
  pair: {
    local: { type: "host", protocol: "udp" },
    remote: { type: "srflx", protocol: "udp" },
    relayed: false,
  },
};

function record(
  recorder: TimelineRecorder,
  ...steps: readonly (readonly [number, Observation])[]
): TimelineSnapshot {
  for (const [at, observation] of steps) recorder.record(observation, at);
  return recorder.snapshot();
}

function connect(recorder: TimelineRecorder, at: number): TimelineSnapshot {
  return record(
    recorder,
    [at, { type: "description", kind: "offer", direction: "sent" }],
    [at + 50, { type: "description", kind: "answer", direction: "received" }],
    [at + 60, { type: "ice", state: "checking" }],
    [at + 100, { type: "ice", state: "connected" }],
    [at + 101, { type: "dtls", state: "connecting" }],
    [at + 140, { type: "dtls", state: "connected" }],
    [at + 150, { type: "dataOpen" }],
  );
}

function states(timeline: TimelineSnapshot): string[] {
  return TIMELINE_PHASES.map((phase) => timeline[phase].state);
}

test("the phases follow each other, with their times", () => {
  const recorder = new TimelineRecorder(1_000, 1_700_000_000_000);
  expect(states(recorder.snapshot())).toEqual(["active", "waiting", "waiting", "waiting"]);
  const timeline = connect(recorder, 1_000);
  expect(states(timeline)).toEqual(["done", "done", "done", "done"]);
  expect(timeline.outcome).toBe("connected");
  expect(timeline.exchange).toMatchObject({ role: "offerer", startedAtMs: 0, endedAtMs: 50 });
  expect(timeline.path).toMatchObject({ startedAtMs: 50, endedAtMs: 100 });
  expect(timeline.security).toMatchObject({ startedAtMs: 100, endedAtMs: 140 });
  expect(timeline.startedAt).toBe(1_700_000_000_000);
});

test("media that is expected is done only when some of it was decoded", () => {
  const recorder = new TimelineRecorder(0, 0);
  recorder.record({ type: "mediaExpected", expected: true }, 0);
  expect(connect(recorder, 0).media.state).toBe("active");
  expect(record(recorder, [400, { type: "firstPacket" }]).media.state).toBe("active");
  expect(record(recorder, [500, { type: "firstDecoded" }]).media).toMatchObject({
    state: "done",
    firstPacketAtMs: 400,
    firstDecodedAtMs: 500,
  });
});

test("media that is expected only later is waited for then", () => {
  const recorder = new TimelineRecorder(0, 0);
  connect(recorder, 0);
  expect(record(recorder, [400, { type: "dataOpen" }]).media.state).toBe("done");
  const later = record(recorder, [60_000, { type: "mediaExpected", expected: true }]);
  expect(later.media).toMatchObject({ state: "active", endedAtMs: undefined });
  expect(record(recorder, [60_500, { type: "firstDecoded" }]).media.state).toBe("done");
  record(recorder, [70_000, { type: "mediaExpected", expected: false }]);
  expect(record(recorder, [80_000, { type: "mediaExpected", expected: true }]).media.state).toBe("done");
});

describe("a connection that was up", () => {
  test("is recovering while its path is lost, and connected again afterwards", () => {
    const recorder = new TimelineRecorder(0, 0);
    connect(recorder, 0);
    const lost = record(recorder, [5_000, { type: "ice", state: "disconnected" }]);
    expect(lost.outcome).toBe("recovering");
    expect(states(lost)).toEqual(["done", "active", "done", "done"]);
    const repairing = record(recorder, [
      6_500,
      { type: "restart", kind: "ice", reason: "the path was lost" },
    ]);
    expect(states(repairing)).toEqual(["done", "waiting", "done", "done"]);
    const repaired = record(recorder, [7_000, { type: "ice", state: "connected" }]);
    expect(repaired.outcome).toBe("connected");
    expect(repaired.restarts).toEqual([
      { atMs: 6_500, kind: "ice", reason: "the path was lost", recoveredAtMs: 7_000 },
    ]);
  });

  test("an ICE restart under a path that still works ends with the new pair", () => {
    const recorder = new TimelineRecorder(0, 0);
    connect(recorder, 0);
    expect(record(recorder, [5_000, { type: "restart", kind: "ice", reason: "x" }]).outcome).toBe(
      "connected",
    );
    expect(record(recorder, [5_200, PAIR]).path.state).toBe("waiting");
    recorder.record({ type: "description", kind: "answer", direction: "received" }, 5_300);
    expect(states(record(recorder, [5_400, PAIR]))).toEqual(["done", "done", "done", "done"]);
    expect(recorder.snapshot().restarts[0]?.recoveredAtMs).toBe(5_400);
  });

  test("a rebuild begins all four phases again", () => {
    const recorder = new TimelineRecorder(0, 0);
    connect(recorder, 0);
    const rebuilt = record(recorder, [9_000, { type: "restart", kind: "rebuild", reason: "x" }]);
    expect(states(rebuilt)).toEqual(["active", "waiting", "waiting", "waiting"]);
    expect(rebuilt.outcome).toBe("recovering");
    expect(states(connect(recorder, 10_000))).toEqual(["done", "done", "done", "done"]);
  });
});

test("a final verdict fails its phase and the connection, until it works after all", () => {
  const recorder = new TimelineRecorder(0, 0);
  const failed = record(recorder, [
    9_000,
    { type: "verdict", verdict: verdictOf("PATH_NO_PAIR"), final: true },
  ]);
  expect(failed.outcome).toBe("failed");
  expect(failed.path.state).toBe("failed");
  expect(failed.verdict?.code).toBe("PATH_NO_PAIR");
  const works = connect(recorder, 10_000);
  expect(works.outcome).toBe("connected");
  expect(works.verdict).toBeUndefined();
});

test("missing media is said, and taken back when it comes", () => {
  const recorder = new TimelineRecorder(0, 0);
  recorder.record({ type: "mediaExpected", expected: true }, 0);
  connect(recorder, 0);
  const missing = record(recorder, [
    9_000,
    { type: "verdict", verdict: verdictOf("MEDIA_NONE_RECEIVED"), final: false },
  ]);
  expect(missing.media.state).toBe("failed");
  expect(missing.outcome).toBe("connected");
  const came = record(recorder, [12_000, { type: "firstDecoded" }]);
  expect(came.media.state).toBe("done");
  expect(came.verdict).toBeUndefined();
});

test("facts once known are not forgotten when a later look finds less", () => {
  const recorder = new TimelineRecorder(0, 0);
  recorder.record({ type: "security", dtlsVersion: "1.3", cipher: "x" }, 1);
  recorder.record({ type: "security", dtlsVersion: undefined, localFingerprint: "sha-256 AA" }, 2);
  expect(recorder.snapshot().security).toMatchObject({ dtlsVersion: "1.3", localFingerprint: "sha-256 AA" });
});

test("whatever is observed in whatever order, lists stay bounded and the snapshot is plain data", () => {
  const observation: fc.Arbitrary<Observation> = fc.oneof(
    fc.constantFrom<Observation>(
      { type: "description", kind: "offer", direction: "received" },
      { type: "description", kind: "answer", direction: "sent" },
      { type: "candidate", side: "remote", candidateType: "relay", protocol: "tcp" },
      { type: "serverError", error: { url: "turn:x", code: 701, text: "" } },
      { type: "ice", state: "connected" },
      { type: "ice", state: "failed" },
      { type: "dtls", state: "connected" },
      { type: "dtls", state: "failed" },
      PAIR,
      { type: "firstDecoded" },
      { type: "dataOpen" },
      { type: "restart", kind: "ice", reason: "r" },
      { type: "restart", kind: "rebuild", reason: "r" },
      { type: "verdict", verdict: verdictOf("PATH_LOST"), final: true },
      { type: "resolved" },
    ),
  );
  fc.assert(
    fc.property(fc.array(observation, { maxLength: 120 }), (observations) => {
      const recorder = new TimelineRecorder(0, 0);
      observations.forEach((one, at) => {
        recorder.record(one, at);
      });
      const timeline = recorder.snapshot();
      expect(timeline.restarts.length).toBeLessThanOrEqual(32);
      expect(timeline.path.serverErrors.length).toBeLessThanOrEqual(8);
      expect(JSON.parse(JSON.stringify(timeline))).toEqual(JSON.parse(JSON.stringify(timeline)));
      if (timeline.outcome === "connected") {
        expect([timeline.exchange.state, timeline.path.state]).not.toContain("failed");
      }
    }),
  );
});
