import { describe, expect, test } from "vitest";
import { DEFAULT_PREFERENCES, devicesAtStart, parsePreferences, parseUrlOptions } from "./preferences.ts";

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

describe("devicesAtStart", () => {
  const on = { microphone: true, camera: true };
  const off = { microphone: false, camera: false };
  const elsewhere = { hostname: "meet.example.com", joinsAtOnce: false };

  test("a link that joins at once puts nobody live", () => {
    for (const query of ["?join=1", "?join=1&mic=1&cam=1"]) {
      const options = parseUrlOptions(query);
      expect(devicesAtStart(options, on, { ...elsewhere, joinsAtOnce: true })).toEqual(off);
    }
  });

  test("a link does not switch on what was switched off last time", () => {
    expect(devicesAtStart(parseUrlOptions("?mic=1&cam=1"), off, elsewhere)).toEqual(off);
  });

  test("a link may switch off", () => {
    expect(devicesAtStart(parseUrlOptions("?mic=0"), on, elsewhere)).toEqual({
      microphone: false,
      camera: true,
    });
  });

  test("without wishes in the link, the preview has on what was on last time", () => {
    expect(devicesAtStart(parseUrlOptions(""), on, elsewhere)).toEqual(on);
    expect(devicesAtStart(parseUrlOptions(""), off, elsewhere)).toEqual(off);
  });

  test.each(["localhost", "127.0.0.1", "[::1]"])("on %s the link decides", (hostname) => {
    const options = parseUrlOptions("?join=1&mic=1&cam=0");
    expect(devicesAtStart(options, off, { hostname, joinsAtOnce: true })).toEqual({
      microphone: true,
      camera: false,
    });
  });

  test.each(["localhost.example.com", "127.0.0.1.example.com", "127.evil.example"])(
    "%s is somebody else's computer",
    (hostname) => {
      const options = parseUrlOptions("?join=1&mic=1&cam=1");
      expect(devicesAtStart(options, on, { hostname, joinsAtOnce: true })).toEqual(off);
    },
  );
});
