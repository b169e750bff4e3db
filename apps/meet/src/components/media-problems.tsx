import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import { devices } from "../media/devices.ts";
import type { CaptureProblem, Meeting } from "../meeting/meeting.ts";
import { mediaHelp } from "../model/media-help.ts";
import { Icon } from "./icon.tsx";

/** Why a device did not start and what to do; one text when microphone and camera have the same problem. */
export function MediaProblems({ meeting }: { readonly meeting: Meeting }): JSX.Element | null {
  const problems = distinct(meeting.problems.value);
  if (problems.length === 0) return null;
  return (
    <div class="problems" role="alert" data-testid="media-problems">
      {problems.map((problem) => (
        <Problem key={problem.kind} problem={problem} meeting={meeting} />
      ))}
    </div>
  );
}

function Problem({
  problem,
  meeting,
}: {
  readonly problem: CaptureProblem;
  readonly meeting: Meeting;
}): JSX.Element | null {
  const help = mediaHelp(problem.code, t.value, navigator.userAgent, location.href);
  if (help === undefined) return null;
  const { mediaHelp: messages, preJoin } = t.value;
  const { microphones, cameras } = devices.value;
  const found = [...microphones, ...cameras].map((device) => device.label).filter((label) => label !== "");
  return (
    <section class="problem" data-code={problem.code}>
      <Icon name="triangle-alert" />
      <div>
        <h2>{help.title}</h2>
        <p>{help.action}</p>
        {problem.code === "DEVICE_NOT_FOUND" && found.length > 0 && (
          <p>{messages.found(new Intl.ListFormat(document.documentElement.lang).format(found))}</p>
        )}
        <div class="problem-actions">
          {help.secureUrl === undefined ? (
            <button type="button" class="button" onClick={() => void retry(problem, meeting)}>
              <Icon name="rotate-cw" />
              {preJoin.tryAgain}
            </button>
          ) : (
            <a class="button" href={help.secureUrl}>
              <Icon name="lock" />
              {messages.openSecure}
            </a>
          )}
        </div>
      </div>
    </section>
  );
}

async function retry(problem: CaptureProblem, meeting: Meeting): Promise<void> {
  const kinds = meeting.problems.peek().filter((other) => other.code === problem.code);
  await Promise.all(
    kinds.map(({ kind }) => (kind === "audio" ? meeting.setMicrophone(true) : meeting.setCamera(true))),
  );
}

function distinct(problems: readonly CaptureProblem[]): readonly CaptureProblem[] {
  return problems.filter(
    (problem, index) => problems.findIndex((other) => other.code === problem.code) === index,
  );
}
