import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { announcement, toasts } from "../store.ts";
import { Icon } from "./icon.tsx";

/** What screen readers hear, and the short messages on the screen. */
export function LiveRegion(): JSX.Element {
  return (
    <>
      <Announcer testId="announcer" />
      <ul class="toasts" aria-hidden="true">
        {toasts.value.map((toast) => (
          <li key={toast.id} class={`toast toast-${toast.kind}`}>
            {toast.kind === "error" && <Icon name="circle-alert" />}
            {toast.text}
          </li>
        ))}
      </ul>
    </>
  );
}

/**
 * Says announcements, from now on. A modal dialog makes everything outside it inert, live regions too, so each has one
 * of its own inside.
 */
export function Announcer({ testId }: { readonly testId?: string }): JSX.Element {
  const [before] = useState(() => announcement.peek());
  const text = announcement.value;
  return (
    <div class="visually-hidden" role="status" aria-live="polite" data-testid={testId}>
      {text === before ? "" : text}
    </div>
  );
}
