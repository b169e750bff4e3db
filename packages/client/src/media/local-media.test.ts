import { expect, test } from "vitest";
import { createBrowserPlatform } from "../platform/browser.ts";
import type { ClientPlatform } from "../platform/platform.ts";
import { LocalMedia } from "./local-media.ts";

/** The part of a browser's devices that choosing among them needs. */
class Devices extends EventTarget {
  readonly ids: string[] = ["built-in", "headset"];
  /** The device constraint of each capture. */
  readonly asked: unknown[] = [];
  /** What the user takes time for, by kind. */
  readonly prompts: { audio?: Promise<void>; video?: Promise<void> } = {};
  /** Devices that are open. */
  readonly open: string[] = [];

  async getUserMedia(constraints: MediaStreamConstraints): Promise<object> {
    const [kind] = Object.values(constraints);
    await (constraints.video ? this.prompts.video : this.prompts.audio);
    const wanted: { readonly exact?: string; readonly ideal?: string } = kind.deviceId;
    this.asked.push(wanted);
    if (wanted.exact !== undefined && !this.ids.includes(wanted.exact)) {
      throw new DOMException("no such device", "OverconstrainedError");
    }
    const ideal = wanted.ideal !== undefined && this.ids.includes(wanted.ideal) ? wanted.ideal : this.ids[0];
    const deviceId = wanted.exact ?? ideal;
    const name = `${constraints.video ? "camera" : "microphone"} ${deviceId}`;
    this.open.push(name);
    const track = {
      enabled: true,
      stop: () => void (this.open.includes(name) && this.open.splice(this.open.indexOf(name), 1)),
      getSettings: () => ({ deviceId }),
    };
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

/** A prompt of the browser, and the user's yes. */
function createPrompt(): { readonly shown: Promise<void>; answer(): void } {
  let answer = (): void => undefined;
  const shown = new Promise<void>((resolve) => {
    answer = resolve;
  });
  return { shown, answer: () => answer() };
}

test("muting waits for no prompt: neither the camera's nor its own", async () => {
  const { media, devices } = createMedia();
  await media.setMicrophone(true, {});
  const camera = createPrompt();
  devices.prompts.video = camera.shown;
  const started = media.setCamera(true, {});
  void media.setMicrophone(false, {});
  expect(media.microphone?.enabled).toBe(false);
  expect(media.state.audio).toBe(false);
  camera.answer();
  await started;
  expect(media.state.video).toBe(true);
});

test("a device that was switched off while the browser asked does not come on", async () => {
  const { media, devices } = createMedia();
  const [microphone, camera] = [createPrompt(), createPrompt()];
  devices.prompts.audio = microphone.shown;
  devices.prompts.video = camera.shown;
  const started = [media.setMicrophone(true, {}), media.setCamera(true, {})];
  await new Promise((resolve) => setImmediate(resolve));
  await media.setMicrophone(false, {});
  await media.setCamera(false, {});
  microphone.answer();
  camera.answer();
  await Promise.all(started);
  expect(media.microphone?.enabled).toBe(false);
  expect(media.state).toMatchObject({ audio: false, video: false });
  expect(devices.open).not.toContain("camera built-in");
});

test("the newest wish counts, and opens a device once", async () => {
  const { media, devices } = createMedia();
  const camera = createPrompt();
  devices.prompts.video = camera.shown;
  const first = media.setCamera(true, {});
  await new Promise((resolve) => setImmediate(resolve));
  const others = [false, true].map((on) => media.setCamera(on, {}));
  camera.answer();
  await Promise.all([first, ...others]);
  expect(media.state.video).toBe(true);
  expect(devices.open).toEqual(["camera built-in"]);
  expect(devices.asked).toHaveLength(1);
});
