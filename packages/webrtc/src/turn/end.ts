import type { Millis } from "../sansio/index.ts";
import { StunErrorNumber, type StunErrorValue, type StunFailureReason } from "../stun/index.ts";

/**
 * Why an allocation is over, or never came about.
 *
 * `released`: its owner closed it. `unreachable`: no connection to the server. `no-answer`: the server is silent.
 * `connection-lost`: what carried it is gone. `unauthorized`: the server does not accept the credentials. `forbidden`,
 * `quota-reached`, `no-capacity`, `unsupported`, `bad-request`, `server-error`: it refuses. `mismatch`: it holds
 * another's allocation for each address we came from. `redirect-loop`: it sends us elsewhere without end.
 * `bad-answer`: its answers cannot be used. `expired`: it could not be refreshed in time. `gone`: the server does not
 * know it any more.
 */
export type TurnEndReason =
  | "released"
  | "unreachable"
  | "no-answer"
  | "connection-lost"
  | "unauthorized"
  | "forbidden"
  | "quota-reached"
  | "no-capacity"
  | "unsupported"
  | "bad-request"
  | "server-error"
  | "mismatch"
  | "redirect-loop"
  | "bad-answer"
  | "expired"
  | "gone";

/** The end of an allocation. */
export interface TurnEnd {
  readonly reason: TurnEndReason;
  /** What happened, in words for people. */
  readonly message: string;
  /** The refusal that led to it. */
  readonly error: StunErrorValue | undefined;
  /** How long to wait before the same server is asked for an allocation again; 0 for no particular time. */
  readonly retryAfterMs: Millis;
}

const WORDS: Readonly<Record<TurnEndReason, string>> = {
  released: "the allocation was released",
  unreachable: "the TURN server cannot be reached",
  "no-answer": "the TURN server does not answer",
  "connection-lost": "the connection to the TURN server was lost",
  unauthorized: "the TURN server does not accept the user name or password",
  forbidden: "the TURN server does not allow it",
  "quota-reached": "the user has as many allocations on the TURN server as it allows",
  "no-capacity": "the TURN server has no relayed address left of the kind that was asked for",
  unsupported: "the TURN server does not support what was asked for",
  "bad-request": "the TURN server did not understand the request",
  "server-error": "the TURN server has a problem of its own",
  mismatch: "the TURN server holds another allocation for every address it was asked from",
  "redirect-loop": "TURN servers referred to each other without end",
  "bad-answer": "the answer of the TURN server cannot be used",
  expired: "the allocation could not be refreshed before it expired",
  gone: "the TURN server does not know the allocation any more",
};

/** RFC 8656 §7.4: 486 and 508 are not asked again for a minute, a server given up after 437 not for two. */
const RETRY_AFTER_MS: Partial<Record<TurnEndReason, Millis>> = {
  "quota-reached": 60_000,
  "no-capacity": 60_000,
  mismatch: 120_000,
};

/** The end for `reason`, with what is known about it. */
export function createEnd(
  reason: TurnEndReason,
  details: { error?: StunErrorValue; detail?: string } = {},
): TurnEnd {
  const { error, detail } = details;
  const more = error === undefined ? detail : `${error.code}${error.reason === "" ? "" : ` ${error.reason}`}`;
  return {
    reason,
    message: more === undefined ? WORDS[reason] : `${WORDS[reason]} (${more})`,
    error,
    retryAfterMs: RETRY_AFTER_MS[reason] ?? 0,
  };
}

/** What a refusal means for an allocation (RFC 8656 §7.4). */
export function reasonOfRefusal(code: number): TurnEndReason {
  switch (code) {
    case StunErrorNumber.unauthenticated:
    case StunErrorNumber.staleNonce:
    case StunErrorNumber.wrongCredentials:
      return "unauthorized";
    case StunErrorNumber.forbidden:
      return "forbidden";
    case StunErrorNumber.unknownAttribute:
    case StunErrorNumber.addressFamilyNotSupported:
    case StunErrorNumber.unsupportedTransportProtocol:
      return "unsupported";
    case StunErrorNumber.allocationMismatch:
      return "mismatch";
    case StunErrorNumber.allocationQuotaReached:
      return "quota-reached";
    case StunErrorNumber.insufficientCapacity:
      return "no-capacity";
    default:
      return code >= 500 ? "server-error" : "bad-request";
  }
}

/** What a request without an answer means for an allocation. */
export function reasonOfFailure(reason: StunFailureReason): TurnEndReason {
  switch (reason) {
    case "timeout":
      return "no-answer";
    case "transport":
      return "connection-lost";
    case "integrity":
    case "unsupported":
    case "malformed":
      return "bad-answer";
    default:
      return reason satisfies never;
  }
}
