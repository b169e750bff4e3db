import { ProtocolError } from "../sansio/index.ts";

/** Why bytes are not a message of DCEP, as the hot path answers it. */
export type DcepDecodeFailure = "truncated" | "unknown-type" | "bad-length" | "bad-channel-type" | "bad-utf8";

export type DataChannelErrorCode =
  | "ERR_DCEP_TRUNCATED"
  | "ERR_DCEP_UNKNOWN_TYPE"
  | "ERR_DCEP_BAD_LENGTH"
  | "ERR_DCEP_BAD_CHANNEL_TYPE"
  | "ERR_DCEP_BAD_UTF8";

/** A peer sent something that is not DCEP as RFC 8832 has it. */
export class DataChannelError extends ProtocolError {
  override readonly name = "DataChannelError";
  readonly code: DataChannelErrorCode;

  constructor(code: DataChannelErrorCode, message: string, reference: string) {
    super(message, reference);
    this.code = code;
  }
}

const FAILURES: Readonly<
  Record<DcepDecodeFailure, { code: DataChannelErrorCode; text: string; reference: string }>
> = {
  truncated: {
    code: "ERR_DCEP_TRUNCATED",
    text: "is shorter than its fixed part",
    reference: "RFC 8832 §5",
  },
  "unknown-type": {
    code: "ERR_DCEP_UNKNOWN_TYPE",
    text: "is neither DATA_CHANNEL_OPEN nor DATA_CHANNEL_ACK",
    reference: "RFC 8832 §8.2.1",
  },
  "bad-length": {
    code: "ERR_DCEP_BAD_LENGTH",
    text: "does not have the length that its label and protocol lengths say",
    reference: "RFC 8832 §5.1",
  },
  "bad-channel-type": {
    code: "ERR_DCEP_BAD_CHANNEL_TYPE",
    text: "has a channel type that is not defined",
    reference: "RFC 8832 §5.1",
  },
  "bad-utf8": {
    code: "ERR_DCEP_BAD_UTF8",
    text: "has a label or a protocol that is not UTF-8",
    reference: "RFC 8832 §5.1",
  },
};

/** The failure of the hot path as an error for people. */
export function createDataChannelError(failure: DcepDecodeFailure, length: number): DataChannelError {
  const { code, text, reference } = FAILURES[failure];
  return new DataChannelError(code, `DCEP message of ${length} bytes ${text}`, reference);
}
