import { describe, expect, test } from "vitest";
import { DEFAULT_PREFERENCES, parsePreferences, parseUrlOptions } from "./preferences.ts";

describe("parsePreferences", () => {
  test("what was stored comes back", () => {
    const stored = {
      ...DEFAULT_PREFERENCES,
      name: "Mina",
      camera: false,
      cameraId: "a",
      locale: "ko",
      theme: "dark",
    };
    expect(parsePreferences(JSON.stringify(stored))).toEqual(stored);
  });

  test("damaged or foreign storage gives the defaults", () => {
    for (const text of [null, "", "{", "[]", "7", '{"name":7,"camera":"no","theme":"pink","locale":"xx"}']) {
      expect(parsePreferences(text)).toEqual(DEFAULT_PREFERENCES);
    }
  });
});

describe("parseUrlOptions", () => {
  test("reads what tests and power users preset", () => {
    expect(parseUrlOptions("?name=Mina%20Kim&mic=0&cam=1&join=1&lang=ko&theme=dark&token=t")).toEqual({
      name: "Mina Kim",
      microphone: false,
      camera: true,
      join: true,
      locale: "ko",
      theme: "dark",
      token: "t",
    });
  });

  test("nothing asked for is nothing preset", () => {
    expect(parseUrlOptions("?mic=perhaps&lang=xx&name=%20")).toEqual({
      name: undefined,
      microphone: undefined,
      camera: undefined,
      join: false,
      locale: undefined,
      theme: undefined,
      token: undefined,
    });
  });
});
