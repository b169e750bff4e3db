import type { ClosedReason } from "@naru/client";
import type { JSX } from "preact";
import { Icon } from "../components/icon.tsx";
import { ScreenTitle } from "../components/screen-title.tsx";
import { TopBar } from "../components/top-bar.tsx";
import { type Messages, t } from "../i18n/index.ts";
import { openLanding } from "../router.ts";

interface LeftProps {
  readonly reason: ClosedReason;
  readonly onJoinAgain: () => void;
}

/** After the call, or instead of it: what happened, and the way back. */
export function Left({ reason, onJoinAgain }: LeftProps): JSX.Element {
  const { left } = t.value;
  const own = reason.code === "LEFT";
  return (
    <div class="page">
      <TopBar />
      <main class="message-page" data-problem={!own} data-testid="left" data-code={reason.code}>
        <span class="message-mark">
          <Icon name={own ? "door-open" : "circle-alert"} />
        </span>
        <ScreenTitle>{titleOf(reason.code, left)}</ScreenTitle>
        <p class="lead" role={own ? undefined : "alert"}>
          {own ? left.lead : left.reasons[reason.code]}
        </p>
        {!own && <p class="code">{reason.code}</p>}
        <div class="message-actions">
          <button type="button" class="button button-primary button-large" onClick={onJoinAgain}>
            <Icon name="rotate-cw" />
            {left.rejoin}
          </button>
          <button type="button" class="button button-large" onClick={openLanding}>
            {left.home}
          </button>
        </div>
      </main>
    </div>
  );
}

function titleOf(code: ClosedReason["code"], left: Messages["left"]): string {
  if (code === "LEFT") return left.title;
  if (code === "REMOVED") return left.removedTitle;
  return ENDED_LATER.has(code) ? left.endedTitle : left.refusedTitle;
}

/** Reasons that end a call which had begun. */
const ENDED_LATER: ReadonlySet<ClosedReason["code"]> = new Set<ClosedReason["code"]>([
  "SESSION_UNKNOWN",
  "REPLACED",
  "SERVER_CLOSING",
  "HEARTBEAT_TIMEOUT",
  "RATE_LIMITED",
  "MESSAGE_TOO_LARGE",
]);
