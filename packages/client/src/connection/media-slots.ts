/** What is sent: each has its own place in the session description, for the life of the connection. */
export type SlotName = "microphone" | "camera" | "screen" | "screenAudio";

/** One media section. */
export interface Slot {
  readonly name: SlotName;
  readonly kind: "audio" | "video";
  /** Which of the two streams it belongs to. */
  readonly stream: "camera" | "screen";
}

/**
 * The media sections of every connection, in their order. All of them are negotiated once, in both directions;
 * switching something on or off only replaces a track, so descriptions never grow and nothing is renegotiated.
 */
export const SLOTS: readonly Slot[] = [
  { name: "microphone", kind: "audio", stream: "camera" },
  { name: "camera", kind: "video", stream: "camera" },
  { name: "screen", kind: "video", stream: "screen" },
  { name: "screenAudio", kind: "audio", stream: "screen" },
];

/** What the local side sends: null where there is nothing now. */
export interface OutgoingMedia {
  readonly tracks: Readonly<Record<SlotName, MediaStreamTrack | null>>;
  /** Their ids tell the receiver which stream is which. They hold no tracks. */
  readonly streams: Readonly<Record<Slot["stream"], MediaStream>>;
}

/** Upper limits of what is sent to one participant. */
export interface VideoLimits {
  readonly cameraBitrateBps: number;
  readonly screenBitrateBps: number;
}

/**
 * In a mesh everything is sent once to each participant, so each gets its share: about 2.5 Mbit/s in all for the
 * camera, which most upstreams carry, and 720p needs 1.5.
 */
export function videoLimits(receivers: number): VideoLimits {
  const share = Math.max(1, receivers);
  return {
    cameraBitrateBps: Math.round(Math.min(1_700_000, 2_700_000 / share)),
    screenBitrateBps: Math.round(Math.min(2_500_000, 4_500_000 / share)),
  };
}
