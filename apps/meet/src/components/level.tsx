import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { SPEAKING_LEVEL, watchLevel } from "../media/audio-level.ts";

/** Follows the loudness of a sound on one element, without rendering anything: only custom properties change. */
function useLevel<E extends HTMLElement>(
  tracks: readonly MediaStreamTrack[],
  active: boolean,
): { current: E | null } {
  const element = useRef<E>(null);
  // Names the tracks: another array of the same ones is no reason to start over.
  const key = tracks.map((track) => track.id).join();
  useEffect(() => {
    const target = element.current;
    if (target === null || !active) return;
    const stop = watchLevel(tracks, (level) => {
      target.style.setProperty("--level", level.toFixed(2));
      target.dataset["speaking"] = String(level > SPEAKING_LEVEL);
    });
    return () => {
      stop();
      target.style.setProperty("--level", "0");
      target.dataset["speaking"] = "false";
    };
  }, [key, active]);
  return element;
}

/** The ring of a tile: it grows with the voice. */
export function SpeakingRing({ tracks, active }: LevelProps): JSX.Element {
  const element = useLevel<HTMLDivElement>(tracks, active);
  return <div ref={element} class="speaking-ring" aria-hidden="true" />;
}

/** The meter of the preview: a bar that follows the voice. */
export function LevelMeter({ tracks, active, label }: LevelProps & { readonly label: string }): JSX.Element {
  const element = useLevel<HTMLDivElement>(tracks, active);
  return (
    <div ref={element} class="meter" role="img" aria-label={label} data-active={active}>
      <div class="meter-fill" />
    </div>
  );
}

interface LevelProps {
  readonly tracks: readonly MediaStreamTrack[];
  readonly active: boolean;
}
