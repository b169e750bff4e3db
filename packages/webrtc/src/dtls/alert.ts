/** Alerts by name (RFC 8446 §6, RFC 5246 §7.2). */
export const Alert = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  no_certificate: 41,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  no_renegotiation: 100,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  unknown_psk_identity: 115,
  certificate_required: 116,
  no_application_protocol: 120,
} as const;

export type AlertName = keyof typeof Alert;

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(Alert).map(([name, code]) => [code, name]));

/** The name of an alert, or its number for one that has none here. */
export function alertName(code: number): string {
  return NAMES.get(code) ?? `alert ${code}`;
}

/** The levels of RFC 5246 §7.2; RFC 8446 §6 ignores them on receipt. */
export const AlertLevel = { warning: 1, fatal: 2 } as const;

/** An alert's content: level and description. */
export function encodeAlert(name: AlertName): Uint8Array {
  // RFC 8446 §6.1, §6.2: closure alerts are warnings, all others are fatal.
  const isClosure = name === "close_notify" || name === "user_canceled";
  return Uint8Array.of(isClosure ? AlertLevel.warning : AlertLevel.fatal, Alert[name]);
}
