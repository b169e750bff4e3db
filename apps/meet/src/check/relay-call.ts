import { type StepResult, stepResult } from "./steps.ts";

/** One TURN server. */
export interface RelayServer {
  readonly url: string;
  readonly username: string;
  readonly credential: string;
}

/** A browser needs some ten seconds to be sure that nobody answers. */
const TIMEOUT_MS = 15_000;
const ECHOES = 5;

/** webrtc-pc §4.8.1.2 (icecandidateerror): no answer from the server. */
const ERROR_UNREACHABLE = 701;

/**
 * A call of the page with itself in which both ends may use nothing but one TURN server: proves that it can be reached, takes
 * the credentials, and relays; measures the round trip through it.
 */
export async function callThroughRelay(server: RelayServer): Promise<StepResult> {
  const configuration: RTCConfiguration = {
    iceServers: [{ urls: [server.url], username: server.username, credential: server.credential }],
    iceTransportPolicy: "relay",
  };
  const [near, far] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
  const errors: { readonly code: number; readonly text: string }[] = [];
  let relayed = 0;
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.addEventListener("icecandidateerror", ({ errorCode, errorText }) => {
      errors.push({ code: errorCode, text: errorText });
    });
    from.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate === null) return;
      if (candidate.candidate !== "") relayed++;
      // The other end may be closed by now.
      to.addIceCandidate(candidate).catch(() => undefined);
    });
  }
  try {
    const rttMs = await withTimeout(echo(near, far), TIMEOUT_MS);
    if (rttMs !== undefined) return stepResult("RELAY", { rttMs, detail: await describePair(near) });
    return failure(server.url, relayed, errors);
  } finally {
    near.close();
    far.close();
  }
}

function failure(
  url: string,
  relayed: number,
  errors: readonly { readonly code: number; readonly text: string }[],
): StepResult {
  const detail = errors
    .map(({ code, text }) => `${code} ${text}`.trim())
    .join("; ")
    .slice(0, 300);
  if (relayed > 0) return stepResult("RELAY_NO_ECHO", { detail });
  const refusal = errors.find(({ code }) => code >= 300 && code < ERROR_UNREACHABLE);
  if (refusal !== undefined) return stepResult("RELAY_REFUSED", { detail });
  if (url.startsWith("turns:")) return stepResult("RELAY_CERTIFICATE", { detail });
  return stepResult(url.includes("transport=udp") ? "RELAY_SILENT" : "RELAY_UNREACHABLE", { detail });
}

/** Connects two ends and returns the shortest of some round trips. */
async function echo(near: RTCPeerConnection, far: RTCPeerConnection): Promise<number> {
  const channel = near.createDataChannel("check");
  far.addEventListener("datachannel", ({ channel: other }) => {
    other.addEventListener("message", ({ data }) => other.send(data));
  });
  const opened = new Promise<unknown>((resolve) => channel.addEventListener("open", resolve, { once: true }));
  await near.setLocalDescription();
  if (near.localDescription !== null) await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  if (far.localDescription !== null) await near.setRemoteDescription(far.localDescription);
  await opened;
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ECHOES; i++) {
    const sentAt = performance.now();
    const answered = new Promise<unknown>((resolve) =>
      channel.addEventListener("message", resolve, { once: true }),
    );
    channel.send(`${i}`);
    await answered;
    shortest = Math.min(shortest, performance.now() - sentAt);
  }
  return shortest;
}

/** How the packets go, as the browser tells: `relay over tls to relay`. */
async function describePair(peer: RTCPeerConnection): Promise<string> {
  const report = await peer.getStats();
  const byId = new Map<string, Readonly<Record<string, unknown>>>();
  report.forEach((entry: { readonly id: string }) => {
    byId.set(entry.id, { ...entry });
  });
  for (const entry of byId.values()) {
    if (entry["type"] !== "candidate-pair" || entry["nominated"] !== true || entry["state"] !== "succeeded")
      continue;
    const local = byId.get(String(entry["localCandidateId"]));
    const remote = byId.get(String(entry["remoteCandidateId"]));
    return `${local?.["candidateType"]} over ${local?.["relayProtocol"]} to ${remote?.["candidateType"]}`;
  }
  return "";
}

/** What a promise comes to, or undefined when that takes too long or it fails. */
export async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([promise.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
