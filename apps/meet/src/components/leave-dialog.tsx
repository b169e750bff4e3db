import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { Dialog } from "./dialog.tsx";

interface LeaveDialogProps {
  readonly meeting: Meeting;
  readonly onClose: () => void;
}

/** Asks before leaving while a file is on its way. */
export function LeaveDialog({ meeting, onClose }: LeaveDialogProps): JSX.Element {
  const { controls, leaving } = t.value;
  return (
    <Dialog title={leaving.title} onClose={onClose} testId="leave-dialog">
      <p>{leaving.lead}</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          {leaving.stay}
        </button>
        <button
          type="button"
          class="button button-danger"
          data-testid="leave-confirm"
          onClick={() => meeting.leave()}
        >
          {controls.leave}
        </button>
      </div>
    </Dialog>
  );
}
