import { describe, expect, test } from "vitest";
import { HangulEnter } from "./hangul-enter.ts";

describe("HangulEnter", () => {
  test("Enter sends at once when nothing is being composed", () => {
    expect(new HangulEnter().handleEnter(false)).toBe("send");
  });

  test("Enter while a Hangul syllable is open sends once, when the syllable is closed", () => {
    const enter = new HangulEnter();
    enter.handleComposition("");
    enter.handleComposition("ㅇ");
    enter.handleComposition("안");
    expect(enter.handleEnter(true)).toBe("remember");
    expect(enter.handleCompositionEnd()).toBe(true);
    expect(enter.handleCompositionEnd()).toBe(false);
  });

  test("a syllable that is closed without Enter sends nothing", () => {
    const enter = new HangulEnter();
    enter.handleComposition("안");
    expect(enter.handleCompositionEnd()).toBe(false);
  });

  test("Enter that chooses a Japanese or Chinese candidate sends nothing", () => {
    for (const text of ["にほん", "日本", "zhong", "ㄓㄨㄥ"]) {
      const enter = new HangulEnter();
      enter.handleComposition(text);
      expect(enter.handleEnter(true)).toBe("wait");
      expect(enter.handleCompositionEnd()).toBe(false);
    }
  });

  test("another key after Enter takes it back", () => {
    const enter = new HangulEnter();
    enter.handleComposition("안");
    enter.handleEnter(true);
    enter.handleOtherKey();
    expect(enter.handleCompositionEnd()).toBe(false);
  });

  test("Enter after the syllable is closed is a plain Enter", () => {
    const enter = new HangulEnter();
    enter.handleComposition("안");
    enter.handleCompositionEnd();
    expect(enter.handleEnter(true)).toBe("wait");
    expect(enter.handleEnter(false)).toBe("send");
  });
});
