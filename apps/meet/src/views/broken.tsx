import type { JSX } from "preact";
import { Icon } from "../components/icon.tsx";
import { ScreenTitle } from "../components/screen-title.tsx";
import { TopBar } from "../components/top-bar.tsx";
import { t } from "../i18n/index.ts";

/** The page could not be drawn because of an error of its own. */
export function Broken(): JSX.Element {
  const { broken } = t.value;
  return (
    <div class="page">
      <TopBar />
      <main class="message-page" data-problem="true" data-testid="broken">
        <span class="message-mark">
          <Icon name="circle-alert" />
        </span>
        <ScreenTitle>{broken.title}</ScreenTitle>
        <p class="lead" role="alert">
          {broken.lead}
        </p>
        <div class="message-actions">
          <button type="button" class="button button-primary button-large" onClick={() => location.reload()}>
            <Icon name="rotate-cw" />
            {broken.reload}
          </button>
        </div>
      </main>
    </div>
  );
}
