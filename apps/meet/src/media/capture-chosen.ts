import { ClientError } from "@naru/client";

/**
 * Captures the device that was chosen, or the one the browser prefers (`null`) when none was. A choice outlives its
 * device: when that is not plugged in today, any other is better than none.
 *
 * @param capture - Rejects with what the SDK rejects with.
 */
export async function captureChosen(
  chosen: string | undefined,
  capture: (deviceId: string | null) => Promise<void>,
): Promise<void> {
  if (chosen === undefined) return capture(null);
  try {
    await capture(chosen);
  } catch (error) {
    if (!(error instanceof ClientError) || !MAY_BE_GONE.has(error.code)) throw error;
    await capture(null);
  }
}

/** What browsers say of a device that is not there: usually the first (mediacapture-streams §10.2). */
const MAY_BE_GONE: ReadonlySet<string> = new Set(["DEVICE_UNSUITABLE", "DEVICE_NOT_FOUND"]);
