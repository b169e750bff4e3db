import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { locale, t } from "../i18n/index.ts";
import type { Meeting, TransferView } from "../meeting/meeting.ts";
import { formatBytes, formatClock, secondsLeft } from "../model/format.ts";
import { Icon } from "./icon.tsx";

/** Files on their way, in and out. */
export function FilesPanel({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { files } = t.value;
  const input = useRef<HTMLInputElement>(null);
  const transfers = meeting.transfers.value;
  const alone = meeting.peers.value.length === 0;
  return (
    <div class="panel-body files">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard. */}
      <section class="panel-scroll" aria-label={files.title} tabIndex={0}>
        {transfers.length === 0 && <p class="panel-empty">{files.empty}</p>}
        <ul class="transfers">
          {transfers.toReversed().map((view) => (
            <Transfer key={view.id} meeting={meeting} view={view} />
          ))}
        </ul>
      </section>
      <div class="files-choose">
        {alone && <p class="hint">{files.nobody}</p>}
        <input
          ref={input}
          type="file"
          multiple
          class="visually-hidden"
          tabIndex={-1}
          aria-label={files.choose}
          data-testid="file-input"
          onChange={({ currentTarget }) => {
            meeting.sendFiles([...(currentTarget.files ?? [])]);
            currentTarget.value = "";
          }}
        />
        <button type="button" class="button" disabled={alone} onClick={() => input.current?.click()}>
          <Icon name="paperclip" />
          {files.choose}
        </button>
      </div>
    </div>
  );
}

function Transfer({
  meeting,
  view,
}: {
  readonly meeting: Meeting;
  readonly view: TransferView;
}): JSX.Element {
  const { files } = t.value;
  const { transfer, state } = view;
  const incoming = transfer.direction === "receive";
  const size = formatBytes(transfer.size, locale.value);
  return (
    <li
      class="transfer"
      data-testid={`transfer-${view.id}`}
      data-state={state}
      data-direction={transfer.direction}
      data-sha256={view.sha256}
    >
      <div class="transfer-head">
        <Icon name="file" />
        <div>
          <strong class="transfer-name">{transfer.name}</strong>
          <small>{`${size} · ${partner(meeting, view)}`}</small>
        </div>
      </div>
      {state === "active" && <Progress view={view} />}
      {state !== "active" && !(state === "offered" && incoming) && (
        <p class="transfer-state">
          {state === "done" && <Icon name="shield-check" />}
          {transfer.failure === undefined ? files.state[state] : files.failure[transfer.failure.code]}
        </p>
      )}
      {view.sha256 !== undefined && (
        <details class="transfer-hash">
          <summary>{files.sha256}</summary>
          <code>{view.sha256}</code>
        </details>
      )}
      <TransferActions view={view} incoming={incoming} />
    </li>
  );
}

function Progress({ view }: { readonly view: TransferView }): JSX.Element {
  const { files } = t.value;
  const { size } = view.transfer;
  const left = secondsLeft(size, view.bytes, view.bytesPerSecond);
  return (
    <div class="transfer-progress">
      <progress aria-label={files.progress} value={view.bytes} max={Math.max(1, size)} />
      <small class="numeric">
        {`${formatBytes(view.bytes, locale.value)} · ${formatBytes(view.bytesPerSecond, locale.value)}/s`}
        {left !== undefined && ` · ${files.left(formatClock(left))}`}
      </small>
    </div>
  );
}

function TransferActions({
  view,
  incoming,
}: {
  readonly view: TransferView;
  readonly incoming: boolean;
}): JSX.Element | null {
  const { files } = t.value;
  const { transfer, state } = view;
  if (state === "offered" && incoming) {
    return (
      <div class="transfer-actions">
        <button
          type="button"
          class="button"
          data-testid="transfer-decline"
          onClick={() => transfer.decline()}
        >
          {files.decline}
        </button>
        <button
          type="button"
          class="button button-primary"
          data-testid="transfer-accept"
          onClick={() => transfer.accept()}
        >
          {files.accept}
        </button>
      </div>
    );
  }
  if (state === "offered" || state === "active") {
    return (
      <div class="transfer-actions">
        <button type="button" class="button" onClick={() => transfer.cancel()}>
          {files.cancelTransfer}
        </button>
      </div>
    );
  }
  return state === "done" && incoming ? <SaveLink view={view} /> : null;
}

function SaveLink({ view }: { readonly view: TransferView }): JSX.Element | null {
  const [url, setUrl] = useState<string | undefined>(undefined);
  useEffect(() => {
    const made = URL.createObjectURL(view.transfer.blob());
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [view.transfer]);
  if (url === undefined) return null;
  return (
    <div class="transfer-actions">
      <a class="button button-primary" href={url} download={view.transfer.name} data-testid="transfer-save">
        <Icon name="download" />
        {t.value.files.save}
      </a>
    </div>
  );
}

function partner(meeting: Meeting, view: TransferView): string {
  const { files, unknown } = t.value;
  const nameOf = (id: string | undefined): string =>
    meeting.peers.value.find((peer) => peer.id === id)?.name ?? unknown;
  if (view.transfer.direction === "receive") return files.from(nameOf(view.transfer.participant));
  const names = view.transfer.receivers.map((receiver) => nameOf(receiver.participant));
  return files.sentTo(new Intl.ListFormat(locale.value).format(names));
}
