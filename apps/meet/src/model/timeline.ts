import type { CandidateCounts, CandidateFacts, TimelinePhase, TimelineSnapshot } from "@naru/client";

/** The four phases, in their order. */
export const PHASES: readonly TimelinePhase[] = ["exchange", "path", "security", "media"];

/** The phase a connection is in: the failed one, else the first that is not done, else `done`. */
export function currentPhase(timeline: TimelineSnapshot): TimelinePhase | "done" {
  const failed = PHASES.find((phase) => timeline[phase].state === "failed");
  return failed ?? PHASES.find((phase) => timeline[phase].state !== "done") ?? "done";
}

/**
 * Whether the ribbon may fold into the dot: nothing is under way any more. A media phase that waits for a camera
 * that nobody switched on is not under way.
 */
export function isSettled(timeline: TimelineSnapshot): boolean {
  if (timeline.outcome !== "connected") return false;
  return PHASES.every((phase) => {
    const { state } = timeline[phase];
    return state === "done" || (phase === "media" && !timeline.media.expected && state !== "failed");
  });
}

/** Milliseconds from the beginning to the end of the security phase: when the connection could carry something. */
export function connectedAfterMs(timeline: TimelineSnapshot): number | undefined {
  return timeline.security.endedAtMs ?? timeline.path.endedAtMs;
}

/** The candidate types that were seen, with their numbers: `host 2 · relay 1`. Undefined when there are none. */
export function candidateSummary(counts: CandidateCounts): string | undefined {
  const seen = (["host", "srflx", "prflx", "relay"] as const).filter((type) => counts[type] > 0);
  if (seen.length === 0) return undefined;
  const text = seen.map((type) => `${type} ${counts[type]}`).join(" · ");
  return counts.tcp > 0 ? `${text} (TCP ${counts.tcp})` : text;
}

/** Address and port of a candidate, or undefined where the browser hides it. IPv6 is bracketed (RFC 5952 §6). */
export function candidateAddress(candidate: CandidateFacts): string | undefined {
  if (candidate.address === undefined) return undefined;
  const host = candidate.address.includes(":") ? `[${candidate.address}]` : candidate.address;
  return candidate.port === undefined ? host : `${host}:${candidate.port}`;
}

/** A fingerprint of RFC 8122 §5 in lines: the hash function, then eight bytes each. */
export function fingerprintLines(fingerprint: string): readonly string[] {
  const [hash = "", bytes = ""] = fingerprint.split(" ");
  const lines = bytes.match(/(?:[0-9A-F]{2}:?){1,8}/gi) ?? [];
  return [hash, ...lines.map((line) => line.replace(/:$/, ""))];
}
