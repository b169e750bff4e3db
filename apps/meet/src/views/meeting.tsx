import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { AudioSinks } from "../components/audio-sinks.tsx";
import { Banners } from "../components/banners.tsx";
import { Controls, type DialogName } from "../components/controls.tsx";
import { FileDrop } from "../components/file-drop.tsx";
import { Icon } from "../components/icon.tsx";
import { Inspector } from "../components/inspector.tsx";
import { InviteDialog } from "../components/invite-dialog.tsx";
import { KnockingList } from "../components/knocking-list.tsx";
import { LeaveDialog } from "../components/leave-dialog.tsx";
import { Panel } from "../components/panel.tsx";
import { ScreenTitle } from "../components/screen-title.tsx";
import { SettingsDialog } from "../components/settings-dialog.tsx";
import { ShortcutsDialog } from "../components/shortcuts-dialog.tsx";
import { Stage } from "../components/stage.tsx";
import { t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { usePageVisible } from "../meeting/use-page-visible.ts";
import { useShortcuts } from "../meeting/use-shortcuts.ts";

/** The call. */
export function MeetingView({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const [dialog, setDialog] = useState<DialogName | undefined>(undefined);
  const { controls, people } = t.value;
  useShortcuts(meeting, () => setDialog("shortcuts"));
  usePageVisible(meeting);
  useEffect(() => askBeforeLeaving(meeting), [meeting]);
  const close = (): void => setDialog(undefined);
  const info = meeting.info.value;
  const count = meeting.peers.value.length + 1;
  return (
    <div class="meeting" data-panel={meeting.panel.value !== undefined} data-testid="meeting">
      <header class="meeting-head">
        <ScreenTitle>{meeting.roomName}</ScreenTitle>
        {info?.locked === true && (
          <span class="badge">
            <Icon name="lock" />
            {people.locked}
          </span>
        )}
        <div class="meeting-head-tools">
          <button
            type="button"
            class="chip-button"
            aria-label={`${people.title}: ${count}`}
            onClick={() => meeting.togglePanel("people")}
          >
            <Icon name="users" />
            <span class="numeric">{count}</span>
          </button>
          <button
            type="button"
            class="chip-button"
            data-testid="invite-button"
            onClick={() => setDialog("invite")}
          >
            <Icon name="user-plus" />
            {controls.invite}
          </button>
        </div>
      </header>
      <main class="meeting-main">
        <Banners meeting={meeting} />
        <KnockingList meeting={meeting} />
        <Stage meeting={meeting} onInvite={() => setDialog("invite")} />
      </main>
      <Panel meeting={meeting} />
      <Controls meeting={meeting} onDialog={setDialog} />
      <AudioSinks meeting={meeting} />
      <FileDrop onFiles={(files) => meeting.sendFiles(files)} />
      <Inspector meeting={meeting} />
      {dialog === "invite" && <InviteDialog roomName={meeting.roomName} onClose={close} />}
      {dialog === "settings" && <SettingsDialog meeting={meeting} onClose={close} />}
      {dialog === "leave" && <LeaveDialog meeting={meeting} onClose={close} />}
      {dialog === "shortcuts" && <ShortcutsDialog onClose={close} />}
    </div>
  );
}

/** The browser asks before the page is closed, but only while a file is on its way. */
function askBeforeLeaving(meeting: Meeting): () => void {
  const ask = (event: BeforeUnloadEvent): void => {
    if (meeting.isTransferring) event.preventDefault();
  };
  addEventListener("beforeunload", ask);
  return () => removeEventListener("beforeunload", ask);
}
