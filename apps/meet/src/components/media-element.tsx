import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface StreamVideoProps {
  readonly stream: MediaStream;
  readonly mirrored?: boolean;
  readonly fit?: "cover" | "contain";
  readonly label: string;
}

/** A moving picture. Always silent, so that it may always start by itself: sound has its own elements. */
export function StreamVideo({
  stream,
  mirrored = false,
  fit = "cover",
  label,
}: StreamVideoProps): JSX.Element {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (video === null) return;
    video.srcObject = stream;
    // Rejected when the element is gone again before the first frame: nothing is lost.
    video.play().catch(() => undefined);
    return () => {
      video.srcObject = null;
    };
  }, [stream]);
  return (
    <video
      ref={element}
      class={`video video-${fit} ${mirrored ? "video-mirrored" : ""}`}
      aria-label={label}
      autoplay
      muted
      playsInline
      disablePictureInPicture
    />
  );
}

/** A stream of one track, the same object for as long as the track is. */
export function streamOf(track: MediaStreamTrack): MediaStream {
  const known = streams.get(track);
  if (known !== undefined) return known;
  const made = new MediaStream([track]);
  streams.set(track, made);
  return made;
}

const streams = new WeakMap<MediaStreamTrack, MediaStream>();
