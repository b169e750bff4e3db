import type { SignalingErrorCode } from "@naru/signaling/protocol";

/** Why a microphone, a camera or a screen could not be captured. */
export type CaptureErrorCode =
  /** The page is not a secure context, so the browser hides its devices. */
  | "INSECURE_CONTEXT"
  /** The user, or a setting of the browser for this site, said no. */
  | "PERMISSION_DENIED"
  /** The operating system does not let the browser use the device. */
  | "PERMISSION_DENIED_BY_SYSTEM"
  | "DEVICE_NOT_FOUND"
  /** Another program holds the device, or it failed to start. */
  | "DEVICE_IN_USE"
  /** No device can do what was asked for. */
  | "DEVICE_UNSUITABLE"
  /** The user closed the browser's picker; nothing is wrong. */
  | "SCREEN_SHARE_CANCELLED"
  | "SCREEN_SHARE_UNSUPPORTED"
  | "CAPTURE_FAILED";

/** Everything that can go wrong for a caller, stable; the thing to switch on and to translate by. */
export type ClientErrorCode =
  | CaptureErrorCode
  | SignalingErrorCode
  /** The server could not be reached at all. */
  | "SERVER_UNREACHABLE"
  /** The operation needs a joined room (or one that was not joined yet). */
  | "ROOM_STATE"
  /** `leave()` was called while the operation was under way. */
  | "LEFT"
  | "CHAT_TOO_LONG"
  | "TOO_MANY_TRANSFERS"
  | "NOBODY_TO_SEND_TO";

/** Something that the user can be told: what happened, and what to do about it. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;
  /** What to do: one English sentence. Applications translate by {@link code}. */
  readonly action: string;

  constructor(code: ClientErrorCode, message: string, action: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.action = action;
  }
}

/** What to do about each refusal of the server. */
const REFUSAL_ACTIONS: Readonly<Record<SignalingErrorCode, string>> = {
  BAD_MESSAGE: "Reload the page.",
  MESSAGE_TOO_LARGE: "Reload the page.",
  RATE_LIMITED: "Wait a moment.",
  BAD_STATE: "Reload the page.",
  VERSION_UNSUPPORTED: "Reload the page for the server's present version.",
  TOKEN_INVALID: "Ask for a new invitation link.",
  SESSION_UNKNOWN: "Join again.",
  NAME_INVALID: "Choose another name.",
  ROOM_LOCKED: "Ask a host to unlock the room.",
  ROOM_FULL: "Wait until somebody leaves, or use another room.",
  SERVER_FULL: "Try again later.",
  TOO_MANY_ATTEMPTS: "Wait a minute, then try again.",
  NOT_ADMITTED: "Ask a host to let you in.",
  REMOVED: "Ask a host whether you may come back.",
  REPLACED: "Go on in the other window, or join again here.",
  SERVER_CLOSING: "Wait until the server is back.",
  HEARTBEAT_TIMEOUT: "Check the network.",
  NOT_ALLOWED: "Ask a host to do it.",
  NO_SUCH_PARTICIPANT: "Nothing: they have left.",
};

/** Whether this is a code of the signaling protocol. */
export function isSignalingErrorCode(value: string): value is SignalingErrorCode {
  return Object.hasOwn(REFUSAL_ACTIONS, value);
}

/** The server's refusal as an error for people. */
export function refusalError(code: SignalingErrorCode, message: string): ClientError {
  return new ClientError(code, message, REFUSAL_ACTIONS[code] ?? "Reload the page.");
}

/** Why joining ended. */
export function closedError(
  code: SignalingErrorCode | "LEFT" | "SERVER_UNREACHABLE",
  message: string,
): ClientError {
  if (code === "LEFT") return new ClientError(code, message, "Nothing is to be done.");
  if (code === "SERVER_UNREACHABLE") {
    return new ClientError(code, message, "Check the network and the address, then try again.");
  }
  return refusalError(code, message);
}
