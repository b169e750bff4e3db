/**
 * DTLS 1.3 and 1.2: the connection core, certificates and fingerprints.
 *
 * @module
 */
export { Alert, type AlertName } from "./alert.ts";
export {
  type CertificateOptions,
  DEFAULT_CERTIFICATE_LIFETIME_MS,
  DtlsCertificate,
  MAX_CERTIFICATE_LIFETIME_MS,
} from "./certificate.ts";
export { type DtlsGroup, GROUPS } from "./cipher/group.ts";
export { CIPHER_SUITES, type CipherSuite, type SuiteHash } from "./cipher/suite.ts";
export { DtlsConnection, type DtlsState } from "./connection.ts";
export type { DtlsVersion } from "./constants.ts";
export { CookieSecret } from "./cookie.ts";
export { DtlsError, type DtlsErrorCode } from "./errors.ts";
export type { DtlsCloseReason, DtlsCounters, DtlsEvent } from "./events.ts";
export {
  type DtlsFingerprint,
  FINGERPRINT_ALGORITHMS,
  type FingerprintAlgorithm,
  fingerprintOf,
  matchesFingerprint,
} from "./fingerprint.ts";
export { DEFAULT_DTLS_POLICY, type DtlsOptions, type DtlsPolicy, type DtlsRole } from "./options.ts";
export { RECORD_HEADROOM_BYTES, RECORD_TRAILER_BYTES } from "./record/record.ts";
export {
  SRTP_PROFILES,
  type SrtpMasterKey,
  type SrtpProfile,
  type SrtpProfileParameters,
} from "./srtp-profile.ts";
