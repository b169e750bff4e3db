import type { JSX } from "preact";
import { announcement, toasts } from "../store.ts";
import { Icon } from "./icon.tsx";

/** What screen readers hear, and the short messages on the screen. */
export function LiveRegion(): JSX.Element {
  return (
    <>
      <div class="visually-hidden" role="status" aria-live="polite" data-testid="announcer">
        {announcement.value}
      </div>
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
