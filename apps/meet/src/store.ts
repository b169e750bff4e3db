import { batch, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { chooseLocale, locale, t } from "./i18n/index.ts";
import {
  DEFAULT_PREFERENCES,
  type Preferences,
  parsePreferences,
  parseUrlOptions,
  type Theme,
  type UrlOptions,
} from "./preferences.ts";

const STORAGE_KEY = "naru.preferences";

const stored = signal<Preferences>(DEFAULT_PREFERENCES);

/** What this browser remembers. */
export const preferences: ReadonlySignal<Preferences> = stored;

/** Colours in use: the address may override what is remembered. */
export const theme: Signal<Theme> = signal("system");

/** What the address asked for when the page was opened. */
export const urlOptions: Signal<UrlOptions> = signal(parseUrlOptions(""));

/** Reads preferences and address, and keeps the document's language, theme and title in step. */
export function startStore(): void {
  const options = parseUrlOptions(location.search);
  batch(() => {
    urlOptions.value = options;
    stored.value = parsePreferences(readStorage());
    locale.value = options.locale ?? stored.value.locale ?? chooseLocale(navigator.languages);
    theme.value = options.theme ?? stored.value.theme;
  });
  effect(() => {
    document.documentElement.lang = locale.value;
    document.documentElement.dataset["theme"] = theme.value;
  });
}

/** Remembers a choice. */
export function remember(change: Partial<Preferences>): void {
  batch(() => {
    stored.value = { ...stored.value, ...change };
    if (change.locale !== undefined) locale.value = change.locale;
    if (change.theme !== undefined) theme.value = change.theme;
  });
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(stored.value));
  } catch {
    // Storage is full or forbidden: the choice lasts until the page is closed.
  }
}

/** A short message on the screen; read out by screen readers as well. */
export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: "info" | "error";
}

const shown = signal<readonly Toast[]>([]);
const spoken = signal("");
let lastToast = 0;

/** Messages on the screen now, oldest first. */
export const toasts: ReadonlySignal<readonly Toast[]> = shown;

/** What the live region says. */
export const announcement: ReadonlySignal<string> = spoken;

const TOAST_MS = 5_000;
const MAX_TOASTS = 4;

/** Shows a message for five seconds and says it. */
export function toast(text: string, kind: Toast["kind"] = "info"): void {
  const entry: Toast = { id: ++lastToast, text, kind };
  shown.value = [...shown.value, entry].slice(-MAX_TOASTS);
  setTimeout(() => {
    shown.value = shown.value.filter((other) => other !== entry);
  }, TOAST_MS);
  announce(text);
}

/** Screen readers hear of a change when they look: what is there for less may never be read. */
const SPOKEN_MS = 400;
const MAX_WAITING = 10;
let waiting: readonly string[] = [];
let isSpeaking = false;

/** Says a message through the live region only, after those that are still to be said. */
export function announce(text: string): void {
  if (isSpeaking) waiting = [...waiting, text].slice(-MAX_WAITING);
  else say(text);
}

function say(text: string): void {
  // The same sentence twice would be no change of the region, so it would not be read again.
  spoken.value = spoken.value === text ? `${text}\u00a0` : text;
  isSpeaking = true;
  setTimeout(() => {
    isSpeaking = false;
    const [next, ...rest] = waiting;
    waiting = rest;
    if (next !== undefined) say(next);
  }, SPOKEN_MS);
}

/** Name of the page in the window's title. */
export function setTitle(text: string | undefined): void {
  document.title = text === undefined ? t.peek().appName : `${text} · ${t.peek().appName}`;
}

function readStorage(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    // Some browsers throw when storage is forbidden for the site.
    return null;
  }
}
