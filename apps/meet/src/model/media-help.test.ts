import { describe, expect, test } from "vitest";
import { en } from "../i18n/en.ts";
import { browserKind, mediaHelp, systemKind } from "./media-help.ts";

const AGENTS = {
  chromium:
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
  firefox: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0",
  safari:
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
  ios: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 CriOS/156.0 Mobile/15E148 Safari/604.1",
  android:
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
} as const;

describe("mediaHelp", () => {
  test("tells browsers and systems apart where the way to the settings differs", () => {
    for (const [kind, agent] of Object.entries(AGENTS)) expect(browserKind(agent)).toBe(kind);
    expect(systemKind(AGENTS.safari)).toBe("mac");
    expect(systemKind(AGENTS.firefox)).toBe("windows");
    expect(systemKind(AGENTS.chromium)).toBe("other");
  });

  test("a denied permission is explained for the browser at hand", () => {
    const help = mediaHelp("PERMISSION_DENIED", en, AGENTS.firefox, "https://x.example/r/a");
    expect(help).toEqual({ title: en.mediaHelp.deniedTitle, action: en.mediaHelp.denied.firefox });
  });

  test("an insecure page is offered over https, with everything behind the host kept", () => {
    const help = mediaHelp("INSECURE_CONTEXT", en, "", "http://192.168.0.12:8443/r/a?name=Mina");
    expect(help?.secureUrl).toBe("https://192.168.0.12:8443/r/a?name=Mina");
  });

  test("a picker that the user closed needs no help", () => {
    expect(mediaHelp("SCREEN_SHARE_CANCELLED", en, "", "")).toBeUndefined();
  });
});
