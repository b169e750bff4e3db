import type { SocketId, TransportAddress } from "../bytes/index.ts";
import type { Hmac } from "../crypto/index.ts";
import { type RandomSource, randomBytes } from "../sansio/index.ts";
import {
  ERROR_CODE,
  ICE_CONTROLLED,
  ICE_CONTROLLING,
  NOMINATION,
  PRIORITY,
  type StunAuthenticator,
  StunErrorNumber,
  type StunMessage,
  type StunMessageBuilder,
  StunMethod,
  TRANSACTION_ID_BYTES,
  UNKNOWN_ATTRIBUTES,
  USE_CANDIDATE,
  USERNAME,
  XOR_MAPPED_ADDRESS,
} from "../stun/index.ts";
import type { IceRole } from "./agent-options.ts";
import type { CandidatePair } from "./candidate-pair.ts";
import type { IceGeneration } from "./generation.ts";
import { peerReflexivePriority } from "./priority.ts";

/** Attributes of RFC 8445 that have to be understood; ICE-CONTROLLED and its like do not have to be. */
export const ICE_ATTRIBUTES: ReadonlySet<number> = new Set([PRIORITY.type, USE_CANDIDATE.type]);

/** Unknown attributes named in a 420 answer: enough to see what is wrong, few enough that the answer stays small. */
const MAX_UNKNOWN_NAMED = 8;

/** What a check of ours says beside who we are. */
export interface CheckContent {
  readonly role: IceRole;
  readonly tieBreaker: bigint;
  readonly isNominating: boolean;
  readonly nomination: number | undefined;
}

/** A check (RFC 8445 §7.1, §7.2.2): a new array, without USE-CANDIDATE and NOMINATION unless it nominates. */
export function encodeCheck(
  builder: StunMessageBuilder,
  random: RandomSource,
  pair: CandidatePair,
  content: CheckContent,
  authenticator: StunAuthenticator,
): Uint8Array {
  const { protocol, localPreference } = pair.local;
  builder
    .start("request", StunMethod.binding, randomBytes(random, TRANSACTION_ID_BYTES))
    .add(PRIORITY, peerReflexivePriority(protocol, localPreference))
    .add(content.role === "controlling" ? ICE_CONTROLLING : ICE_CONTROLLED, content.tieBreaker);
  if (content.isNominating) builder.add(USE_CANDIDATE, true);
  if (content.isNominating && content.nomination !== undefined) builder.add(NOMINATION, content.nomination);
  authenticator.authenticate(builder);
  // RFC 8445 §7.1: FINGERPRINT MUST be there.
  return builder.addFingerprint().finish().slice();
}

/** The answer to a check (RFC 8445 §7.3.1.2). Nothing of the request is repeated but its transaction id. */
export function encodeSuccess(
  builder: StunMessageBuilder,
  request: StunMessage,
  from: TransportAddress,
  key: Hmac,
): Uint8Array {
  return builder
    .start("success", StunMethod.binding, request.transactionId)
    .add(XOR_MAPPED_ADDRESS, from)
    .addIntegrity(key)
    .addFingerprint()
    .finish()
    .slice();
}

/** A refusal. */
export function encodeRefusal(
  builder: StunMessageBuilder,
  request: StunMessage,
  { code, key, unknown = [] }: Refusal,
): Uint8Array {
  builder.start("error", StunMethod.binding, request.transactionId).add(ERROR_CODE, { code, reason: "" });
  if (unknown.length > 0) builder.add(UNKNOWN_ATTRIBUTES, unknown.slice(0, MAX_UNKNOWN_NAMED));
  if (key !== undefined) builder.addIntegrity(key);
  return builder.addFingerprint().finish().slice();
}

/** Why a request is answered with an error. */
export interface Refusal {
  readonly type: "refuse";
  readonly code: number;
  /** Covers the answer, when the request was authentic. */
  readonly key?: Hmac;
  readonly unknown?: readonly number[];
}

/** A request that is authentic and is answered with success. */
export interface AcceptedCheck {
  readonly type: "accept";
  readonly generation: IceGeneration;
  /** The sender's user fragment. */
  readonly fragment: string;
  readonly priority: number;
  readonly isNominating: boolean;
  readonly nomination: number | undefined;
  /** The conflict of roles is solved by us changing ours. */
  readonly switchesRole: boolean;
}

/**
 * Decides about a Binding request whose FINGERPRINT is right (RFC 8445 §7.3, RFC 8489 §9.1.3). Changes nothing.
 *
 * @param generations - Those whose credentials are good, the newest first.
 */
export function judgeRequest(
  request: StunMessage,
  generations: readonly IceGeneration[],
  role: IceRole,
  tieBreaker: bigint,
): Refusal | AcceptedCheck {
  // RFC 8489 §9.1.3: without the name or the integrity it is a bad request.
  if (!request.has(USERNAME)) return { type: "refuse", code: StunErrorNumber.badRequest };
  let generation: IceGeneration | undefined;
  let fragment: string | undefined;
  for (const candidate of generations) {
    fragment = candidate.senderOf(request);
    if (fragment === undefined) continue;
    generation = candidate;
    break;
  }
  if (generation === undefined || fragment === undefined) {
    return { type: "refuse", code: StunErrorNumber.unauthenticated };
  }
  const key = generation.localKey;
  const integrity = request.checkIntegrity(key);
  if (integrity === "absent") return { type: "refuse", code: StunErrorNumber.badRequest };
  if (integrity === "wrong") return { type: "refuse", code: StunErrorNumber.unauthenticated };
  const unknown = request.unknownAttributes(ICE_ATTRIBUTES);
  if (unknown.length > 0) return { type: "refuse", code: StunErrorNumber.unknownAttribute, key, unknown };
  const priority = request.get(PRIORITY);
  if (priority === undefined) return { type: "refuse", code: StunErrorNumber.badRequest, key };
  const conflict = judgeRole(request, role, tieBreaker);
  if (conflict === "refuse") return { type: "refuse", code: StunErrorNumber.roleConflict, key };
  return {
    type: "accept",
    generation,
    fragment,
    priority,
    isNominating: request.has(USE_CANDIDATE),
    nomination: request.get(NOMINATION),
    switchesRole: conflict === "switch",
  };
}

/** RFC 8445 §7.3.1.1. */
function judgeRole(request: StunMessage, role: IceRole, tieBreaker: bigint): "agree" | "switch" | "refuse" {
  const theirs = request.get(role === "controlling" ? ICE_CONTROLLING : ICE_CONTROLLED);
  if (theirs === undefined) return "agree";
  const isOursLarger = tieBreaker >= theirs;
  if (role === "controlling") return isOursLarger ? "refuse" : "switch";
  return isOursLarger ? "switch" : "refuse";
}

/** Where the datagram that is being handled came from. */
export interface Arrival {
  route: SocketId;
  from: TransportAddress | undefined;
}

/** Authenticates the checks of one pair, and believes only answers that come back the way the check went. */
export class CheckAuthenticator implements StunAuthenticator {
  readonly #pair: CandidatePair;
  readonly #arrival: Arrival;

  constructor(pair: CandidatePair, arrival: Arrival) {
    this.#pair = pair;
    this.#arrival = arrival;
  }

  authenticate(builder: StunMessageBuilder): void {
    const { username, remoteKey } = this.#pair.generation;
    if (remoteKey === undefined) throw new TypeError("a check needs the other side's password");
    builder.add(USERNAME, username).addIntegrity(remoteKey);
  }

  accepts(response: StunMessage): boolean {
    const { generation, route, remote } = this.#pair;
    const { route: arrivedBy, from } = this.#arrival;
    // RFC 8445 §7.2.5.2.1: addresses have to be symmetric. An answer from elsewhere may be a copy that somebody on the
    // path has sent on, so that it fails nothing: it is treated as if it had not come.
    if (arrivedBy !== route || from === undefined || !from.equals(remote.address)) return false;
    return generation.remoteKey !== undefined && response.checkIntegrity(generation.remoteKey) === "valid";
  }
}
