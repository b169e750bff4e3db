import { isLocale, type Locale } from "./i18n/index.ts";

/** Colours: the system's, or one's own choice. */
export type Theme = "system" | "light" | "dark";

/** What the page remembers between visits, in this browser only. */
export interface Preferences {
  readonly name: string;
  readonly microphone: boolean;
  readonly camera: boolean;
  readonly microphoneId: string | undefined;
  readonly cameraId: string | undefined;
  readonly speakerId: string | undefined;
  readonly locale: Locale | undefined;
  readonly theme: Theme;
  readonly singleKeys: boolean;
  readonly mirror: boolean;
}

export const DEFAULT_PREFERENCES: Preferences = {
  name: "",
  microphone: true,
  camera: true,
  microphoneId: undefined,
  cameraId: undefined,
  speakerId: undefined,
  locale: undefined,
  theme: "system",
  singleKeys: true,
  mirror: true,
};

/** Longest display name, in UTF-16 code units. */
export const MAX_NAME_LENGTH = 64;

/** Reads stored preferences; whatever is missing or of the wrong kind has its default. */
export function parsePreferences(text: string | null): Preferences {
  const stored = parseObject(text);
  const flag = (name: string, fallback: boolean): boolean => {
    const value = stored[name];
    return typeof value === "boolean" ? value : fallback;
  };
  const id = (name: string): string | undefined => {
    const value = stored[name];
    return typeof value === "string" && value !== "" ? value.slice(0, 512) : undefined;
  };
  return {
    name: id("name")?.slice(0, MAX_NAME_LENGTH) ?? "",
    microphone: flag("microphone", true),
    camera: flag("camera", true),
    microphoneId: id("microphoneId"),
    cameraId: id("cameraId"),
    speakerId: id("speakerId"),
    locale: toLocale(id("locale")),
    theme: toTheme(id("theme")) ?? "system",
    singleKeys: flag("singleKeys", true),
    mirror: flag("mirror", true),
  };
}

/** The theme a text names. */
export function toTheme(text: string | null | undefined): Theme | undefined {
  return text === "system" || text === "light" || text === "dark" ? text : undefined;
}

/** The language a text names. */
export function toLocale(text: string | null | undefined): Locale | undefined {
  return isLocale(text) ? text : undefined;
}

/** What the address asks for: `?name=Mina&mic=0&cam=0&join=1&lang=ko&theme=dark&token=…`. */
export interface UrlOptions {
  readonly name: string | undefined;
  readonly microphone: boolean | undefined;
  readonly camera: boolean | undefined;
  /** Join at once, without the preview. */
  readonly join: boolean;
  readonly locale: Locale | undefined;
  readonly theme: Theme | undefined;
  /** Join token, where the operator requires one. */
  readonly token: string | undefined;
}

/** Reads the query of the address. */
export function parseUrlOptions(query: string): UrlOptions {
  const parameters = new URLSearchParams(query);
  return {
    name: parameters.get("name")?.trim().slice(0, MAX_NAME_LENGTH) || undefined,
    microphone: toSwitch(parameters.get("mic")),
    camera: toSwitch(parameters.get("cam")),
    join: toSwitch(parameters.get("join")) ?? false,
    locale: toLocale(parameters.get("lang")),
    theme: toTheme(parameters.get("theme")),
    token: parameters.get("token") ?? undefined,
  };
}

/** What stays of the address's wishes once the visitor has gone on to another page: how everything looks. */
export function optionsElsewhere({ locale, theme }: UrlOptions): UrlOptions {
  return { ...parseUrlOptions(""), locale, theme };
}

/** Which devices are switched on. */
export interface DeviceSwitches {
  readonly microphone: boolean;
  readonly camera: boolean;
}

/**
 * What is on when a room's page opens: what was on last time, as far as the address agrees. An address comes from
 * anybody who can send a link, so it may switch off, but neither beat a remembered "off" nor put somebody live without
 * a click. On this computer itself it may do both: there it comes from whoever tries the page out.
 *
 * @param joinsAtOnce - The room is entered without the preview.
 */
export function devicesAtStart(
  options: UrlOptions,
  wanted: DeviceSwitches,
  { hostname, joinsAtOnce }: { readonly hostname: string; readonly joinsAtOnce: boolean },
): DeviceSwitches {
  if (isOwnComputer(hostname)) {
    return {
      microphone: options.microphone ?? wanted.microphone,
      camera: options.camera ?? wanted.camera,
    };
  }
  return {
    microphone: !joinsAtOnce && wanted.microphone && options.microphone !== false,
    camera: !joinsAtOnce && wanted.camera && options.camera !== false,
  };
}

/** Whether a host name means the computer that the page is open on. */
export function isOwnComputer(hostname: string): boolean {
  return hostname === "localhost" || hostname === "127.0.0.1" || hostname === "[::1]";
}

function toSwitch(text: string | null): boolean | undefined {
  if (text === "1" || text === "true") return true;
  return text === "0" || text === "false" ? false : undefined;
}

function parseObject(text: string | null): Record<string, unknown> {
  if (text === null) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // Damaged storage is worth no more than none.
    return {};
  }
}
