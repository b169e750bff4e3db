/**
 * The peer or the network broke a protocol. Each protocol has one subclass with a `code` that is a union
 * of string literals: stable, documented, the thing to switch on.
 */
export abstract class ProtocolError extends Error {
  /** For example `"ERR_STUN_TRUNCATED"`. */
  abstract readonly code: string;
  /** The rule that was broken, for example `"RFC 8489 §5"`. */
  readonly reference: string | undefined;

  constructor(message: string, reference?: string, options?: ErrorOptions) {
    super(reference === undefined ? message : `${message} (${reference})`, options);
    this.reference = reference;
  }
}

/** The caller asked at a moment when the object cannot do it (closed, not yet connected). */
export class InvalidStateError extends Error {
  override readonly name = "InvalidStateError";
}

/** The other side understood the request and refused it: STUN and TURN 4xx/5xx, signaling refusals. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  /** The code that came with the refusal, for example 401 or 438. */
  readonly status: number;

  constructor(status: number, reason: string) {
    super(`the other side answered ${status}${reason === "" ? "" : `: ${reason}`}`);
    this.status = status;
  }
}
