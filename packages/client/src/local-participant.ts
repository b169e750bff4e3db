import type { ParticipantId, ParticipantRole, ParticipantState } from "@naru/signaling/protocol";
import type { CaptureOptions } from "./options.ts";

/** What stands behind a {@link LocalParticipant}. */
export interface LocalParticipantSource {
  readonly id: ParticipantId | undefined;
  readonly name: string;
  readonly role: ParticipantRole;
  readonly state: ParticipantState;
  readonly microphone: MediaStreamTrack | undefined;
  readonly camera: MediaStreamTrack | undefined;
  readonly screen: MediaStream | undefined;
  setMicrophone(on: boolean, options: CaptureOptions): Promise<void>;
  setCamera(on: boolean, options: CaptureOptions): Promise<void>;
  setScreenShare(on: boolean): Promise<void>;
  setHand(on: boolean): void;
}

/**
 * Oneself: devices, screen and what the others are told. Devices may be switched on before the room is joined (for a
 * preview), and stay as they are while it reconnects. `localChanged` of the room tells every change.
 */
export class LocalParticipant {
  readonly #source: LocalParticipantSource;

  /** Made by the room. */
  constructor(source: LocalParticipantSource) {
    this.#source = source;
  }

  /** Undefined until the room was joined. */
  get id(): ParticipantId | undefined {
    return this.#source.id;
  }

  get name(): string {
    return this.#source.name;
  }

  get role(): ParticipantRole {
    return this.#source.role;
  }

  /** What the others are told: which media are on, whether the hand is up. */
  get state(): ParticipantState {
    return this.#source.state;
  }

  /**
   * The captured microphone. Switched off it stays captured but silent (`enabled` is false), so that it is back at
   * once; `state.audio` tells whether it is on.
   */
  get microphone(): MediaStreamTrack | undefined {
    return this.#source.microphone;
  }

  /** The captured camera; undefined while it is off: its light is off too. */
  get camera(): MediaStreamTrack | undefined {
    return this.#source.camera;
  }

  /** The shared screen, with its audio when there is any. */
  get screen(): MediaStream | undefined {
    return this.#source.screen;
  }

  /**
   * Switches the microphone on or off, or to another device while it is on.
   * @throws {ClientError} a `CaptureErrorCode`; what was on before stays on.
   */
  setMicrophone(on: boolean, options: CaptureOptions = {}): Promise<void> {
    return this.#source.setMicrophone(on, options);
  }

  /**
   * Switches the camera on or off, or to another device while it is on.
   * @throws {ClientError} a `CaptureErrorCode`; what was on before stays on.
   */
  setCamera(on: boolean, options: CaptureOptions = {}): Promise<void> {
    return this.#source.setCamera(on, options);
  }

  /**
   * Lets the user pick a screen, window or tab to share, or stops sharing. Call it from a click: browsers demand
   * that. Sharing also ends when the user presses the browser's own stop button.
   * @throws {ClientError} a `CaptureErrorCode`, `SCREEN_SHARE_CANCELLED` when the user closed the picker.
   */
  setScreenShare(on: boolean): Promise<void> {
    return this.#source.setScreenShare(on);
  }

  /** Raises or lowers the hand. */
  setHand(on: boolean): void {
    this.#source.setHand(on);
  }
}
