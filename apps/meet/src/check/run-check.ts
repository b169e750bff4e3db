import { SIGNALING_PATH, WEBSOCKET_SUBPROTOCOL } from "@naru/client";
import { callThroughRelay, withTimeout } from "./relay-call.ts";
import { RUNNING, STEPS, type StepName, type StepResult, type Steps, stepResult, WAITING } from "./steps.ts";

/** Answer of `/api/check-credentials`. */
interface CheckCredentials {
  readonly stun: readonly string[];
  readonly turn: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** What the page was opened with. */
export interface CheckOptions {
  /** Room and token, where the server wants one. */
  readonly room: string | undefined;
  readonly token: string | undefined;
  /** Nothing more is tried, and nothing told, once this is aborted; a step under way ends by itself. */
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 8_000;
/** Browsers give up on a silent STUN server after some ten seconds. */
const STUN_TIMEOUT_MS = 12_000;
const PINGS = 5;

/** Nothing is known yet. */
export const NOTHING_DONE: Steps = {
  secure: WAITING,
  devices: WAITING,
  signaling: WAITING,
  stun: WAITING,
  turnUdp: WAITING,
  turnTcp: WAITING,
  turnTls: WAITING,
};

/**
 * Checks everything that a call needs, one after the other.
 *
 * @param onChange - Told whenever more is known.
 */
export async function runCheck(options: CheckOptions, onChange: (steps: Steps) => void): Promise<Steps> {
  let steps = NOTHING_DONE;
  const put = (name: StepName, result: StepResult): void => {
    if (options.signal.aborted) return;
    steps = { ...steps, [name]: result };
    onChange(steps);
  };
  let credentials: CheckCredentials | string | undefined;
  for (const name of STEPS) {
    if (options.signal.aborted) break;
    put(name, RUNNING);
    if (name === "stun") credentials = await fetchCredentials(options);
    put(name, await runStep(name, credentials));
  }
  return steps;
}

async function runStep(
  name: StepName,
  credentials: CheckCredentials | string | undefined,
): Promise<StepResult> {
  switch (name) {
    case "secure":
      return stepResult(isSecureContext ? "SECURE" : "NOT_SECURE");
    case "devices":
      return checkDevices();
    case "signaling":
      return checkSignaling();
    case "stun":
      return checkStun(credentials);
    case "turnUdp":
      return checkRelay(credentials, (url) => url.startsWith("turn:") && url.endsWith("transport=udp"));
    case "turnTcp":
      return checkRelay(credentials, (url) => url.startsWith("turn:") && url.endsWith("transport=tcp"));
    case "turnTls":
      return checkRelay(credentials, (url) => url.startsWith("turns:"));
    default:
      return name satisfies never;
  }
}

/** Looks for devices without switching one on. */
async function checkDevices(): Promise<StepResult> {
  const { mediaDevices } = navigator;
  // Absent in insecure contexts, whatever its type says.
  const found = mediaDevices ? await mediaDevices.enumerateDevices().catch(() => []) : [];
  const has = (kind: MediaDeviceKind): boolean => found.some((device) => device.kind === kind);
  const detail = `${found.length} devices`;
  if (has("audioinput") && has("videoinput")) return stepResult("DEVICES", { detail });
  if (has("audioinput")) return stepResult("NO_CAMERA", { detail });
  return stepResult(has("videoinput") ? "NO_MICROPHONE" : "NO_DEVICES", { detail });
}

/** Opens a WebSocket as a call would, and measures the way to the server and back. */
async function checkSignaling(): Promise<StepResult> {
  const url = `${location.origin.replace(/^http/, "ws")}${SIGNALING_PATH}`;
  const socket = new WebSocket(url, WEBSOCKET_SUBPROTOCOL);
  try {
    const rttMs = await withTimeout(pings(socket), TIMEOUT_MS);
    return rttMs === undefined ? stepResult("SIGNALING_FAILED") : stepResult("SIGNALING", { rttMs });
  } finally {
    socket.close();
  }
}

async function pings(socket: WebSocket): Promise<number> {
  await once(socket, "open");
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < PINGS; i++) {
    const sentAt = performance.now();
    socket.send('{"type":"ping"}');
    await once(socket, "message");
    shortest = Math.min(shortest, performance.now() - sentAt);
  }
  return shortest;
}

function once(socket: WebSocket, type: "open" | "message"): Promise<unknown> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(type, resolve, { once: true });
    socket.addEventListener("close", reject, { once: true });
  });
}

async function fetchCredentials({ room, token }: CheckOptions): Promise<CheckCredentials | string> {
  const query = room === undefined ? "" : `?room=${encodeURIComponent(room)}`;
  try {
    const response = await fetch(`/api/check-credentials${query}`, {
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body: CheckCredentials & { readonly problem?: string } = await response.json();
    return response.ok ? body : (body.problem ?? `HTTP ${response.status}`);
  } catch (error) {
    return String(error);
  }
}

async function checkStun(credentials: CheckCredentials | string | undefined): Promise<StepResult> {
  if (typeof RTCPeerConnection === "undefined") return stepResult("NO_WEBRTC");
  if (credentials === undefined || typeof credentials === "string") {
    return stepResult("NO_CREDENTIALS", { detail: credentials ?? "" });
  }
  const [url] = credentials.stun;
  if (url === undefined) return stepResult("STUN_OFF");
  const peer = new RTCPeerConnection({ iceServers: [{ urls: [url] }] });
  try {
    const detail = await withTimeout(gather(peer), STUN_TIMEOUT_MS);
    return detail === undefined ? stepResult("STUN_SILENT") : stepResult("STUN", { detail });
  } finally {
    peer.close();
  }
}

/**
 * Waits for a server-reflexive candidate. Where the server sees the address that this device has anyway, there is none, and
 * gathering ends without an error (RFC 8445 §5.1.3: redundant candidates).
 */
async function gather(peer: RTCPeerConnection): Promise<string> {
  peer.createDataChannel("check");
  const outcome = new Promise<string>((resolve, reject) => {
    let problem: string | undefined;
    peer.addEventListener("icecandidateerror", ({ errorCode, errorText }) => {
      problem = `${errorCode} ${errorText}`;
    });
    peer.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate?.type === "srflx") resolve("srflx");
      if (candidate === null) problem === undefined ? resolve("same address") : reject(new Error(problem));
    });
  });
  await peer.setLocalDescription();
  return outcome;
}

async function checkRelay(
  credentials: CheckCredentials | string | undefined,
  isWanted: (url: string) => boolean,
): Promise<StepResult> {
  if (typeof RTCPeerConnection === "undefined") return stepResult("NO_WEBRTC");
  if (credentials === undefined || typeof credentials === "string") {
    return stepResult("NO_CREDENTIALS", { detail: credentials ?? "" });
  }
  const { turn, username, credential } = credentials;
  const url = turn.find(isWanted);
  if (url === undefined || username === undefined || credential === undefined)
    return stepResult("RELAY_NOT_OFFERED");
  return callThroughRelay({ url, username, credential });
}
