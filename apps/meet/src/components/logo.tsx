import type { JSX } from "preact";
import { t } from "../i18n/index.ts";

/** The mark: somebody on the landing, and the river. */
export function Logo(): JSX.Element {
  return (
    <span class="logo">
      <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
        <circle class="logo-sun" cx="16" cy="8.5" r="4" />
        <path class="logo-wave" d="M4 18.5c3-2.4 5-2.4 8 0s5 2.4 8 0 5-2.4 8 0" />
        <path class="logo-wave logo-wave-far" d="M8 25c2.4-1.9 4-1.9 6.4 0s4 1.9 6.4 0" />
      </svg>
      <span class="logo-word">{t.value.appName}</span>
    </span>
  );
}
