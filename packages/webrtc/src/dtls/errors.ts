import { ProtocolError } from "../sansio/index.ts";
import type { AlertName } from "./alert.ts";

/** Why a handshake message is refused or an association ends. */
export type DtlsErrorCode =
  | "ERR_DTLS_MALFORMED"
  | "ERR_DTLS_UNEXPECTED_MESSAGE"
  | "ERR_DTLS_ILLEGAL_PARAMETER"
  | "ERR_DTLS_NO_COMMON_VERSION"
  | "ERR_DTLS_NO_COMMON_PARAMETERS"
  | "ERR_DTLS_NO_EXTENDED_MASTER_SECRET"
  | "ERR_DTLS_DOWNGRADE"
  | "ERR_DTLS_BAD_COOKIE"
  | "ERR_DTLS_BAD_CERTIFICATE"
  | "ERR_DTLS_NO_CERTIFICATE"
  | "ERR_DTLS_BAD_SIGNATURE"
  | "ERR_DTLS_BAD_FINISHED"
  | "ERR_DTLS_FINGERPRINT_MISMATCH"
  | "ERR_DTLS_CERTIFICATE_REFUSED"
  | "ERR_DTLS_PEER_ALERT"
  | "ERR_DTLS_TIMEOUT"
  | "ERR_DTLS_LIMIT";

/** A peer or the network broke DTLS, or what was agreed with it. */
export class DtlsError extends ProtocolError {
  override readonly name = "DtlsError";
  readonly code: DtlsErrorCode;
  /** What the peer is told. */
  readonly alert: AlertName;

  constructor(code: DtlsErrorCode, alert: AlertName, message: string, reference?: string) {
    super(message, reference);
    this.code = code;
    this.alert = alert;
  }
}
