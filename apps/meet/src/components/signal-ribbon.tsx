import type { PhaseState, TimelinePhase } from "@naru/client";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { statsOf } from "../meeting/connection-stats.ts";
import type { Meeting } from "../meeting/meeting.ts";
import type { PeerView } from "../meeting/views.ts";
import { connectionQuality } from "../model/quality.ts";
import { isSettled, PHASES } from "../model/timeline.ts";
import { verdictText } from "./verdict.tsx";

/** How long the full ribbon stays before it folds: long enough to be read. */
const FOLD_AFTER_MS = 1_600;

/**
 * The four phases of a connection as they happen; a dot of its quality once they are done, and the ribbon again
 * when something breaks. A click opens the inspector.
 */
export function SignalRibbon({
  meeting,
  peer,
}: {
  readonly meeting: Meeting;
  readonly peer: PeerView;
}): JSX.Element {
  const { inspector } = t.value;
  const folded = useFolded(isSettled(peer.timeline));
  const quality = connectionQuality(peer.connection, statsOf(peer.participant).value.current);
  const { verdict } = peer.timeline;
  const qualityLabel = inspector.qualityLabel(peer.name, inspector.quality[quality]);
  return (
    <button
      type="button"
      class={folded ? "quality" : "ribbon"}
      data-testid={`ribbon-${peer.id}`}
      data-quality={quality}
      data-outcome={peer.connection}
      aria-label={folded ? qualityLabel : undefined}
      title={folded ? qualityLabel : t.value.tile.openInspector(peer.name)}
      onClick={() => {
        meeting.inspected.value = peer.id;
      }}
    >
      {folded ? <QualityBars /> : <Parts peer={peer} />}
      {!folded && verdict !== undefined && (
        <span class="ribbon-verdict" data-testid="verdict" data-code={verdict.code}>
          {verdictText(verdict).why}
        </span>
      )}
    </button>
  );
}

function Parts({ peer }: { readonly peer: PeerView }): JSX.Element {
  const { inspector, tile } = t.value;
  return (
    <>
      <span class="visually-hidden">{tile.openInspector(peer.name)}</span>
      {PHASES.map((name) => {
        const state = partState(peer, name);
        return (
          <span key={name} class="ribbon-part" data-state={state}>
            <i />
            <b>{inspector.phases[name]}</b>
            <span class="visually-hidden">{inspector.state[state]}</span>
          </span>
        );
      })}
    </>
  );
}

/** Three bars that fill with the quality: never the colour alone. */
function QualityBars(): JSX.Element {
  return (
    <span class="quality-bars" aria-hidden="true">
      <i />
      <i />
      <i />
    </span>
  );
}

function partState(peer: PeerView, phase: TimelinePhase): PhaseState {
  const { state } = peer.timeline[phase];
  // Nobody sends anything yet: the way is ready, which is all there is to wait for.
  if (phase === "media" && state !== "failed" && isSettled(peer.timeline)) return "done";
  return state;
}

function useFolded(settled: boolean): boolean {
  const [folded, setFolded] = useState(false);
  useEffect(() => {
    if (!settled) {
      setFolded(false);
      return;
    }
    const timer = setTimeout(() => setFolded(true), FOLD_AFTER_MS);
    return () => clearTimeout(timer);
  }, [settled]);
  return folded;
}
