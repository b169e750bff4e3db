import type { ParticipantState } from "@naru/signaling/protocol";
import type { ClientPlatform } from "../platform/platform.ts";
import type { Slot } from "./media-slots.ts";

interface Received {
  readonly slot: Slot;
  readonly streamId: string | undefined;
  readonly track: MediaStreamTrack;
}

/** The tracks of one participant, sorted into camera and screen. */
export class RemoteMedia {
  readonly #platform: ClientPlatform;
  readonly #received: Map<Slot["name"], Received> = new Map();
  #camera: MediaStream | undefined;
  #screen: MediaStream | undefined;

  constructor(platform: ClientPlatform) {
    this.#platform = platform;
  }

  /** A track came. */
  add(received: Received, state: ParticipantState): void {
    this.#received.set(received.slot.name, received);
    this.update(state);
  }

  /**
   * Sorts again: what a stream is, is in the state of its sender, which may come before or after the track.
   *
   * @returns True when a stream changed.
   */
  update(state: ParticipantState): boolean {
    const camera: MediaStreamTrack[] = [];
    const screen: MediaStreamTrack[] = [];
    for (const { slot, streamId, track } of this.#received.values()) {
      // Its place tells it too: for senders that announce no streams.
      const named = streamId === undefined ? undefined : state.streams?.[streamId];
      ((named ?? slot.stream) === "screen" ? screen : camera).push(track);
    }
    const before = [
      this.#camera,
      this.#screen,
      this.#camera?.getTracks().length,
      this.#screen?.getTracks().length,
    ];
    this.#camera = this.#fill(this.#camera, camera);
    this.#screen = this.#fill(this.#screen, screen);
    const after = [
      this.#camera,
      this.#screen,
      this.#camera?.getTracks().length,
      this.#screen?.getTracks().length,
    ];
    return before.some((value, index) => value !== after[index]);
  }

  /** The connection is gone, and its tracks with it. */
  clear(): void {
    this.#received.clear();
    this.#camera = undefined;
    this.#screen = undefined;
  }

  get camera(): MediaStream | undefined {
    return this.#camera;
  }

  get screen(): MediaStream | undefined {
    return this.#screen;
  }

  #fill(stream: MediaStream | undefined, tracks: readonly MediaStreamTrack[]): MediaStream | undefined {
    if (tracks.length === 0) return undefined;
    if (stream === undefined) return this.#platform.createMediaStream(tracks);
    for (const track of stream.getTracks()) if (!tracks.includes(track)) stream.removeTrack(track);
    for (const track of tracks) stream.addTrack(track);
    return stream;
  }
}
