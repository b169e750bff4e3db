import type { ComponentChildren, JSX } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { Icon } from "./icon.tsx";
import { Announcer } from "./live-region.tsx";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** `drawer` stands at the side and leaves the call in view. */
  readonly variant?: "center" | "drawer";
  readonly testId?: string;
}

/** A native modal dialog, open for as long as it is rendered. Esc, the cross and a click beside it close it. */
export function Dialog({ title, onClose, children, variant = "center", testId }: DialogProps): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  const pressedBeside = useRef(false);
  const titleId = useId();
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    // Closing gives the keyboard back to where it was; a dialog that is only removed leaves it nowhere.
    return () => dialog?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc closes a native dialog.
    <dialog
      ref={element}
      class={`dialog dialog-${variant}`}
      aria-labelledby={titleId}
      data-testid={testId}
      onClose={() => {
        // Removed by its owner, who knows; the event comes later, when another dialog may be open.
        if (element.current !== null) onClose();
      }}
      onPointerDown={(event) => {
        // The backdrop belongs to the dialog; everything visible is in its children. Where a click ends says nothing:
        // a selection that is dragged out of a field ends beside the dialog too.
        pressedBeside.current = event.target === event.currentTarget;
      }}
      onClick={(event) => {
        if (pressedBeside.current && event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div class="dialog-body">
        <div class="dialog-head">
          <h2 id={titleId}>{title}</h2>
          <button
            type="button"
            class="icon-button"
            aria-label={t.value.close}
            onClick={() => element.current?.close()}
          >
            <Icon name="x" />
          </button>
        </div>
        {children}
      </div>
      <Announcer />
    </dialog>
  );
}
