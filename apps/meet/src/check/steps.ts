/** What the page looks at, in this order. */
export const STEPS = ["secure", "devices", "signaling", "stun", "turnUdp", "turnTcp", "turnTls"] as const;

export type StepName = (typeof STEPS)[number];

/** Everything a step can come to, by a name that stays. */
export type StepCode =
  | "SECURE"
  | "NOT_SECURE"
  | "DEVICES"
  | "NO_CAMERA"
  | "NO_MICROPHONE"
  | "NO_DEVICES"
  | "SIGNALING"
  | "SIGNALING_FAILED"
  | "STUN"
  | "STUN_SILENT"
  | "STUN_OFF"
  | "RELAY"
  | "RELAY_SILENT"
  | "RELAY_UNREACHABLE"
  | "RELAY_REFUSED"
  | "RELAY_CERTIFICATE"
  | "RELAY_NO_ECHO"
  | "RELAY_NOT_OFFERED"
  | "NO_CREDENTIALS"
  | "NO_WEBRTC";

/** `warn`: calls work, with less than there could be. */
export type StepState = "waiting" | "running" | "ok" | "warn" | "failed" | "skipped";

/** What is known of a step. */
export interface StepResult {
  readonly state: StepState;
  readonly code: StepCode | undefined;
  /** Round trip in milliseconds, where one was measured. */
  readonly rttMs: number | undefined;
  /** More for the report: an error code of the browser, a candidate's type. */
  readonly detail: string | undefined;
}

export type Steps = Readonly<Record<StepName, StepResult>>;

const OK: ReadonlySet<StepCode> = new Set(["SECURE", "DEVICES", "SIGNALING", "STUN", "RELAY"]);
const WARN: ReadonlySet<StepCode> = new Set(["NO_CAMERA", "NO_MICROPHONE"]);
const SKIPPED: ReadonlySet<StepCode> = new Set(["STUN_OFF", "RELAY_NOT_OFFERED", "NO_CREDENTIALS"]);

export const WAITING: StepResult = { state: "waiting", code: undefined, rttMs: undefined, detail: undefined };
export const RUNNING: StepResult = { ...WAITING, state: "running" };

/** A step that has come to something; its state follows from the code. */
export function stepResult(
  code: StepCode,
  more: { readonly rttMs?: number; readonly detail?: string } = {},
): StepResult {
  const state = OK.has(code) ? "ok" : WARN.has(code) ? "warn" : SKIPPED.has(code) ? "skipped" : "failed";
  return { state, code, rttMs: more.rttMs, detail: more.detail };
}

/** What all steps together mean for a call. */
export type CheckVerdict =
  | "running"
  | "good"
  | "relayedOnly"
  | "noRelay"
  | "noPath"
  | "noWebrtc"
  | "unknown"
  | "noServer"
  | "notSecure";

/** The sentence that matters most. */
export function verdictOf(steps: Steps): CheckVerdict {
  if (STEPS.some((name) => steps[name].state === "waiting" || steps[name].state === "running"))
    return "running";
  if (steps.secure.state === "failed") return "notSecure";
  if (steps.signaling.state === "failed") return "noServer";
  const relays = [steps.turnUdp, steps.turnTcp, steps.turnTls];
  const codes = [steps.stun, ...relays].map(({ code }) => code);
  if (codes.includes("NO_WEBRTC")) return "noWebrtc";
  // Paths that were not tried are no paths that work; only what the server does not offer needs no trying.
  if (codes.includes("NO_CREDENTIALS")) return "unknown";
  const hasRelay = relays.some(({ state }) => state === "ok");
  const hasUdp = steps.stun.state === "ok" || steps.turnUdp.state === "ok";
  if (hasUdp) return hasRelay || relays.every(({ state }) => state === "skipped") ? "good" : "noRelay";
  if (hasRelay) return "relayedOnly";
  return relays.every(({ state }) => state === "skipped") && steps.stun.state === "skipped"
    ? "good"
    : "noPath";
}
