import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../components/icon.tsx";
import { ScreenTitle } from "../components/screen-title.tsx";
import { TopBar } from "../components/top-bar.tsx";
import { locale, t } from "../i18n/index.ts";
import { generateRoomName, parseRoomName } from "../model/room-name.ts";
import { PHASES } from "../model/timeline.ts";
import { openCheck, openRoom } from "../router.ts";
import { setTitle } from "../store.ts";

/** The start page: one field, one button. */
export function Landing({ notFound }: { readonly notFound: boolean }): JSX.Element {
  const [text, setText] = useState("");
  const [suggestion, setSuggestion] = useState(() => generateRoomName(locale.peek()));
  const { landing, inspector } = t.value;
  const language = locale.value;
  useEffect(() => setTitle(undefined), []);
  useEffect(() => setSuggestion(generateRoomName(language)), [language]);
  const typed = parseRoomName(text);
  return (
    <div class="page landing">
      <TopBar />
      <main class="landing-main">
        <form
          class="landing-form"
          onSubmit={(event) => {
            event.preventDefault();
            openRoom(typed ?? suggestion);
          }}
        >
          <ScreenTitle>{landing.title}</ScreenTitle>
          <p class="lead">{landing.lead}</p>
          {notFound && (
            <p class="notice" role="alert">
              {landing.notFound}
            </p>
          )}
          <label class="visually-hidden" for="room">
            {landing.roomLabel}
          </label>
          <div class="landing-field">
            <input
              id="room"
              data-testid="room-input"
              value={text}
              placeholder={suggestion}
              maxLength={2048}
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              enterkeyhint="go"
              aria-describedby="room-hint"
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
            <button type="submit" class="button button-primary button-large" data-testid="create-button">
              {typed === undefined ? landing.create : landing.enter}
              <Icon name="arrow-right" />
            </button>
          </div>
          <p id="room-hint" class="hint">
            {landing.hint}
          </p>
          <p class="hint">
            <a
              href="/check"
              data-testid="check-link"
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                openCheck();
              }}
            >
              {landing.check}
            </a>
          </p>
        </form>
        <section class="landing-steps" aria-labelledby="steps-title">
          <h2 id="steps-title">{landing.stepsTitle}</h2>
          <ol>
            {PHASES.map((phase) => (
              <li key={phase}>
                <h3>{inspector.phaseLong[phase]}</h3>
                <p>{landing.steps[phase]}</p>
              </li>
            ))}
          </ol>
        </section>
      </main>
    </div>
  );
}
