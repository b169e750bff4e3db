import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import type { Meeting, StageItem } from "../meeting/meeting.ts";
import type { PeerView } from "../meeting/views.ts";
import { type GridLayoutOptions, gridLayout, gridLayoutOptions } from "../model/grid-layout.ts";
import { Icon } from "./icon.tsx";
import { StreamVideo } from "./media-element.tsx";
import { PeerTile, SelfTile } from "./tile.tsx";

interface StageProps {
  readonly meeting: Meeting;
  readonly onInvite: () => void;
}

/** Everybody's pictures: a grid, or one big picture with the others beside it. */
export function Stage({ meeting, onInvite }: StageProps): JSX.Element {
  const item = meeting.stage.value;
  const peers = meeting.peers.value;
  return (
    <div class="stage" data-mode={item === undefined ? "grid" : "big"}>
      {item !== undefined && <BigPicture meeting={meeting} item={item} peers={peers} />}
      <Tiles meeting={meeting} peers={peers} stage={item} />
      {peers.length === 0 && item === undefined && <Alone onInvite={onInvite} />}
    </div>
  );
}

/** Beside a big picture the tiles stay as wide as a camera's picture, whatever shape the strip has. */
const STRIP_OPTIONS: GridLayoutOptions = { gap: 8, minAspect: 4 / 3, maxAspect: 16 / 9 };

interface TilesProps {
  readonly meeting: Meeting;
  readonly peers: readonly PeerView[];
  readonly stage: StageItem | undefined;
}

function Tiles({ meeting, peers, stage }: TilesProps): JSX.Element {
  const element = useRef<HTMLUListElement>(null);
  const beside = peers.filter((peer) => stage?.kind !== "camera" || stage.id !== peer.id);
  const count = beside.length + 1;
  const big = stage !== undefined;
  useEffect(() => {
    const list = element.current;
    if (list === null) return;
    const arrange = (): void => {
      const { clientWidth: width, clientHeight: height } = list;
      const layout = gridLayout(count, width, height, big ? STRIP_OPTIONS : gridLayoutOptions(width, height));
      list.style.setProperty("--columns", String(layout.columns));
      list.dataset["short"] = String(layout.columns * layout.rows - count);
      list.style.setProperty("--tile-width", `${layout.tileWidth}px`);
      list.style.setProperty("--tile-height", `${layout.tileHeight}px`);
    };
    arrange();
    const observer = new ResizeObserver(arrange);
    observer.observe(list);
    return () => observer.disconnect();
  }, [count, big]);
  return (
    <ul ref={element} class="tiles" aria-label={t.value.tile.tiles}>
      {beside.map((peer) => (
        <li key={peer.id}>
          <PeerTile meeting={meeting} peer={peer} />
        </li>
      ))}
      <li key="self">
        <SelfTile meeting={meeting} />
      </li>
    </ul>
  );
}

interface BigPictureProps {
  readonly meeting: Meeting;
  readonly item: StageItem;
  readonly peers: readonly PeerView[];
}

function BigPicture({ meeting, item, peers }: BigPictureProps): JSX.Element | null {
  const peer = peers.find((other) => other.id === item.id);
  if (peer === undefined) return null;
  if (item.kind === "camera") {
    return (
      <div class="big">
        <PeerTile meeting={meeting} peer={peer} />
      </div>
    );
  }
  if (peer.screen === undefined) return null;
  return (
    <div class="big">
      <Screen stream={peer.screen} name={t.value.tile.screenOf(peer.name)} />
    </div>
  );
}

function Screen({ stream, name }: { readonly stream: MediaStream; readonly name: string }): JSX.Element {
  const element = useRef<HTMLElement>(null);
  const [canFill] = useState(() => document.fullscreenEnabled);
  return (
    <figure ref={element} class="tile tile-screen" data-testid="screen-tile">
      <StreamVideo stream={stream} fit="contain" label={name} />
      <figcaption class="name-chip">
        <Icon name="monitor-up" />
        <span>{name}</span>
      </figcaption>
      {canFill && (
        <button
          type="button"
          class="tile-button tile-fullscreen"
          aria-label={t.value.controls.fullscreen}
          title={t.value.controls.fullscreen}
          onClick={() => {
            if (document.fullscreenElement !== null) void document.exitFullscreen();
            else void element.current?.requestFullscreen();
          }}
        >
          <Icon name="maximize" />
        </button>
      )}
    </figure>
  );
}

function Alone({ onInvite }: { readonly onInvite: () => void }): JSX.Element {
  const { stage, controls } = t.value;
  return (
    <div class="alone">
      <h2>{stage.aloneTitle}</h2>
      <p>{stage.aloneLead}</p>
      <button type="button" class="button button-primary" onClick={onInvite}>
        <Icon name="user-plus" />
        {controls.invite}
      </button>
    </div>
  );
}
