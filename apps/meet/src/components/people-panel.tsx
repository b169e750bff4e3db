import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import type { PeerView } from "../meeting/views.ts";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";

/** Who is here, and what hosts may do. */
export function PeoplePanel({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { people, tile } = t.value;
  const [removing, setRemoving] = useState<PeerView | undefined>(undefined);
  const local = meeting.local.value;
  const peers = meeting.peers.value;
  const max = meeting.info.value?.maxParticipants;
  return (
    <div class="panel-body people">
      {local.host && <RoomSwitches meeting={meeting} />}
      {max !== undefined && <h2 class="panel-subtitle">{people.inRoom(peers.length + 1, max)}</h2>}
      <ul class="people-list">
        <li class="person">
          <span class="name">{tile.self(local.name)}</span>
          <Marks host={local.host} hand={local.hand} audio={local.audio} video={local.video} />
        </li>
        {peers.map((peer) => (
          <li key={peer.id} class="person">
            <span class="name">{peer.name}</span>
            <Marks host={peer.host} hand={peer.hand} audio={peer.audio} video={peer.video} />
            {local.host && <HostActions meeting={meeting} peer={peer} onRemove={() => setRemoving(peer)} />}
          </li>
        ))}
      </ul>
      {removing !== undefined && (
        <Dialog title={people.removeAsk(removing.name)} onClose={() => setRemoving(undefined)}>
          <p>{people.removeLead}</p>
          <div class="dialog-actions">
            <button type="button" class="button" onClick={() => setRemoving(undefined)}>
              {t.value.cancel}
            </button>
            <button
              type="button"
              class="button button-danger"
              data-testid="remove-confirm"
              onClick={() => {
                meeting.room.remove(removing.id);
                setRemoving(undefined);
              }}
            >
              {people.removeVerb}
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

function RoomSwitches({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { people } = t.value;
  const info = meeting.info.value;
  return (
    <fieldset class="switches">
      <legend class="panel-subtitle">{people.hostControls}</legend>
      <Switch
        label={people.lock}
        lead={people.lockLead}
        on={info?.locked === true}
        testId="lock-switch"
        onChange={(on) => meeting.room.lock(on)}
      />
      <Switch
        label={people.lobby}
        lead={people.lobbyLead}
        on={info?.lobby === true}
        testId="lobby-switch"
        onChange={(on) => meeting.room.setLobby(on)}
      />
    </fieldset>
  );
}

interface SwitchProps {
  readonly label: string;
  readonly lead?: string;
  readonly on: boolean;
  readonly testId: string;
  readonly onChange: (on: boolean) => void;
}

/** A labelled on/off switch. */
export function Switch({ label, lead, on, testId, onChange }: SwitchProps): JSX.Element {
  return (
    <label class="switch">
      <span>
        <strong>{label}</strong>
        {lead !== undefined && <small>{lead}</small>}
      </span>
      <input
        type="checkbox"
        role="switch"
        checked={on}
        aria-checked={on}
        data-testid={testId}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
    </label>
  );
}

function Marks(props: {
  readonly host: boolean;
  readonly hand: boolean;
  readonly audio: boolean;
  readonly video: boolean;
}): JSX.Element {
  const { tile, preJoin } = t.value;
  return (
    <span class="marks">
      {props.host && <span class="badge">{tile.host}</span>}
      {props.hand && (
        <span class="mark mark-hand">
          <Icon name="hand" />
          <span class="visually-hidden">{tile.hand}</span>
        </span>
      )}
      {!props.audio && (
        <span class="mark">
          <Icon name="mic-off" />
          <span class="visually-hidden">{tile.muted}</span>
        </span>
      )}
      {!props.video && (
        <span class="mark">
          <Icon name="video-off" />
          <span class="visually-hidden">{preJoin.cameraOff}</span>
        </span>
      )}
    </span>
  );
}

function HostActions({
  meeting,
  peer,
  onRemove,
}: {
  readonly meeting: Meeting;
  readonly peer: PeerView;
  readonly onRemove: () => void;
}): JSX.Element {
  const { people } = t.value;
  return (
    <span class="person-actions">
      {peer.audio && (
        <button
          type="button"
          class="icon-button"
          aria-label={people.askMute(peer.name)}
          title={people.askMute(peer.name)}
          data-testid={`mute-${peer.id}`}
          onClick={() => meeting.room.requestMute(peer.id, "audio")}
        >
          <Icon name="mic" />
        </button>
      )}
      {!peer.host && (
        <button
          type="button"
          class="icon-button"
          aria-label={people.makeHost(peer.name)}
          title={people.makeHost(peer.name)}
          onClick={() => meeting.room.setRole(peer.id, "host")}
        >
          <Icon name="crown" />
        </button>
      )}
      <button
        type="button"
        class="icon-button"
        aria-label={people.remove(peer.name)}
        title={people.remove(peer.name)}
        data-testid={`remove-${peer.id}`}
        onClick={onRemove}
      >
        <Icon name="user-minus" />
      </button>
    </span>
  );
}
