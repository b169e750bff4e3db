import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import { SINGLE_KEYS } from "../model/shortcuts.ts";
import { preferences } from "../store.ts";
import { Dialog } from "./dialog.tsx";

/** The list of keys. */
export function ShortcutsDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { shortcuts } = t.value;
  const modifier = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";
  const second: Readonly<Record<string, string>> = {
    toggleMicrophone: `${modifier} D`,
    toggleCamera: `${modifier} E`,
  };
  return (
    <Dialog title={shortcuts.title} onClose={onClose} testId="shortcuts-dialog">
      <p>{preferences.value.singleKeys ? shortcuts.lead : shortcuts.off}</p>
      <dl class="keys">
        {SINGLE_KEYS.map(({ label, action }) => (
          <KeyRow key={action} keys={[label, second[action]]} text={shortcuts.actions[action]} />
        ))}
        <KeyRow keys={[shortcuts.space]} text={shortcuts.actions.pushToTalk} />
        <KeyRow keys={["?"]} text={shortcuts.actions.showHelp} />
      </dl>
    </Dialog>
  );
}

function KeyRow({
  keys,
  text,
}: {
  readonly keys: readonly (string | undefined)[];
  readonly text: string;
}): JSX.Element {
  return (
    <div>
      <dt>{text}</dt>
      <dd>{keys.map((key) => key !== undefined && <kbd key={key}>{key}</kbd>)}</dd>
    </div>
  );
}
