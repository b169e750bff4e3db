import type { ComponentChildren, JSX } from "preact";
import { DICTIONARIES, isLocale, locale, t } from "../i18n/index.ts";
import { toTheme } from "../preferences.ts";
import { openLanding } from "../router.ts";
import { remember, theme } from "../store.ts";
import { Icon } from "./icon.tsx";
import { Logo } from "./logo.tsx";

/** Head of the pages outside a call: the mark, the language, the colours. */
export function TopBar({ children }: { readonly children?: ComponentChildren }): JSX.Element {
  return (
    <header class="top-bar">
      <a
        class="top-bar-home"
        href="/"
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          openLanding();
        }}
      >
        <Logo />
      </a>
      {children}
      <div class="top-bar-tools">
        <LanguageSelect />
        <ThemeSelect />
      </div>
    </header>
  );
}

/** Chooses the language. */
export function LanguageSelect(): JSX.Element {
  return (
    <label class="quiet-select">
      <Icon name="languages" />
      <span class="visually-hidden">{t.value.settings.language}</span>
      <select
        data-testid="language-select"
        value={locale.value}
        onChange={({ currentTarget }) => {
          if (isLocale(currentTarget.value)) remember({ locale: currentTarget.value });
        }}
      >
        {Object.entries(DICTIONARIES).map(([key, messages]) => (
          <option key={key} value={key} lang={key}>
            {messages.languageName}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Chooses the colours. */
export function ThemeSelect(): JSX.Element {
  const { settings } = t.value;
  return (
    <label class="quiet-select">
      <Icon name="sun-moon" />
      <span class="visually-hidden">{settings.theme}</span>
      <select
        data-testid="theme-select"
        value={theme.value}
        onChange={({ currentTarget }) => {
          const chosen = toTheme(currentTarget.value);
          if (chosen !== undefined) remember({ theme: chosen });
        }}
      >
        <option value="system">{settings.themeSystem}</option>
        <option value="light">{settings.themeLight}</option>
        <option value="dark">{settings.themeDark}</option>
      </select>
    </label>
  );
}
