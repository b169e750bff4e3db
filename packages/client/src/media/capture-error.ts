import { type CaptureErrorCode, ClientError } from "../errors.ts";

/** What was to be captured. */
export type CaptureKind = "microphone" | "camera" | "screen";

/** Says in words why a capture failed, and what to do (mediacapture-streams §10.2, screen-capture §5.1). */
export function captureError(kind: CaptureKind, cause: unknown): ClientError {
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : "";
  const detail = cause instanceof Error ? cause.message : String(cause);
  switch (name) {
    case "NotAllowedError":
      return notAllowed(kind, detail, cause);
    case "NotFoundError":
      return error("DEVICE_NOT_FOUND", `No ${kind} was found.`, `Plug a ${kind} in, or join without.`, cause);
    case "NotReadableError":
    case "AbortError":
      return error(
        "DEVICE_IN_USE",
        `The ${kind} could not be started: another program is probably using it.`,
        "Close other programs that use it, or choose another one.",
        cause,
      );
    case "OverconstrainedError":
      return error(
        "DEVICE_UNSUITABLE",
        `The chosen ${kind} is not there, or cannot do what was asked for.`,
        `Choose another ${kind}.`,
        cause,
      );
    case "SecurityError":
      return error(
        "PERMISSION_DENIED",
        `A policy of this page or browser keeps the ${kind} from it.`,
        "Open the page by itself, not inside another one, or ask whoever manages this browser.",
        cause,
      );
    default:
      return error(
        "CAPTURE_FAILED",
        `The ${kind} could not be captured: ${detail}.`,
        "Try again; reload the page if it stays so.",
        cause,
      );
  }
}

/** The page has no devices at all: why. */
export function noDevicesError(isSecureContext: boolean): ClientError {
  if (!isSecureContext) {
    return error(
      "INSECURE_CONTEXT",
      "This address is not encrypted, so the browser hides camera, microphone and screen.",
      "Open the page by its https: address, or as localhost.",
    );
  }
  return error(
    "CAPTURE_FAILED",
    "This browser offers no camera or microphone to pages.",
    "Use a current Chromium, Firefox or Safari.",
  );
}

/** The browser has no `getDisplayMedia`. */
export function noScreenShareError(): ClientError {
  return error(
    "SCREEN_SHARE_UNSUPPORTED",
    "This browser cannot share a screen.",
    "Use a browser on a computer: those of phones do not offer it.",
  );
}

function notAllowed(kind: CaptureKind, detail: string, cause: unknown): ClientError {
  // Chromium names the operating system in the message, and in nothing else.
  if (/system/i.test(detail)) {
    return error(
      "PERMISSION_DENIED_BY_SYSTEM",
      `The operating system does not let this browser use the ${kind}.`,
      `Allow the browser to use the ${kind} in the system's privacy settings, then try again.`,
      cause,
    );
  }
  if (kind === "screen") {
    return error("SCREEN_SHARE_CANCELLED", "No screen was chosen.", "Try again and choose one.", cause);
  }
  return error(
    "PERMISSION_DENIED",
    `The ${kind} is blocked for this site.`,
    `Allow the ${kind} by the icon beside the address, then try again.`,
    cause,
  );
}

function error(code: CaptureErrorCode, message: string, action: string, cause?: unknown): ClientError {
  return new ClientError(code, message, action, cause === undefined ? {} : { cause });
}
