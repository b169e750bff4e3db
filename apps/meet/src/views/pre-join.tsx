import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { DevicePickers } from "../components/device-pickers.tsx";
import { Icon } from "../components/icon.tsx";
import { MediaProblems } from "../components/media-problems.tsx";
import { Preview } from "../components/preview.tsx";
import { ScreenTitle } from "../components/screen-title.tsx";
import { TopBar } from "../components/top-bar.tsx";
import { t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { MAX_NAME_LENGTH } from "../preferences.ts";
import { preferences, urlOptions } from "../store.ts";

interface PreJoinProps {
  readonly meeting: Meeting;
  readonly onJoin: (name: string) => void;
}

/** Before the call: how one looks and sounds, and under which name. */
export function PreJoin({ meeting, onJoin }: PreJoinProps): JSX.Element {
  const [name, setName] = useState(urlOptions.value.name ?? preferences.value.name);
  const [missing, setMissing] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const { preJoin } = t.value;
  const { audio, video } = meeting.local.value;

  function join(): void {
    const trimmed = name.trim();
    setMissing(trimmed === "");
    if (trimmed === "") field.current?.focus();
    else onJoin(trimmed);
  }

  return (
    <div class="page">
      <TopBar />
      <main class="pre-join">
        <Preview meeting={meeting} />
        <form
          class="pre-join-form"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            join();
          }}
        >
          <ScreenTitle>{preJoin.title(meeting.roomName)}</ScreenTitle>
          <p class="lead">{preJoin.lead}</p>
          <MediaProblems meeting={meeting} />
          <label class="field">
            <span>{preJoin.name}</span>
            <input
              ref={field}
              data-testid="name-input"
              value={name}
              placeholder={preJoin.namePlaceholder}
              maxLength={MAX_NAME_LENGTH}
              autocomplete="nickname"
              enterkeyhint="go"
              aria-invalid={missing}
              aria-describedby={missing ? "name-missing" : undefined}
              onInput={({ currentTarget }) => {
                setName(currentTarget.value);
                setMissing(false);
              }}
            />
          </label>
          {missing && (
            <p id="name-missing" class="field-error" role="alert">
              <Icon name="circle-alert" />
              {preJoin.nameMissing}
            </p>
          )}
          <button type="submit" class="button button-primary button-large" data-testid="join-button">
            {audio || video ? preJoin.join : preJoin.joinWithout}
          </button>
          <p class="hint">{preJoin.alone}</p>
        </form>
        <DevicePickers meeting={meeting} />
      </main>
    </div>
  );
}
