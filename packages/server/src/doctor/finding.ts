/** What is looked at, in this order. */
export type CheckName =
  | "node"
  | "clock"
  | "files"
  | "openFiles"
  | "ports"
  | "server"
  | "certificate"
  | "https"
  | "stun"
  | "turnUdp"
  | "turnTcp"
  | "turnTls";

/** What came of a look. `warn`: it works here, and something will keep it from working for some people. */
export type FindingStatus = "ok" | "warn" | "fail" | "skipped";

/** Everything that can be found, by a name that stays. */
export type FindingCode =
  | "NODE_OK"
  | "NODE_TOO_OLD"
  | "CLOCK_OK"
  | "CLOCK_BEHIND"
  | "CLOCK_DIFFERS"
  | "FILES_OK"
  | "FILES_READABLE_BY_OTHERS"
  | "FILES_MISSING"
  | "OPEN_FILES_OK"
  | "OPEN_FILES_FEW"
  | "PORTS_SERVED"
  | "PORTS_STARTED"
  | "PORT_HELD"
  | "SERVER_FAILED"
  | "SERVER_UNREACHABLE"
  | "SERVER_NOT_NARU"
  | "CERTIFICATE_OK"
  | "CERTIFICATE_OWN"
  | "CERTIFICATE_UNTRUSTED"
  | "CERTIFICATE_EXPIRED"
  | "CERTIFICATE_EXPIRES"
  | "CERTIFICATE_NOT_YET_VALID"
  | "CERTIFICATE_WRONG_NAME"
  | "HTTPS_OK"
  | "HTTPS_FAILED"
  | "NAME_UNKNOWN"
  | "PUBLIC_UNREACHABLE"
  | "STUN_OK"
  | "STUN_FAILED"
  | "STUN_BLOCKED"
  | "STUN_OFF"
  | "TURN_OK"
  | "TURN_FAILED"
  | "TURN_BLOCKED"
  | "TURN_REFUSED"
  | "TURN_NO_ECHO"
  | "TURN_CERTIFICATE"
  | "TURN_OFF"
  | "TURN_NO_CREDENTIALS";

/** Figures and names in a finding. */
export type FindingValues = Readonly<Record<string, string | number>>;

/** One line of the doctor's report. */
export interface Finding {
  readonly check: CheckName;
  readonly status: FindingStatus;
  readonly code: FindingCode;
  readonly values: FindingValues;
}

const STATUS: Partial<Record<FindingCode, FindingStatus>> = {
  CLOCK_DIFFERS: "warn",
  FILES_MISSING: "skipped",
  OPEN_FILES_FEW: "warn",
  CERTIFICATE_EXPIRES: "warn",
  PUBLIC_UNREACHABLE: "warn",
  STUN_OFF: "skipped",
  TURN_OFF: "skipped",
  TURN_NO_CREDENTIALS: "skipped",
  CERTIFICATE_OWN: "ok",
  PORTS_SERVED: "ok",
  PORTS_STARTED: "ok",
};

/** Makes a finding; its status follows from its code. */
export function finding(check: CheckName, code: FindingCode, values: FindingValues = {}): Finding {
  return { check, status: STATUS[code] ?? (code.endsWith("_OK") ? "ok" : "fail"), code, values };
}
