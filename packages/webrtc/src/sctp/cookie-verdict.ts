import type { SctpState } from "./events.ts";
import type { StateCookie } from "./state-cookie.ts";

/** What an association knows when a cookie comes back. */
export interface CookieSituation {
  readonly state: SctpState;
  readonly localTag: number;
  /** Undefined when it is not known yet. */
  readonly peerTag: number | undefined;
}

/**
 * What to do with a cookie of ours (RFC 9260 §5.1.5, §5.2.4).
 *
 * - `accept`: establish with what it says. There was nothing, or both started at the same time (B).
 * - `repeat`: the answer to our own, or a repetition: acknowledge it (D).
 * - `restart`: the peer has forgotten everything (A).
 * - `stillShuttingDown`: the same while we shut down.
 * - `ignore`: it has come too late (C), or is not in the table.
 */
export type CookieVerdict = "accept" | "repeat" | "restart" | "stillShuttingDown" | "ignore";

export function judgeCookie(cookie: StateCookie, situation: CookieSituation): CookieVerdict {
  const { state, localTag, peerTag } = situation;
  if (state === "closed") return "accept";
  const isLocalTag = cookie.localTag === localTag;
  const isPeerTag = cookie.peer.tag === peerTag;
  // RFC 9260 table 12, with the letters of its actions.
  if (isLocalTag) return isPeerTag ? "repeat" : "accept";
  const isTied = cookie.localTieTag === localTag && cookie.peerTieTag === peerTag;
  if (isPeerTag || !isTied) return "ignore";
  return state === "shutdownAckSent" ? "stillShuttingDown" : "restart";
}
