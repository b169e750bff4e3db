import { describe, expect, test } from "vitest";
import { RUNNING, STEPS, type StepCode, type StepName, type Steps, stepResult, verdictOf } from "./steps.ts";

const WELL: Readonly<Record<StepName, StepCode>> = {
  secure: "SECURE",
  devices: "DEVICES",
  signaling: "SIGNALING",
  stun: "STUN",
  turnUdp: "RELAY",
  turnTcp: "RELAY",
  turnTls: "RELAY",
};

function steps(changes: Partial<Record<StepName, StepCode>>): Steps {
  const codes = { ...WELL, ...changes };
  const [secure, devices, signaling, stun, turnUdp, turnTcp, turnTls] = STEPS.map((name) =>
    stepResult(codes[name]),
  );
  if (!secure || !devices || !signaling || !stun || !turnUdp || !turnTcp || !turnTls)
    throw new Error("a step is missing");
  return { secure, devices, signaling, stun, turnUdp, turnTcp, turnTls };
}

describe("what the steps mean for a call", () => {
  test.each([
    [{}, "good"],
    [{ turnTls: "RELAY_CERTIFICATE" }, "good"],
    [{ devices: "NO_CAMERA" }, "good"],
    [{ stun: "STUN_SILENT", turnUdp: "RELAY_SILENT" }, "relayedOnly"],
    [{ turnUdp: "RELAY_NO_ECHO", turnTcp: "RELAY_UNREACHABLE", turnTls: "RELAY_UNREACHABLE" }, "noRelay"],
    [
      {
        stun: "STUN_SILENT",
        turnUdp: "RELAY_SILENT",
        turnTcp: "RELAY_UNREACHABLE",
        turnTls: "RELAY_UNREACHABLE",
      },
      "noPath",
    ],
    [{ turnUdp: "RELAY_NOT_OFFERED", turnTcp: "RELAY_NOT_OFFERED", turnTls: "RELAY_NOT_OFFERED" }, "good"],
    [
      {
        stun: "STUN_OFF",
        turnUdp: "RELAY_NOT_OFFERED",
        turnTcp: "RELAY_NOT_OFFERED",
        turnTls: "RELAY_NOT_OFFERED",
      },
      "good",
    ],
    [
      {
        stun: "NO_CREDENTIALS",
        turnUdp: "NO_CREDENTIALS",
        turnTcp: "NO_CREDENTIALS",
        turnTls: "NO_CREDENTIALS",
      },
      "unknown",
    ],
    [{ stun: "NO_WEBRTC", turnUdp: "NO_WEBRTC", turnTcp: "NO_WEBRTC", turnTls: "NO_WEBRTC" }, "noWebrtc"],
    [{ signaling: "SIGNALING_FAILED" }, "noServer"],
    [{ secure: "NOT_SECURE", signaling: "SIGNALING_FAILED" }, "notSecure"],
  ] as const)("%o: %s", (changes, verdict) => {
    expect(verdictOf(steps(changes))).toBe(verdict);
  });

  test("a browser without WebRTC has failed, not been skipped", () => {
    expect(stepResult("NO_WEBRTC").state).toBe("failed");
  });

  test("nothing is said before all are done", () => {
    expect(verdictOf({ ...steps({}), turnTls: RUNNING })).toBe("running");
  });
});
