import { ProtocolError } from "../sansio/index.ts";

/** Why bytes are not an SCTP packet, as the hot path answers it. */
export type SctpDecodeFailure = "truncated" | "bad-checksum" | "bad-chunk-length" | "bad-chunk" | "no-chunk";

export type SctpErrorCode =
  | "ERR_SCTP_TRUNCATED"
  | "ERR_SCTP_BAD_CHECKSUM"
  | "ERR_SCTP_BAD_CHUNK_LENGTH"
  | "ERR_SCTP_BAD_CHUNK"
  | "ERR_SCTP_NO_CHUNK"
  | "ERR_SCTP_BAD_INIT";

/** A peer or the network sent something that is not SCTP as RFC 9260 has it. */
export class SctpError extends ProtocolError {
  override readonly name = "SctpError";
  readonly code: SctpErrorCode;

  constructor(code: SctpErrorCode, message: string, reference: string) {
    super(message, reference);
    this.code = code;
  }
}

const FAILURES: Readonly<
  Record<SctpDecodeFailure, { code: SctpErrorCode; text: string; reference: string }>
> = {
  truncated: {
    code: "ERR_SCTP_TRUNCATED",
    text: "is shorter than the 12 bytes of the common header",
    reference: "RFC 9260 §3.1",
  },
  "bad-checksum": {
    code: "ERR_SCTP_BAD_CHECKSUM",
    text: "has a checksum that is not that of its bytes",
    reference: "RFC 9260 §6.8",
  },
  "bad-chunk-length": {
    code: "ERR_SCTP_BAD_CHUNK_LENGTH",
    text: "has a chunk that is shorter than its header or reaches beyond the end of the packet",
    reference: "RFC 9260 §3.2",
  },
  "bad-chunk": {
    code: "ERR_SCTP_BAD_CHUNK",
    text: "has a chunk whose content is not what its type says",
    reference: "RFC 9260 §3.3",
  },
  "no-chunk": {
    code: "ERR_SCTP_NO_CHUNK",
    text: "has no chunk",
    reference: "RFC 9260 §3",
  },
};

/** The failure of the hot path as an error for people. */
export function createSctpError(failure: SctpDecodeFailure, length: number): SctpError {
  const { code, text, reference } = FAILURES[failure];
  return new SctpError(code, `SCTP packet of ${length} bytes ${text}`, reference);
}
