/** What a key can do in the meeting. */
export type ShortcutAction =
  | "toggleMicrophone"
  | "toggleCamera"
  | "toggleShare"
  | "toggleChat"
  | "toggleHand"
  | "togglePeople"
  | "showHelp"
  | "pushToTalk";

/** The part of a `KeyboardEvent` that decides. */
export interface KeyPress {
  /** Place of the key, so that M is M under a Korean layout too. */
  readonly code: string;
  /** What the key types; only used for `?`, which moves between layouts. */
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly repeat: boolean;
}

/** What has the keyboard: `text` takes letters, `control` takes Space and Enter. */
export type FocusKind = "text" | "control" | "none";

/** Single keys, as the help shows them. Ctrl/Cmd+D and Ctrl/Cmd+E work as well. */
export const SINGLE_KEYS: readonly {
  readonly code: string;
  readonly label: string;
  readonly action: ShortcutAction;
}[] = [
  { code: "KeyM", label: "M", action: "toggleMicrophone" },
  { code: "KeyV", label: "V", action: "toggleCamera" },
  { code: "KeyS", label: "S", action: "toggleShare" },
  { code: "KeyC", label: "C", action: "toggleChat" },
  { code: "KeyR", label: "R", action: "toggleHand" },
  { code: "KeyP", label: "P", action: "togglePeople" },
];

/**
 * The action of a key press, or undefined when the key belongs to somebody else: to a text field, a button, the
 * browser, or because single keys are switched off (WCAG 2.1.4).
 */
export function shortcutFor(
  press: KeyPress,
  focus: FocusKind,
  singleKeys: boolean,
): ShortcutAction | undefined {
  if (press.repeat) return undefined;
  if (press.altKey || focus === "text") return undefined;
  if (press.ctrlKey !== press.metaKey) {
    if (press.shiftKey) return undefined;
    if (press.code === "KeyD") return "toggleMicrophone";
    return press.code === "KeyE" ? "toggleCamera" : undefined;
  }
  if (press.ctrlKey || !singleKeys) return undefined;
  if (press.key === "?" || (press.code === "Slash" && press.shiftKey)) return "showHelp";
  if (press.shiftKey) return undefined;
  if (press.code === "Space") return focus === "none" ? "pushToTalk" : undefined;
  return SINGLE_KEYS.find((entry) => entry.code === press.code)?.action;
}

/** What the element that has the focus does with keys. */
export function focusKind(element: Element | null): FocusKind {
  if (element === null) return "none";
  if (element.matches("textarea, select, [contenteditable]:not([contenteditable=false])")) return "text";
  if (element.matches("input:not([type=checkbox], [type=radio], [type=button], [type=file], [type=range])"))
    return "text";
  return element.matches("button, a[href], input, summary, [role=button], [role=tab]") ? "control" : "none";
}
