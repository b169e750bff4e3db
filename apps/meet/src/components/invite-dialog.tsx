import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { encode } from "uqr";
import { t } from "../i18n/index.ts";
import { invitationTo } from "../model/invitation.ts";
import { refreshServerConfig, serverConfig } from "../server-config.ts";
import { CopyButton } from "./copy-button.tsx";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";

interface InviteDialogProps {
  readonly roomName: string;
  readonly onClose: () => void;
}

/** The link of the room, to copy, to share and to scan. */
export function InviteDialog({ roomName, onClose }: InviteDialogProps): JSX.Element {
  const { invite } = t.value;
  const { tokenRequired, networkUrl } = serverConfig.value;
  const { url, localOnly } = invitationTo(roomName, new URL(location.href), networkUrl);
  useEffect(() => void refreshServerConfig(), []);
  return (
    <Dialog title={invite.title} onClose={onClose} testId="invite-dialog">
      <p>
        {tokenRequired ? invite.tokenLead : invite.lead}
        {!localOnly && ` ${invite.scan}`}
      </p>
      {!localOnly && <QrCode text={url} label={invite.qr} />}
      <input
        class="invite-link"
        readOnly
        value={readable(url)}
        aria-label={invite.link}
        data-testid="invite-link"
        onFocus={({ currentTarget }) => currentTarget.select()}
      />
      {localOnly && (
        <p class="notice">
          <Icon name="circle-alert" />
          {invite.localOnly}
        </p>
      )}
      <div class="dialog-actions">
        {"share" in navigator && (
          <button
            type="button"
            class="button"
            onClick={() => {
              // Rejected when the user closes the sheet: nothing to say.
              navigator.share({ url }).catch(() => undefined);
            }}
          >
            <Icon name="share-2" />
            {invite.share}
          </button>
        )}
        <CopyButton class="button button-primary" text={() => url} label={invite.copyLink} />
      </div>
    </Dialog>
  );
}

/** Always dark on light, whatever the theme: some scanners cannot read the other way round. */
function QrCode({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const { data, size } = encode(text, { ecc: "M", border: 2 });
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      shape-rendering="crispEdges"
    >
      <path d={path} />
    </svg>
  );
}

/** The link with its letters instead of percent signs: 맑은-나루 reads better than what it is encoded as. */
function readable(url: string): string {
  try {
    return decodeURI(url);
  } catch {
    // Not text in UTF-8: show it as it is.
    return url;
  }
}
