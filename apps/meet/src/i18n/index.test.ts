import { describe, expect, test } from "vitest";
import { en } from "./en.ts";
import { chooseLocale } from "./index.ts";
import { ko } from "./ko.ts";

describe("dictionaries", () => {
  test("no sentence of either language is empty, and every Korean one is Korean or a proper name", () => {
    for (const [key, text] of sentences(en)) expect(text.trim(), key).not.toBe("");
    for (const [key, text] of sentences(ko)) {
      if (NOT_TRANSLATED.has(key)) continue;
      expect(text, key).toMatch(/[가-힣]/);
    }
  });

  test("Korean speaks in one voice", () => {
    for (const [key, text] of sentences(ko)) expect(text, key).not.toMatch(/니다[.!?]?(\s|$)/);
  });

  test("a host who mutes somebody has muted them, not themselves", () => {
    expect(en.banner.muteRequested("Mina")).toMatch(/^Mina muted your microphone/);
    expect(ko.banner.muteRequested("민아")).toMatch(/^민아 님이 내 마이크를 음소거했어요/);
    expect(ko.banner.cameraStopRequested("민아")).toMatch(/^민아 님이 내 카메라를 껐어요/);
  });

  test("sentences with blanks say what is put into them", () => {
    expect(en.announce.joined("Mina")).toContain("Mina");
    expect(ko.announce.joined("민아")).toContain("민아");
    expect(en.inspector.descriptionsValue(1, 2)).toBe("1 offer, 2 answers");
  });
});

test("the first language of the browser that the page speaks is used", () => {
  expect(chooseLocale(["ko-KR", "en"])).toBe("ko");
  expect(chooseLocale(["de-DE", "en-GB", "ko"])).toBe("en");
  expect(chooseLocale(["fr"])).toBe("en");
  expect(chooseLocale([])).toBe("en");
});

/** The same in every language. */
const NOT_TRANSLATED = new Set(["files.sha256"]);

function sentences(messages: object, path = ""): readonly (readonly [string, string])[] {
  return Object.entries(messages).flatMap(([name, value]) => {
    const key = path === "" ? name : `${path}.${name}`;
    if (typeof value === "string") return [[key, value] as const];
    return typeof value === "object" ? sentences(value, key) : [];
  });
}
