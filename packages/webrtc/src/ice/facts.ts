import type { CandidateCounts } from "./candidate.ts";

/** What an agent did and saw: from it follows why there is no path. */
export interface IceFacts {
  readonly localCandidates: CandidateCounts;
  readonly remoteCandidates: CandidateCounts;
  readonly isLocalEnded: boolean;
  readonly isRemoteEnded: boolean;
  readonly hasRemoteParameters: boolean;
  readonly pairs: number;
  /** By the types of their ends, for example `host srflx`: how many pairs were checked and how many of them work. */
  readonly tried: Readonly<Record<string, { readonly checked: number; readonly valid: number }>>;
  readonly checksSent: number;
  readonly answersReceived: number;
  readonly requestsReceived: number;
  /** Requests to us, or answers, that somebody with other credentials made. */
  readonly wrongCredentials: number;
  readonly roleConflicts: number;
  readonly hadValidPair: boolean;
}

/** A STUN or TURN server that was of no use: what `RTCPeerConnectionIceErrorEvent` has. */
export interface IceServerError {
  readonly url: string;
  /** From where it was asked. */
  readonly address: string | undefined;
  readonly port: number | undefined;
  /** Of its refusal; 701 when it could not be reached (webrtc-pc §4.8.2). */
  readonly errorCode: number;
  readonly errorText: string;
}

/** The code for "no STUN or TURN server could be reached" (webrtc-pc §4.8.2). */
export const SERVER_UNREACHABLE = 701;

/**
 * Why there is no path. `no-parameters`: the other side's description never came. `no-local-candidates`,
 * `no-remote-candidates`: nothing to pair. `no-pair`: none of theirs fits one of ours (another family or protocol).
 * `wrong-credentials`: somebody is there and has other credentials. `relay-refused`: no direct way, and the TURN server
 * does not want us. `relay-unreachable`: no direct way, and no TURN server answered. `udp-blocked`: no server
 * answered over UDP. `no-answer`: checks went out and nothing came back. `path-lost`: it worked, and then broke.
 */
export type IceFailureReason =
  | "no-parameters"
  | "no-local-candidates"
  | "no-remote-candidates"
  | "no-pair"
  | "wrong-credentials"
  | "relay-refused"
  | "relay-unreachable"
  | "udp-blocked"
  | "no-answer"
  | "path-lost";

/** Says why there is no path, from what the agent and the gatherer saw. Ask when there is none. */
export function judgeIce(facts: IceFacts, serverErrors: readonly IceServerError[] = []): IceFailureReason {
  if (facts.hadValidPair) return "path-lost";
  if (!facts.hasRemoteParameters) return "no-parameters";
  if (total(facts.localCandidates) === 0) return "no-local-candidates";
  if (total(facts.remoteCandidates) === 0) return "no-remote-candidates";
  if (facts.pairs === 0) return "no-pair";
  if (facts.wrongCredentials > 0 && facts.answersReceived === 0) return "wrong-credentials";
  if (facts.localCandidates.relay > 0) return "no-answer";
  const refused = serverErrors.some(({ url, errorCode }) => isTurn(url) && errorCode !== SERVER_UNREACHABLE);
  if (refused) return "relay-refused";
  const silent = serverErrors.filter(({ errorCode }) => errorCode === SERVER_UNREACHABLE);
  const isUdpSilent = facts.localCandidates.srflx === 0 && silent.some(({ url }) => !isTcp(url));
  if (isUdpSilent) return "udp-blocked";
  return silent.some(({ url }) => isTurn(url)) ? "relay-unreachable" : "no-answer";
}

function total({ host, srflx, prflx, relay }: CandidateCounts): number {
  return host + srflx + prflx + relay;
}

function isTurn(url: string): boolean {
  return url.startsWith("turn");
}

function isTcp(url: string): boolean {
  return url.startsWith("turns:") || url.includes("transport=tcp");
}
