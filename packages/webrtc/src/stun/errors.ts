import { ProtocolError } from "../sansio/index.ts";

/** Why bytes are not a STUN message, as the hot path answers it. */
export type StunDecodeFailure =
  | "truncated"
  | "not-stun"
  | "bad-length"
  | "truncated-attribute"
  | "too-many-attributes"
  | "fingerprint-not-last";

export type StunErrorCode =
  | "ERR_STUN_TRUNCATED"
  | "ERR_STUN_NOT_STUN"
  | "ERR_STUN_BAD_LENGTH"
  | "ERR_STUN_TRUNCATED_ATTRIBUTE"
  | "ERR_STUN_TOO_MANY_ATTRIBUTES"
  | "ERR_STUN_FINGERPRINT_NOT_LAST";

/** A peer or the network sent something that is not STUN as RFC 8489 has it. */
export class StunError extends ProtocolError {
  override readonly name = "StunError";
  readonly code: StunErrorCode;

  constructor(code: StunErrorCode, message: string, reference: string) {
    super(message, reference);
    this.code = code;
  }
}

const FAILURES: Readonly<
  Record<StunDecodeFailure, { code: StunErrorCode; text: string; reference: string }>
> = {
  truncated: {
    code: "ERR_STUN_TRUNCATED",
    text: "is shorter than the 20 bytes of the header alone",
    reference: "RFC 8489 §5",
  },
  "not-stun": {
    code: "ERR_STUN_NOT_STUN",
    text: "does not start with two zero bits and carry the magic cookie 0x2112a442",
    reference: "RFC 8489 §5",
  },
  "bad-length": {
    code: "ERR_STUN_BAD_LENGTH",
    text: "has a length field that is no multiple of 4 or does not match the datagram",
    reference: "RFC 8489 §5",
  },
  "truncated-attribute": {
    code: "ERR_STUN_TRUNCATED_ATTRIBUTE",
    text: "has an attribute that reaches beyond the end of the message",
    reference: "RFC 8489 §14",
  },
  "too-many-attributes": {
    code: "ERR_STUN_TOO_MANY_ATTRIBUTES",
    text: "has more attributes than any use of STUN needs",
    reference: "RFC 8489 §14",
  },
  "fingerprint-not-last": {
    code: "ERR_STUN_FINGERPRINT_NOT_LAST",
    text: "has an attribute after FINGERPRINT",
    reference: "RFC 8489 §14.7",
  },
};

/** The failure of the hot path as an error for people. */
export function createStunError(failure: StunDecodeFailure, length: number): StunError {
  const { code, text, reference } = FAILURES[failure];
  return new StunError(code, `STUN message of ${length} bytes ${text}`, reference);
}
