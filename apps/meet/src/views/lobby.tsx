import type { JSX } from "preact";
import { Preview } from "../components/preview.tsx";
import { ScreenTitle } from "../components/screen-title.tsx";
import { TopBar } from "../components/top-bar.tsx";
import { t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { openLanding } from "../router.ts";

/** Between "join" and the room: while the server answers, and while a host decides. */
export function Lobby({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { stage, controls } = t.value;
  const waiting = meeting.state.value === "lobby";
  return (
    <div class="page">
      <TopBar />
      <main class="message-page" data-testid={waiting ? "lobby" : "connecting"}>
        <div class="lobby-preview">
          <Preview meeting={meeting} />
        </div>
        <div role="status">
          <ScreenTitle>{waiting ? stage.lobbyTitle : stage.connecting}</ScreenTitle>
          {waiting && <p class="lead">{stage.lobbyLead(meeting.roomName)}</p>}
        </div>
        <div class="waiting-line" aria-hidden="true">
          <i />
          <i />
          <i />
          <i />
        </div>
        <div class="message-actions">
          <button
            type="button"
            class="button"
            onClick={() => {
              meeting.leave();
              openLanding();
            }}
          >
            {controls.leave}
          </button>
        </div>
      </main>
    </div>
  );
}
