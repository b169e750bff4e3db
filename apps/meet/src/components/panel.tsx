import type { JSX } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { t } from "../i18n/index.ts";
import type { Meeting, PanelName } from "../meeting/meeting.ts";
import { ChatPanel } from "./chat-panel.tsx";
import { FilesPanel } from "./files-panel.tsx";
import { Icon } from "./icon.tsx";
import { PeoplePanel } from "./people-panel.tsx";

const PANELS: readonly PanelName[] = ["chat", "people", "files"];

/** The side panel: chat, people or files. A sheet on phones. */
export function Panel({ meeting }: { readonly meeting: Meeting }): JSX.Element | null {
  const open = meeting.panel.value;
  useReturnFocus(open !== undefined);
  if (open === undefined) return null;
  const titles: Readonly<Record<PanelName, string>> = {
    chat: t.value.chat.title,
    people: t.value.people.title,
    files: t.value.files.title,
  };
  return (
    <aside
      class="panel"
      aria-label={titles[open]}
      data-testid={`panel-${open}`}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.isComposing || isInDialog(event.target)) return;
        event.preventDefault();
        meeting.panel.value = undefined;
      }}
    >
      <header class="panel-head">
        <div class="panel-tabs">
          {PANELS.map((name) => (
            <button
              key={name}
              type="button"
              class="panel-tab"
              aria-pressed={name === open}
              onClick={() => {
                if (name !== open) meeting.togglePanel(name);
              }}
            >
              {titles[name]}
            </button>
          ))}
        </div>
        <button
          type="button"
          class="icon-button"
          aria-label={t.value.close}
          onClick={() => {
            meeting.panel.value = undefined;
          }}
        >
          <Icon name="x" />
        </button>
      </header>
      {open === "chat" && <ChatPanel meeting={meeting} />}
      {open === "people" && <PeoplePanel meeting={meeting} />}
      {open === "files" && <FilesPanel meeting={meeting} />}
    </aside>
  );
}

/** Esc in a dialog that the panel opened closes that dialog only. */
function isInDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("dialog") !== null;
}

/** Gives the keyboard back to where it was before something opened. */
function useReturnFocus(open: boolean): void {
  // Before the effects of what is inside, which take the keyboard.
  useLayoutEffect(() => {
    if (!open) return;
    const before = document.activeElement;
    return () => {
      // Nobody took the keyboard meanwhile: it fell to the document when the panel went.
      if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
    };
  }, [open]);
}
