import { describe, expect, test } from "vitest";
import { type FocusKind, type KeyPress, shortcutFor } from "./shortcuts.ts";

function press(code: string, change: Partial<KeyPress> = {}): KeyPress {
  return {
    code,
    key: "",
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    repeat: false,
    ...change,
  };
}

function action(key: KeyPress, focus: FocusKind = "none", singleKeys = true) {
  return shortcutFor(key, focus, singleKeys);
}

describe("shortcutFor", () => {
  test("goes by the place of the key, so a Korean layout works too", () => {
    expect(action(press("KeyM", { key: "ㅡ" }))).toBe("toggleMicrophone");
    expect(action(press("KeyV", { key: "ㅍ" }))).toBe("toggleCamera");
    expect(action(press("KeyC", { key: "ㅊ" }))).toBe("toggleChat");
  });

  test("single keys with modifiers belong to the browser", () => {
    for (const modifier of ["altKey", "shiftKey"] as const) {
      expect(action(press("KeyM", { [modifier]: true }))).toBeUndefined();
    }
    expect(action(press("KeyC", { ctrlKey: true }))).toBeUndefined();
    expect(action(press("KeyV", { metaKey: true }))).toBeUndefined();
  });

  test("nothing happens while a text field has the keyboard", () => {
    for (const code of ["KeyM", "KeyV", "KeyC", "Space"]) {
      expect(action(press(code), "text")).toBeUndefined();
    }
    expect(action(press("KeyD", { ctrlKey: true }), "text")).toBeUndefined();
  });

  test("Space talks, but presses a button that has the focus", () => {
    expect(action(press("Space"))).toBe("pushToTalk");
    expect(action(press("Space"), "control")).toBeUndefined();
    expect(action(press("KeyM"), "control")).toBe("toggleMicrophone");
  });

  test("Ctrl or Cmd with D and E switch microphone and camera, even with single keys off", () => {
    expect(action(press("KeyD", { ctrlKey: true }), "none", false)).toBe("toggleMicrophone");
    expect(action(press("KeyE", { metaKey: true }), "none", false)).toBe("toggleCamera");
    expect(action(press("KeyD", { ctrlKey: true, shiftKey: true }))).toBeUndefined();
    expect(action(press("KeyD", { ctrlKey: true, metaKey: true }))).toBeUndefined();
  });

  test("single keys can be switched off", () => {
    for (const code of ["KeyM", "Space"]) expect(action(press(code), "none", false)).toBeUndefined();
    expect(action(press("Slash", { key: "?", shiftKey: true }), "none", false)).toBeUndefined();
  });

  test("the question mark opens the help on every layout", () => {
    expect(action(press("Slash", { key: "?", shiftKey: true }))).toBe("showHelp");
    expect(action(press("Minus", { key: "?", shiftKey: true }))).toBe("showHelp");
    expect(action(press("Slash", { key: "/" }))).toBeUndefined();
  });

  test("a key that is held acts once", () => {
    expect(action(press("KeyM", { repeat: true }))).toBeUndefined();
  });
});
