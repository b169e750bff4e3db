import { type ReadonlySignal, signal } from "@preact/signals";
import { cleanDeviceLabel } from "../model/device-label.ts";

/** A microphone, camera or speaker to choose. */
export interface DeviceChoice {
  readonly id: string;
  readonly label: string;
}

/** Everything that is plugged in. Labels are known once the user has allowed a device. */
export interface DeviceChoices {
  readonly microphones: readonly DeviceChoice[];
  readonly cameras: readonly DeviceChoice[];
  readonly speakers: readonly DeviceChoice[];
}

const current = signal<DeviceChoices>({ microphones: [], cameras: [], speakers: [] });

/** What is plugged in now, as of the last {@link refreshDevices}. */
export const devices: ReadonlySignal<DeviceChoices> = current;

/** Asks the browser again. */
export async function refreshDevices(): Promise<void> {
  const { mediaDevices } = navigator;
  // Absent in insecure contexts, whatever its type says.
  if (!mediaDevices) return;
  const found = await mediaDevices.enumerateDevices();
  current.value = {
    microphones: choices(found, "audioinput"),
    cameras: choices(found, "videoinput"),
    speakers: choices(found, "audiooutput"),
  };
}

/** Keeps {@link devices} in step with what is plugged in and out; returns what stops it. */
export function followDevices(): () => void {
  const { mediaDevices } = navigator;
  if (!mediaDevices) return () => undefined;
  const refresh = (): void => void refreshDevices();
  mediaDevices.addEventListener("devicechange", refresh);
  refresh();
  return () => mediaDevices.removeEventListener("devicechange", refresh);
}

function choices(found: readonly MediaDeviceInfo[], kind: MediaDeviceKind): readonly DeviceChoice[] {
  return found
    .filter((device) => device.kind === kind && device.deviceId !== "" && device.deviceId !== "default")
    .filter((device) => device.deviceId !== "communications")
    .map((device) => ({ id: device.deviceId, label: cleanDeviceLabel(device.label) }));
}
