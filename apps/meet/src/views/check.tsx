import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { NOTHING_DONE, runCheck } from "../check/run-check.ts";
import { STEPS, type StepName, type StepResult, type Steps, verdictOf } from "../check/steps.ts";
import { CopyButton } from "../components/copy-button.tsx";
import { Icon } from "../components/icon.tsx";
import { ScreenTitle } from "../components/screen-title.tsx";
import { TopBar } from "../components/top-bar.tsx";
import { locale, t } from "../i18n/index.ts";
import { formatMillis } from "../model/format.ts";
import { openLanding } from "../router.ts";
import { announce, setTitle, urlOptions } from "../store.ts";

/** Whether calls can work from here: every path to the server, tried and told in words. */
export function CheckView(): JSX.Element {
  const [steps, setSteps] = useState<Steps>(NOTHING_DONE);
  const [isRunning, setRunning] = useState(false);
  const running = useRef<AbortController>(undefined);
  const { check } = t.value;
  const verdict = verdictOf(steps);
  const start = useCallback(async () => {
    setRunning(true);
    const { token } = urlOptions.peek();
    const room = new URLSearchParams(location.search).get("room") ?? undefined;
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const result = await runCheck({ room, token, signal: controller.signal }, setSteps);
    if (controller.signal.aborted) return;
    setRunning(false);
    announce(t.peek().check.verdicts[verdictOf(result)]);
  }, []);
  useEffect(() => setTitle(check.title), [check]);
  useEffect(() => {
    void start();
    return () => running.current?.abort();
  }, [start]);
  return (
    <div class="page">
      <TopBar />
      <main class="check-page" data-testid="check" data-verdict={verdict}>
        <ScreenTitle>{check.title}</ScreenTitle>
        <p class="lead">{check.lead}</p>
        <p class="check-verdict" data-verdict={verdict} data-testid="check-verdict">
          {check.verdicts[verdict]}
        </p>
        <ol class="check-steps">
          {STEPS.map((name) => (
            <Step key={name} name={name} result={steps[name]} />
          ))}
        </ol>
        <div class="message-actions">
          <button
            type="button"
            class="button button-primary button-large"
            data-testid="check-again"
            disabled={isRunning}
            onClick={() => void start()}
          >
            <Icon name="rotate-cw" />
            {check.again}
          </button>
          <CopyButton class="button button-large" label={check.copy} text={() => reportOf(steps)} />
          <button type="button" class="button button-large" onClick={openLanding}>
            {check.home}
          </button>
        </div>
      </main>
    </div>
  );
}

function Step({ name, result }: { readonly name: StepName; readonly result: StepResult }): JSX.Element {
  const { check } = t.value;
  const { state, code, rttMs } = result;
  return (
    <li class="check-step" data-state={state} data-code={code} data-testid={`check-${name}`}>
      <span class="check-mark">
        {state === "ok" && <Icon name="check" />}
        {state === "failed" && <Icon name="x" />}
        {state === "warn" && <Icon name="triangle-alert" />}
        <span class="visually-hidden">{check.states[state]}</span>
      </span>
      <div>
        <h2>{check.steps[name]}</h2>
        <p>{code === undefined ? check.states[state] : check.codes[code]}</p>
      </div>
      {rttMs !== undefined && (
        <span class="check-time numeric" data-testid={`check-${name}-rtt`}>
          {formatMillis(rttMs, locale.value)}
        </span>
      )}
    </li>
  );
}

/** For whoever is asked for help: codes and figures, no addresses. */
function reportOf(steps: Steps): string {
  return JSON.stringify(
    { check: 1, userAgent: navigator.userAgent, verdict: verdictOf(steps), steps },
    undefined,
    2,
  );
}
