import type { Verdict } from "@naru/client";
import type { ComponentChildren, JSX } from "preact";
import { t } from "../i18n/index.ts";
import { Icon } from "./icon.tsx";

interface VerdictBoxProps {
  readonly verdict: Verdict;
  readonly children?: ComponentChildren;
}

/** Why a connection does not work, and what to do. */
export function VerdictBox({ verdict, children }: VerdictBoxProps): JSX.Element {
  const { inspector } = t.value;
  const { why, action } = verdictText(verdict);
  return (
    <section class="verdict" role="alert" data-testid="verdict" data-code={verdict.code}>
      <Icon name="triangle-alert" />
      <div>
        <h3>{inspector.phaseLong[verdict.phase]}</h3>
        <p class="verdict-why">{why}</p>
        <p>{action}</p>
        <p class="code">{verdict.code}</p>
        {children}
      </div>
    </section>
  );
}

/** A verdict in the language in use; the English sentences for codes this page does not know. */
export function verdictText(verdict: Verdict): { readonly why: string; readonly action: string } {
  const known: Readonly<Record<string, { readonly why: string; readonly action: string } | undefined>> =
    t.value.verdicts;
  return known[verdict.code] ?? { why: verdict.message, action: verdict.action };
}
