import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { SPEAKING_LEVEL, watchLevel } from "../media/audio-level.ts";

/** How finely a level is drawn. */
interface LevelDetail {
  /** Between silence and full: every change of a step draws the tile's picture again. */
  readonly steps: number;
  /** Levels below are silence. */
  readonly threshold: number;
}

const RING_DETAIL: LevelDetail = { steps: 4, threshold: SPEAKING_LEVEL };
const METER_DETAIL: LevelDetail = { steps: 50, threshold: 0 };

/** Follows the loudness of a sound on one element, without rendering anything: only custom properties change. */
function useLevel<E extends HTMLElement>(
  tracks: readonly MediaStreamTrack[],
  active: boolean,
  { steps, threshold }: LevelDetail,
): { current: E | null } {
  const element = useRef<E>(null);
  // Names the tracks: another array of the same ones is no reason to start over.
  const key = tracks.map((track) => track.id).join();
  useEffect(() => {
    const target = element.current;
    if (target === null || !active) return;
    let shown = "";
    const stop = watchLevel(tracks, (level) => {
      const step = level < threshold ? "0" : (Math.ceil(level * steps) / steps).toFixed(2);
      if (step === shown) return;
      shown = step;
      target.style.setProperty("--level", step);
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
  const element = useLevel<HTMLDivElement>(tracks, active, RING_DETAIL);
  return <div ref={element} class="speaking-ring" aria-hidden="true" />;
}

/** The meter of the preview: a bar that follows the voice. */
export function LevelMeter({ tracks, active, label }: LevelProps & { readonly label: string }): JSX.Element {
  const element = useLevel<HTMLDivElement>(tracks, active, METER_DETAIL);
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
