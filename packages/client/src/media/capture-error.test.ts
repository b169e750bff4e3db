import { expect, test } from "vitest";
import { captureError, noDevicesError, noScreenShareError } from "./capture-error.ts";

test.each([
  ["NotAllowedError", "Permission denied", "camera", "PERMISSION_DENIED"],
  ["NotAllowedError", "Permission denied by system", "camera", "PERMISSION_DENIED_BY_SYSTEM"],
  ["NotAllowedError", "Permission denied", "screen", "SCREEN_SHARE_CANCELLED"],
  ["NotFoundError", "Requested device not found", "microphone", "DEVICE_NOT_FOUND"],
  ["NotReadableError", "Could not start video source", "camera", "DEVICE_IN_USE"],
  ["AbortError", "Starting videoinput failed", "camera", "DEVICE_IN_USE"],
  ["OverconstrainedError", "", "camera", "DEVICE_UNSUITABLE"],
  ["SecurityError", "", "camera", "PERMISSION_DENIED"],
  ["TypeError", "nonsense", "camera", "CAPTURE_FAILED"],
] as const)("%s (%s) for the %s is %s", (name, message, kind, code) => {
  const cause = new DOMException(message, name);
  const error = captureError(kind, cause);
  expect(error.code).toBe(code);
  expect(error.cause).toBe(cause);
  for (const sentence of [error.message, error.action]) expect(sentence).toMatch(/^[A-Z].*\.$/);
});

test("without devices the reason is the address, or the browser", () => {
  expect(noDevicesError(false).code).toBe("INSECURE_CONTEXT");
  expect(noDevicesError(true).code).toBe("CAPTURE_FAILED");
  expect(noScreenShareError().code).toBe("SCREEN_SHARE_UNSUPPORTED");
});
