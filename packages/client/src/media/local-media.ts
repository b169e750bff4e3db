import type { ParticipantState } from "@naru/signaling/protocol";
import type { OutgoingMedia } from "../connection/media-slots.ts";
import { ClientError } from "../errors.ts";
import type { CaptureOptions } from "../options.ts";
import type { ClientPlatform } from "../platform/platform.ts";
import { captureError, noDevicesError, noScreenShareError } from "./capture-error.ts";

/** What the owner is told. */
export interface LocalMediaListener {
  /** What is sent, or what the others are told, is different. */
  handleLocalChange(): void;
  /** Something that was on went off by itself. */
  handleCaptureFailure(error: ClientError): void;
  handleDevicesChange(): void;
}

type Device = "microphone" | "camera";

/** 720p, which every camera has and a mesh can carry; browsers scale down by themselves. */
const CAMERA: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
};
const MICROPHONE: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};
/** Text has to be sharp, movement matters less. */
const SCREEN: DisplayMediaStreamOptions = { video: { frameRate: { ideal: 15, max: 30 } }, audio: true };

/** Microphone, camera and screen of this device: captured, switched, replaced, and given back. */
export class LocalMedia {
  readonly #platform: ClientPlatform;
  readonly #listener: LocalMediaListener;
  readonly #streams: OutgoingMedia["streams"];
  #microphone: MediaStreamTrack | undefined;
  #camera: MediaStreamTrack | undefined;
  #screen: MediaStream | undefined;
  /** What was asked for last, else what the browser gave; null when the browser is to choose. */
  readonly #deviceIds: Partial<Record<Device, string | null | undefined>> = {};
  /** One start of each device at a time: a second one waits for what the first one does. */
  readonly #chains: Record<Device, Promise<void>> = {
    microphone: Promise.resolve(),
    camera: Promise.resolve(),
  };
  /** What was asked for last: a start that takes long, because the browser asks its user, looks here when it is done. */
  readonly #wanted: Record<Device, boolean> = { microphone: false, camera: false };
  #released = false;
  readonly #onDevicesChange = (): void => this.#listener.handleDevicesChange();

  constructor(platform: ClientPlatform, listener: LocalMediaListener) {
    this.#platform = platform;
    this.#listener = listener;
    this.#streams = { camera: platform.createMediaStream(), screen: platform.createMediaStream() };
    platform.mediaDevices?.addEventListener?.("devicechange", this.#onDevicesChange);
  }

  setMicrophone(on: boolean, options: CaptureOptions): Promise<void> {
    this.#wanted.microphone = on;
    if (on) return this.#inTurn("microphone", () => this.#startMicrophone(options));
    this.#muteMicrophone();
    return Promise.resolve();
  }

  setCamera(on: boolean, options: CaptureOptions): Promise<void> {
    this.#wanted.camera = on;
    if (on) return this.#inTurn("camera", () => this.#startCamera(options));
    this.#stopCamera();
    return Promise.resolve();
  }

  setScreenShare(on: boolean): Promise<void> {
    // Not in turn: the browser demands that its picker follows the click at once.
    return on ? this.#startScreen() : this.#stopScreen();
  }

  /** Gives every device back. */
  release(): void {
    this.#released = true;
    this.#platform.mediaDevices?.removeEventListener?.("devicechange", this.#onDevicesChange);
    for (const track of [this.#microphone, this.#camera, ...(this.#screen?.getTracks() ?? [])]) stop(track);
    this.#microphone = undefined;
    this.#camera = undefined;
    this.#screen = undefined;
    this.#listener.handleLocalChange();
  }

  /** What every connection sends now. */
  get outgoing(): OutgoingMedia {
    return {
      tracks: {
        microphone: this.#microphone ?? null,
        camera: this.#camera ?? null,
        screen: this.#screen?.getVideoTracks()[0] ?? null,
        screenAudio: this.#screen?.getAudioTracks()[0] ?? null,
      },
      streams: this.#streams,
    };
  }

  /** What the others are told about it. */
  get state(): Pick<ParticipantState, "audio" | "video" | "screen" | "streams"> {
    return {
      audio: this.#microphone?.enabled === true,
      video: this.#camera !== undefined,
      screen: this.#screen !== undefined,
      streams: { [this.#streams.camera.id]: "camera", [this.#streams.screen.id]: "screen" },
    };
  }

  get microphone(): MediaStreamTrack | undefined {
    return this.#microphone;
  }

  get camera(): MediaStreamTrack | undefined {
    return this.#camera;
  }

  get screen(): MediaStream | undefined {
    return this.#screen;
  }

  async #startMicrophone({ deviceId }: CaptureOptions): Promise<void> {
    // Switched off before its turn came.
    if (!this.#wanted.microphone) return;
    if (
      this.#microphone !== undefined &&
      (deviceId === undefined || deviceId === this.#deviceIds.microphone)
    ) {
      this.#microphone.enabled = true;
      this.#listener.handleLocalChange();
      return;
    }
    const track = await this.#capture("microphone", deviceId);
    stop(this.#microphone);
    track.contentHint = "speech";
    track.enabled = this.#wanted.microphone;
    this.#microphone = track;
    this.#listener.handleLocalChange();
  }

  #muteMicrophone(): void {
    if (this.#microphone === undefined) return;
    this.#microphone.enabled = false;
    this.#listener.handleLocalChange();
  }

  async #startCamera({ deviceId }: CaptureOptions): Promise<void> {
    if (!this.#wanted.camera) return;
    if (this.#camera !== undefined && (deviceId === undefined || deviceId === this.#deviceIds.camera)) return;
    // Phones cannot open a second camera while the first is open.
    if (this.#camera !== undefined && deviceId !== undefined) return this.#swapCamera(this.#camera, deviceId);
    const track = await this.#capture("camera", deviceId);
    track.contentHint = "motion";
    this.#takeCamera(track);
    this.#listener.handleLocalChange();
  }

  async #swapCamera(before: MediaStreamTrack, deviceId: string | null): Promise<void> {
    const previousId = this.#deviceIds.camera;
    stop(before);
    try {
      this.#takeCamera(await this.#capture("camera", deviceId));
    } catch (error) {
      // What was on before stays on, if it can be had again.
      if (this.#wanted.camera) {
        this.#takeCamera(await this.#capture("camera", previousId).catch(() => undefined));
      }
      this.#listener.handleLocalChange();
      throw error;
    }
    this.#listener.handleLocalChange();
  }

  /** A camera was opened; by now it may not be wanted any more. */
  #takeCamera(track: MediaStreamTrack | undefined): void {
    this.#camera = this.#wanted.camera ? track : undefined;
    if (!this.#wanted.camera) stop(track);
  }

  #stopCamera(): void {
    if (this.#camera === undefined) return;
    stop(this.#camera);
    this.#camera = undefined;
    this.#listener.handleLocalChange();
  }

  async #startScreen(): Promise<void> {
    const devices = this.#platform.mediaDevices;
    if (devices === undefined) throw noDevicesError(this.#platform.isSecureContext);
    if (devices.getDisplayMedia === undefined) throw noScreenShareError();
    let stream: MediaStream;
    try {
      stream = await devices.getDisplayMedia(SCREEN);
    } catch (cause) {
      throw captureError("screen", cause);
    }
    this.#discardIfReleased(stream);
    for (const track of this.#screen?.getTracks() ?? []) stop(track);
    const [video] = stream.getVideoTracks();
    // The browser's own stop button ends the track.
    if (video !== undefined) {
      video.contentHint = "detail";
      video.onended = () => {
        if (this.#screen === stream) void this.#stopScreen();
      };
    }
    this.#screen = stream;
    this.#listener.handleLocalChange();
  }

  async #stopScreen(): Promise<void> {
    if (this.#screen === undefined) return;
    for (const track of this.#screen.getTracks()) stop(track);
    this.#screen = undefined;
    this.#listener.handleLocalChange();
  }

  /** @param deviceId - Exactly this one; null for any; undefined for the one used last, if it is still there. */
  async #capture(kind: Device, deviceId: string | null | undefined): Promise<MediaStreamTrack> {
    const devices = this.#platform.mediaDevices;
    if (devices === undefined) throw noDevicesError(this.#platform.isSecureContext);
    const previous = this.#deviceIds[kind];
    const which = deviceId
      ? { exact: deviceId }
      : deviceId === undefined && previous
        ? { ideal: previous }
        : {};
    const constraints = { ...(kind === "camera" ? CAMERA : MICROPHONE), deviceId: which };
    let stream: MediaStream;
    try {
      stream = await devices.getUserMedia(
        kind === "camera" ? { video: constraints } : { audio: constraints },
      );
    } catch (cause) {
      throw captureError(kind, cause);
    }
    this.#discardIfReleased(stream);
    const [track] = stream.getTracks();
    if (track === undefined) throw captureError(kind, new Error("the browser gave an empty stream"));
    this.#deviceIds[kind] = deviceId === undefined ? track.getSettings().deviceId : deviceId;
    track.onended = () =>
      void this.#inTurn(kind, () => this.#replaceEnded(kind, track)).catch(() => undefined);
    return track;
  }

  /** A device was unplugged, or taken away: goes on with another one if there is one. */
  async #replaceEnded(kind: Device, ended: MediaStreamTrack): Promise<void> {
    if (this.#released || (kind === "camera" ? this.#camera : this.#microphone) !== ended) return;
    let track: MediaStreamTrack | undefined;
    try {
      track = await this.#capture(kind, undefined);
      track.enabled = ended.enabled;
    } catch (error) {
      if (error instanceof ClientError) this.#listener.handleCaptureFailure(error);
    }
    if (kind === "camera") this.#takeCamera(track);
    else this.#microphone = track;
    this.#listener.handleLocalChange();
  }

  /** The room was left while the browser still asked. */
  #discardIfReleased(stream: MediaStream): void {
    if (!this.#released) return;
    for (const track of stream.getTracks()) track.stop();
    throw new ClientError(
      "LEFT",
      "the room was left while a device was being opened",
      "Nothing is to be done.",
    );
  }

  #inTurn(kind: Device, start: () => Promise<void>): Promise<void> {
    const result = this.#chains[kind].then(start);
    this.#chains[kind] = result.catch(() => undefined);
    return result;
  }
}

function stop(track: MediaStreamTrack | undefined): void {
  if (track === undefined) return;
  // A track that we stop ourselves fires no `ended`, but a browser may have queued one.
  track.onended = null;
  track.stop();
}
