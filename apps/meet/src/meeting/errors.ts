import { type CaptureErrorCode, ClientError, type ClosedReason } from "@naru/client";
import { t } from "../i18n/index.ts";

/** The code of a capture that failed; undefined where nothing is to be told. */
export function captureCode(error: unknown): CaptureErrorCode | undefined {
  if (!(error instanceof ClientError)) return "CAPTURE_FAILED";
  switch (error.code) {
    case "INSECURE_CONTEXT":
    case "PERMISSION_DENIED":
    case "PERMISSION_DENIED_BY_SYSTEM":
    case "DEVICE_NOT_FOUND":
    case "DEVICE_IN_USE":
    case "DEVICE_UNSUITABLE":
    case "CAPTURE_FAILED":
      return error.code;
    // Left while the device was starting.
    case "LEFT":
      return undefined;
    default:
      return "CAPTURE_FAILED";
  }
}

/** Why joining failed, as the page after the call tells it. */
export function closedReasonOf(error: unknown): ClosedReason {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ClientError)) return { code: "SERVER_UNREACHABLE", message };
  const reasons: Readonly<Record<string, string>> = t.peek().left.reasons;
  return isReason(error.code, reasons)
    ? { code: error.code, message }
    : { code: "SERVER_UNREACHABLE", message };
}

function isReason(code: string, reasons: Readonly<Record<string, string>>): code is ClosedReason["code"] {
  return code in reasons;
}

/** The sentence for an error in the language in use; the SDK's English sentence for codes without one. */
export function errorText(error: unknown, fallback: string): string {
  if (!(error instanceof ClientError)) return fallback;
  const sentences: Readonly<Record<string, string | undefined>> = t.peek().errors;
  return sentences[error.code] ?? `${fallback} ${error.message}`;
}
