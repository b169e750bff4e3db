/** What an operating system answers, with the code that Node puts on such errors. */
export type SystemErrorCode =
  | "EADDRINUSE"
  | "EADDRNOTAVAIL"
  | "ECONNABORTED"
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ENETUNREACH"
  | "ENOTFOUND"
  | "EPROTO"
  | "ETIMEDOUT"
  | "ERR_TLS_CERT_ALTNAME_INVALID"
  | "UNABLE_TO_VERIFY_LEAF_SIGNATURE";

/** An error of the simulated operating system: same codes and same form of message as in Node. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  readonly code: SystemErrorCode;

  constructor(code: SystemErrorCode, doing: string, detail: string) {
    super(`${doing} ${code} ${detail}`);
    this.code = code;
  }
}
