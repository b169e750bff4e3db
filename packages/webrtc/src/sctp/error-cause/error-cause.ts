import { copyBytes } from "../../bytes/index.ts";
import { encodeParameter, ParameterCursor } from "../parameter/parameter.ts";

/** Error causes (RFC 9260 §3.3.10). */
export const CauseCode = {
  invalidStreamIdentifier: 1,
  missingMandatoryParameter: 2,
  staleCookie: 3,
  outOfResource: 4,
  unresolvableAddress: 5,
  unrecognizedChunkType: 6,
  invalidMandatoryParameter: 7,
  unrecognizedParameters: 8,
  noUserData: 9,
  cookieReceivedWhileShuttingDown: 10,
  restartWithNewAddresses: 11,
  userInitiatedAbort: 12,
  protocolViolation: 13,
} as const;

const CAUSE_NAMES: Readonly<Record<number, string>> = {
  1: "Invalid Stream Identifier",
  2: "Missing Mandatory Parameter",
  3: "Stale Cookie",
  4: "Out of Resource",
  5: "Unresolvable Address",
  6: "Unrecognized Chunk Type",
  7: "Invalid Mandatory Parameter",
  8: "Unrecognized Parameters",
  9: "No User Data",
  10: "Cookie Received While Shutting Down",
  11: "Restart of an Association with New Addresses",
  12: "User-Initiated Abort",
  13: "Protocol Violation",
};

/** One error cause: its code, and the rest of it. */
export interface ErrorCause {
  readonly code: number;
  /** Cause-specific information, owned. */
  readonly information: Uint8Array;
}

/** Causes looked at in one chunk: they are for people. */
const MAX_CAUSES = 8;
/** Characters of a reason that are worth showing. */
const MAX_REASON_BYTES = 200;

const decoder = new TextDecoder();

/** Reads causes; undefined when one reaches beyond the end. At most 8 are kept. */
export function decodeErrorCauses(value: Uint8Array): readonly ErrorCause[] | undefined {
  const causes: ErrorCause[] = [];
  const cursor = new ParameterCursor(value);
  for (;;) {
    const step = cursor.next();
    if (step === "end" || causes.length === MAX_CAUSES) return causes;
    if (step === "bad-length") return undefined;
    causes.push({ code: cursor.type, information: copyBytes(cursor.value) });
  }
}

/** A whole cause. */
export function encodeCause(code: number, information: Uint8Array): Uint8Array {
  return encodeParameter(code, information);
}

/** Encoded causes one behind the other. */
export function concatCauses(causes: readonly Uint8Array[]): Uint8Array {
  const value = new Uint8Array(causes.reduce((length, cause) => length + cause.length, 0));
  let offset = 0;
  for (const cause of causes) {
    value.set(cause, offset);
    offset += cause.length;
  }
  return value;
}

/** A cause in words, for logs and verdicts. Text of the peer has its control characters replaced. */
export function describeCause(cause: ErrorCause): string {
  const name = CAUSE_NAMES[cause.code] ?? `cause ${cause.code}`;
  if (cause.code !== CauseCode.userInitiatedAbort && cause.code !== CauseCode.protocolViolation) return name;
  if (cause.information.length === 0) return name;
  const text = decoder.decode(cause.information.subarray(0, MAX_REASON_BYTES));
  return `${name}: ${text.replaceAll(/[\p{Cc}\p{Cf}]/gu, "�")}`;
}
