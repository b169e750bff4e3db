import type { JSX } from "preact";
import { Icon } from "../components/icon.tsx";
import { TopBar } from "../components/top-bar.tsx";
import { t } from "../i18n/index.ts";

/** For browsers without WebRTC. */
export function Unsupported(): JSX.Element {
  return (
    <div class="page">
      <TopBar />
      <main class="message-page">
        <span class="message-mark">
          <Icon name="triangle-alert" />
        </span>
        <h1>{t.value.stage.unsupportedTitle}</h1>
        <p class="lead">{t.value.stage.unsupportedLead}</p>
      </main>
    </div>
  );
}
