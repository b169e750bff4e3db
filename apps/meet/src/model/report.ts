import type { CandidateFacts, ConnectionStats, TimelineSnapshot } from "@naru/client";

/** What a report is made of. */
export interface ReportSource {
  readonly userAgent: string;
  readonly timeline: TimelineSnapshot;
  readonly stats: ConnectionStats | undefined;
}

/**
 * A connection as text for a bug report: JSON, so that it can be read by people and programs. Without `addresses`
 * it names no network address and no server.
 */
export function connectionReport(source: ReportSource, options: { readonly addresses: boolean }): string {
  const { userAgent, timeline, stats } = source;
  return JSON.stringify(
    {
      report: "naru connection",
      browser: userAgent,
      timeline: options.addresses ? timeline : withoutAddresses(timeline),
      now: stats,
    },
    undefined,
    2,
  );
}

function withoutAddresses(timeline: TimelineSnapshot): TimelineSnapshot {
  const { path, verdict } = timeline;
  const { selectedPair } = path;
  return {
    ...timeline,
    path: {
      ...path,
      selectedPair:
        selectedPair === undefined
          ? undefined
          : { ...selectedPair, local: hidden(selectedPair.local), remote: hidden(selectedPair.remote) },
      serverErrors: path.serverErrors.map(({ url, code, text }) => ({
        url: url.replace(/^(\w+):.*?(\?.*)?$/, "$1:…$2"),
        code,
        text: hideAddresses(text),
      })),
    },
    verdict:
      verdict === undefined
        ? undefined
        : { ...verdict, message: hideAddresses(verdict.message), action: hideAddresses(verdict.action) },
  };
}

function hidden(candidate: CandidateFacts): CandidateFacts {
  return { ...candidate, address: undefined, port: undefined };
}

/** Replaces what looks like an IPv4 or IPv6 address in a sentence. */
function hideAddresses(text: string): string {
  return text
    .replace(/\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b/g, "…")
    .replace(/\[?\b[0-9a-f]{0,4}(:[0-9a-f]{0,4}){3,7}\]?(:\d+)?/gi, "…");
}
