import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { preferences, remember } from "../store.ts";
import { DevicePickers } from "./device-pickers.tsx";
import { Dialog } from "./dialog.tsx";
import { MediaProblems } from "./media-problems.tsx";
import { Switch } from "./people-panel.tsx";
import { LanguageSelect, ThemeSelect } from "./top-bar.tsx";

interface SettingsDialogProps {
  readonly meeting: Meeting;
  readonly onClose: () => void;
}

/** Devices, colours, language, keyboard. */
export function SettingsDialog({ meeting, onClose }: SettingsDialogProps): JSX.Element {
  const { settings } = t.value;
  return (
    <Dialog title={settings.title} onClose={onClose} testId="settings-dialog">
      <section class="settings-section">
        <h3>{settings.devices}</h3>
        <MediaProblems meeting={meeting} />
        <DevicePickers meeting={meeting} />
        <Switch
          label={settings.mirror}
          on={preferences.value.mirror}
          testId="mirror-switch"
          onChange={(mirror) => remember({ mirror })}
        />
      </section>
      <section class="settings-section">
        <h3>{settings.appearance}</h3>
        <div class="settings-row">
          <LanguageSelect />
          <ThemeSelect />
        </div>
      </section>
      <section class="settings-section">
        <h3>{settings.keyboard}</h3>
        <Switch
          label={settings.singleKeys}
          on={preferences.value.singleKeys}
          testId="keys-switch"
          onChange={(singleKeys) => remember({ singleKeys })}
        />
      </section>
    </Dialog>
  );
}
