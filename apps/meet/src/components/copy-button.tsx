import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { announce } from "../store.ts";
import { Icon } from "./icon.tsx";

interface CopyButtonProps {
  readonly text: () => string;
  readonly label: string;
  readonly done?: string;
  readonly class?: string;
}

/** Copies a text and says so. */
export function CopyButton({
  text,
  label,
  done = t.value.copied,
  class: className,
}: CopyButtonProps): JSX.Element {
  const [copied, setCopied] = useState(false);
  async function copy(): Promise<void> {
    if (!(await copyText(text()))) return;
    setCopied(true);
    announce(done);
    setTimeout(() => setCopied(false), 2_000);
  }
  return (
    <button type="button" class={className ?? "button"} onClick={() => void copy()}>
      <Icon name={copied ? "check" : "copy"} />
      {copied ? done : label}
    </button>
  );
}

/** Copies through the clipboard API, or through a selection where the page is not a secure context. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelection(text);
  }
}

function copySelection(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  // A modal dialog makes everything outside it inert, so the field has to be inside.
  const host = document.querySelector("dialog[open]") ?? document.body;
  host.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
