import { ProtocolError } from "../sansio/index.ts";

export type SdpErrorCode =
  /** Larger than {@link SdpLimits} allows. */
  | "ERR_SDP_TOO_LARGE"
  /** A line that is not `type=value`, or of a type that may not stand there. */
  | "ERR_SDP_SYNTAX"
  /** A line whose value is not what its type or attribute requires. */
  | "ERR_SDP_VALUE";

/** What is wrong with a description and where, as {@link safeParseSdp} answers it. */
export interface SdpFailure {
  readonly code: SdpErrorCode;
  /** What was expected and what came. */
  readonly message: string;
  /** Line that is wrong, from 1; what `RTCError.sdpLineNumber` needs. */
  readonly line: number;
}

/** A session description that breaks RFC 8866 or the rules of an attribute. */
export class SdpError extends ProtocolError {
  override readonly name = "SdpError";
  readonly code: SdpErrorCode;
  /** Line that is wrong, from 1. */
  readonly line: number;

  constructor(failure: SdpFailure) {
    super(`line ${failure.line}: ${failure.message}`, "RFC 8866 §9");
    this.code = failure.code;
    this.line = failure.line;
  }
}
