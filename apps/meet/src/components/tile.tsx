import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import type { PeerView } from "../meeting/views.ts";
import { initials, nameHue } from "../model/name-hue.ts";
import { currentPhase } from "../model/timeline.ts";
import { preferences } from "../store.ts";
import { Icon } from "./icon.tsx";
import { SpeakingRing } from "./level.tsx";
import { StreamVideo, streamOf } from "./media-element.tsx";
import { SignalRibbon } from "./signal-ribbon.tsx";

/** Somebody else: picture or initials, name, switches, and how the connection is doing. */
export function PeerTile({
  meeting,
  peer,
}: {
  readonly meeting: Meeting;
  readonly peer: PeerView;
}): JSX.Element {
  const { tile } = t.value;
  const tracks = peer.camera?.getAudioTracks() ?? [];
  const pinned = meeting.pinned.value;
  const isPinned = pinned?.kind === "camera" && pinned.id === peer.id;
  const pinLabel = isPinned ? tile.showInGrid : tile.showBigger(peer.name);
  return (
    <article
      class="tile"
      data-testid={`tile-${peer.id}`}
      data-name={peer.name}
      data-phase={currentPhase(peer.timeline)}
      data-outcome={peer.connection}
      data-audio={peer.audio}
      data-video={peer.video}
      aria-label={peer.name}
    >
      {/* Beneath the picture as well: until the first frame the picture is transparent. */}
      <Initials name={peer.name} />
      {peer.video && peer.camera !== undefined && <StreamVideo stream={peer.camera} label={peer.name} />}
      <SpeakingRing tracks={tracks} active={peer.audio} />
      <TileBadges hand={peer.hand} />
      <SignalRibbon meeting={meeting} peer={peer} />
      <div class="name-chip">
        {!peer.audio && <Icon name="mic-off" />}
        {!peer.audio && <span class="visually-hidden">{tile.muted}</span>}
        <span class="name">{peer.name}</span>
        {peer.host && <Icon name="crown" />}
        {peer.host && <span class="visually-hidden">{tile.host}</span>}
        {peer.away && <span class="name-note">{tile.reconnecting}</span>}
      </div>
      <button
        type="button"
        class="tile-button tile-pin"
        aria-label={pinLabel}
        title={pinLabel}
        onClick={() => {
          meeting.pinned.value = isPinned ? undefined : { kind: "camera", id: peer.id };
        }}
      >
        <Icon name={isPinned ? "minimize" : "maximize"} />
      </button>
    </article>
  );
}

/** Oneself, mirrored as one knows oneself. */
export function SelfTile({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { tile } = t.value;
  const local = meeting.local.value;
  const tracks = local.microphone === undefined ? [] : [local.microphone];
  const label = tile.self(local.name);
  return (
    <article class="tile tile-self" data-testid="tile-self" data-name={local.name} aria-label={label}>
      <Initials name={local.name} />
      {local.video && local.camera !== undefined && (
        <StreamVideo stream={streamOf(local.camera)} mirrored={preferences.value.mirror} label={label} />
      )}
      <SpeakingRing tracks={tracks} active={local.audio} />
      <TileBadges hand={local.hand} />
      <div class="name-chip">
        {!local.audio && <Icon name="mic-off" />}
        {!local.audio && <span class="visually-hidden">{tile.muted}</span>}
        <span class="name">{label}</span>
        {local.host && <Icon name="crown" />}
        {local.host && <span class="visually-hidden">{tile.host}</span>}
      </div>
    </article>
  );
}

function Initials({ name }: { readonly name: string }): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => element.current?.style.setProperty("--hue", String(nameHue(name))), [name]);
  return (
    <div ref={element} class="initials" aria-hidden="true">
      <span>{initials(name)}</span>
    </div>
  );
}

function TileBadges({ hand }: { readonly hand: boolean }): JSX.Element | null {
  if (!hand) return null;
  return (
    <span class="hand-badge">
      <Icon name="hand" />
      <span class="visually-hidden">{t.value.tile.hand}</span>
    </span>
  );
}
