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
  /** What answered is not a Naru server of this version. */
  | "SERVER_INCOMPATIBLE"
  /** The operation needs a joined room (or one that was not joined yet). */
  | "ROOM_STATE"
  /** `leave()` was called while the operation was under way. */
  | "LEFT"
  | "CHAT_TOO_LONG"
  | "FILE_TOO_LARGE"
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
