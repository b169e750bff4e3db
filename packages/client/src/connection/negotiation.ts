/** What perfect negotiation (webrtc-pc §10.7) does with a description that came. */
export type DescriptionDecision =
  /** Apply it; an offer is answered, and rolls an offer of our own back (implicit rollback, webrtc-pc §4.4.1.5). */
  | "apply"
  /** Our own offer stands: the polite side takes its own back. */
  | "ignore"
  /** An answer to nothing that we are waiting for. */
  | "stale";

/** What the decision is made from. */
export interface NegotiationFacts {
  readonly polite: boolean;
  readonly signalingState: RTCSignalingState;
  /** Origin of the offer that waits for its answer. */
  readonly localOffer: string | undefined;
  /** What an answer is marked with; undefined when it is not marked. */
  readonly answers: string | undefined;
}

/**
 * Decides, given that descriptions are handled one at a time: no operation of ours is under way, so the signaling
 * state is the truth, and the flags of webrtc-pc §10.7 are not needed.
 */
export function decideDescription(type: "offer" | "answer", facts: NegotiationFacts): DescriptionDecision {
  if (type === "answer") {
    if (facts.signalingState !== "have-local-offer") return "stale";
    return facts.answers === undefined || facts.answers === facts.localOffer ? "apply" : "stale";
  }
  return facts.signalingState === "stable" || facts.polite ? "apply" : "ignore";
}
