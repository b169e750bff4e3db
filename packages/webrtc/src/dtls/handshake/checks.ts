import { equalConstantTime } from "../../crypto/index.ts";
import { DtlsError } from "../errors.ts";

/** RFC 8446 §4.4.4. Compared in constant time. */
export function checkFinished(received: Uint8Array, expected: Uint8Array): void {
  if (equalConstantTime(received, expected)) return;
  throw new DtlsError(
    "ERR_DTLS_BAD_FINISHED",
    "decrypt_error",
    "the peer's Finished does not match the handshake we saw",
    "RFC 8446 §4.4.4",
  );
}

/** The peer cannot verify our signatures. */
export function noCommonScheme(keyType: string): DtlsError {
  return new DtlsError(
    "ERR_DTLS_NO_COMMON_PARAMETERS",
    "handshake_failure",
    `the peer understands no signature that a key of ${keyType} can make`,
    "RFC 8446 §4.4.2.2",
  );
}
