import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { locale, t } from "../i18n/index.ts";
import { statsOf } from "../meeting/connection-stats.ts";
import type { Meeting } from "../meeting/meeting.ts";
import type { PeerView } from "../meeting/views.ts";
import { formatMillis } from "../model/format.ts";
import { repairReason } from "../model/repair-reason.ts";
import { connectionReport } from "../model/report.ts";
import { connectedAfterMs } from "../model/timeline.ts";
import { checkUrl } from "../router.ts";
import { urlOptions } from "../store.ts";
import { CopyButton } from "./copy-button.tsx";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { LiveNumbers } from "./inspector-live.tsx";
import { Phases } from "./inspector-phases.tsx";
import { VerdictBox } from "./verdict.tsx";

/** The Connection Inspector: what happened between oneself and somebody else, phase by phase, with the evidence. */
export function Inspector({ meeting }: { readonly meeting: Meeting }): JSX.Element | null {
  const id = meeting.inspected.value;
  const peer = meeting.peers.value.find((view) => view.id === id);
  if (peer === undefined) return null;
  return (
    <Dialog
      title={t.value.inspector.title(peer.name)}
      variant="drawer"
      testId="inspector"
      onClose={() => {
        meeting.inspected.value = undefined;
      }}
    >
      <Connection peer={peer} room={meeting.roomName} />
    </Dialog>
  );
}

function Connection({ peer, room }: { readonly peer: PeerView; readonly room: string }): JSX.Element {
  const { inspector } = t.value;
  const { timeline } = peer;
  const history = statsOf(peer.participant).value;
  const after = connectedAfterMs(timeline);
  return (
    <div class="inspector">
      <p class="inspector-outcome" data-outcome={peer.connection}>
        <span class="outcome-dot" />
        <strong>{inspector.outcome[peer.connection]}</strong>
        {peer.connection === "connected" && after !== undefined && (
          <span class="numeric">{inspector.total(formatMillis(after, locale.value))}</span>
        )}
      </p>
      {timeline.verdict !== undefined && (
        <VerdictBox verdict={timeline.verdict}>
          {peer.connection === "failed" && (
            <div class="dialog-actions">
              <button type="button" class="button" onClick={() => peer.participant.retry()}>
                <Icon name="rotate-cw" />
                {inspector.retry}
              </button>
              {/* In a page of its own: the call goes on. */}
              <a class="button" href={checkUrl(room, urlOptions.value.token)} target="_blank" rel="noopener">
                {inspector.check}
              </a>
            </div>
          )}
        </VerdictBox>
      )}
      <Phases timeline={timeline} />
      <LiveNumbers history={history} />
      <Repairs peer={peer} />
      <Report peer={peer} />
    </div>
  );
}

function Repairs({ peer }: { readonly peer: PeerView }): JSX.Element | null {
  const { inspector } = t.value;
  const { restarts } = peer.timeline;
  if (restarts.length === 0) return null;
  return (
    <section class="inspector-section">
      <h3>{inspector.repairs}</h3>
      <ol class="repairs">
        {restarts.map((restart) => (
          <li key={restart.atMs}>
            <span class="numeric">{formatMillis(restart.atMs, locale.value)}</span>
            <span>
              {repairText(restart)}{" "}
              {restart.recoveredAtMs === undefined
                ? inspector.notRepaired
                : inspector.repaired(formatMillis(restart.recoveredAtMs - restart.atMs, locale.value))}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What was done and why, in the language in use. */
function repairText({ kind, reason }: { readonly kind: "ice" | "rebuild"; readonly reason: string }): string {
  const { repairKind, repairReason: sentences } = t.value.inspector;
  const name = repairReason(reason);
  return name === undefined ? `${repairKind[kind]}.` : `${repairKind[kind]}: ${sentences[name]}.`;
}

function Report({ peer }: { readonly peer: PeerView }): JSX.Element {
  const { inspector } = t.value;
  const [addresses, setAddresses] = useState(false);
  return (
    <section class="inspector-section inspector-report">
      <p class="hint">{inspector.reportLead}</p>
      <div class="dialog-actions">
        <label class="checkbox">
          <input
            type="checkbox"
            checked={addresses}
            data-testid="report-addresses"
            onChange={({ currentTarget }) => setAddresses(currentTarget.checked)}
          />
          {inspector.includeAddresses}
        </label>
        <CopyButton
          label={inspector.copyReport}
          done={inspector.reportCopied}
          text={() =>
            connectionReport(
              {
                userAgent: navigator.userAgent,
                timeline: peer.participant.timeline,
                stats: statsOf(peer.participant).peek().current,
              },
              { addresses },
            )
          }
        />
      </div>
    </section>
  );
}
