import type { ConnectionOutcome, ConnectionStats } from "@naru/client";

/** A connection's quality in one word, as the dot shows it. */
export type Quality = "good" | "fair" | "poor" | "bad" | "unknown";

/**
 * From what was measured over the last second or two. Above 150 ms one way people begin to talk over each other
 * (ITU-T G.114), and speech with concealment stays clear up to a few per cent of loss.
 */
export function connectionQuality(outcome: ConnectionOutcome, stats: ConnectionStats | undefined): Quality {
  if (outcome === "failed" || outcome === "closed" || outcome === "recovering") return "bad";
  if (outcome === "connecting" || stats === undefined) return "unknown";
  const { roundTripMs, inboundLoss } = stats;
  if (roundTripMs === undefined && inboundLoss === undefined) return "unknown";
  if ((roundTripMs ?? 0) > 500 || (inboundLoss ?? 0) > 0.08) return "poor";
  if ((roundTripMs ?? 0) > 250 || (inboundLoss ?? 0) > 0.02) return "fair";
  return "good";
}
