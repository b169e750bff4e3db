import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { en, type Messages } from "./en.ts";
import { ko } from "./ko.ts";

export type { Messages } from "./en.ts";

/** The languages the page speaks. */
export type Locale = "en" | "ko";

/** Every language's dictionary, in the order they are offered. */
export const DICTIONARIES: Readonly<Record<Locale, Messages>> = { en, ko };

/** The language in use. */
export const locale: Signal<Locale> = signal("en");

/** The sentences of the language in use. */
export const t: ReadonlySignal<Messages> = computed(() => DICTIONARIES[locale.value]);

/** The first language of `preferred` (BCP 47 tags, best first) that the page speaks; English otherwise. */
export function chooseLocale(preferred: readonly string[]): Locale {
  for (const tag of preferred) {
    const language = tag.toLowerCase().split("-")[0];
    if (isLocale(language)) return language;
  }
  return "en";
}

/** Whether a text names a language the page speaks. */
export function isLocale(text: string | null | undefined): text is Locale {
  return text === "en" || text === "ko";
}
