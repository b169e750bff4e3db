import { expect, test } from "vitest";
import { createBrowserPlatform } from "../platform/browser.ts";
import type { ClientPlatform } from "../platform/platform.ts";
import { LocalMedia } from "./local-media.ts";

/** The part of a browser's devices that choosing among them needs. */
class Devices extends EventTarget {
  readonly ids: string[] = ["built-in", "headset"];
  /** The device constraint of each capture. */
  readonly asked: unknown[] = [];

  async getUserMedia(constraints: MediaStreamConstraints): Promise<object> {
    const [kind] = Object.values(constraints);
    const wanted: { readonly exact?: string; readonly ideal?: string } = kind.deviceId;
    this.asked.push(wanted);
    if (wanted.exact !== undefined && !this.ids.includes(wanted.exact)) {
      throw new DOMException("no such device", "OverconstrainedError");
    }
    const ideal = wanted.ideal !== undefined && this.ids.includes(wanted.ideal) ? wanted.ideal : this.ids[0];
    const deviceId = wanted.exact ?? ideal;
    const track = { enabled: true, stop: () => undefined, getSettings: () => ({ deviceId }) };
    return { getTracks: () => [track], id: "stream" };
  }
}

function createMedia(): { readonly media: LocalMedia; readonly devices: Devices } {
  const devices = new Devices();
  const platform: ClientPlatform = Object.create(createBrowserPlatform(), {
    mediaDevices: { value: devices },
    createMediaStream: { value: () => ({ id: "stream", getTracks: () => [] }) },
  });
  const nothing = (): void => undefined;
  const media = new LocalMedia(platform, {
    handleLocalChange: nothing,
    handleCaptureFailure: nothing,
    handleDevicesChange: nothing,
  });
  return { media, devices };
}

const idOf = (track: MediaStreamTrack | undefined): string | undefined => track?.getSettings().deviceId;

test("without a choice, a camera that is switched on again is the one used last", async () => {
  const { media, devices } = createMedia();
  await media.setCamera(true, { deviceId: "headset" });
  await media.setCamera(false, {});
  await media.setCamera(true, {});
  expect(devices.asked).toEqual([{ exact: "headset" }, { ideal: "headset" }]);
  expect(idOf(media.camera)).toBe("headset");
});

test("null goes from a chosen device to the one the browser prefers, while it is on", async () => {
  const { media, devices } = createMedia();
  await media.setCamera(true, { deviceId: "headset" });
  await media.setCamera(true, { deviceId: null });
  await media.setMicrophone(true, { deviceId: "headset" });
  await media.setMicrophone(true, { deviceId: null });
  expect(devices.asked).toEqual([{ exact: "headset" }, {}, { exact: "headset" }, {}]);
  expect(idOf(media.camera)).toBe("built-in");
  expect(idOf(media.microphone)).toBe("built-in");
});

test("null forgets the one used last, also after switching off", async () => {
  const { media, devices } = createMedia();
  await media.setCamera(true, { deviceId: "headset" });
  await media.setCamera(true, { deviceId: null });
  await media.setCamera(false, {});
  await media.setCamera(true, {});
  expect(devices.asked.at(-1)).toEqual({});
});

test("null, given each time, opens the device once and then only unmutes it", async () => {
  const { media, devices } = createMedia();
  await media.setMicrophone(true, { deviceId: null });
  const track = media.microphone;
  await media.setMicrophone(false, {});
  await media.setMicrophone(true, { deviceId: null });
  expect(devices.asked).toHaveLength(1);
  expect(media.microphone).toBe(track);
  expect(track?.enabled).toBe(true);
});

test("a chosen device that is not there is refused, and the camera that was on stays on", async () => {
  const { media } = createMedia();
  await media.setCamera(true, { deviceId: null });
  await expect(media.setCamera(true, { deviceId: "gone" })).rejects.toMatchObject({
    code: "DEVICE_UNSUITABLE",
  });
  expect(idOf(media.camera)).toBe("built-in");
});
