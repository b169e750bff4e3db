import { describe, expect, test } from "vitest";
import { initials, nameHue } from "./name-hue.ts";

describe("nameHue", () => {
  test("is the same for the same name, however it is written", () => {
    expect(nameHue("Mina")).toBe(nameHue(" mina "));
    expect(nameHue("김민아")).toBe(nameHue("김민아".normalize("NFD")));
  });

  test("never takes the red of leaving or the jade of speaking", () => {
    for (let i = 0; i < 500; i++) {
      const hue = nameHue(`name ${i}`);
      expect(hue).toBeGreaterThanOrEqual(45);
      expect(hue).toBeLessThan(360);
      expect(hue > 135 && hue < 195).toBe(false);
    }
  });

  test("tells people apart: names that differ in one letter spread over the hues", () => {
    const hues = new Set(Array.from({ length: 60 }, (_, index) => nameHue(`user${index}`)));
    expect(hues.size).toBeGreaterThan(12);
  });
});

describe("initials", () => {
  test("are the first letters of the first and last word", () => {
    expect(initials("Mina Kim")).toBe("MK");
    expect(initials("ada maria lovelace")).toBe("AL");
    expect(initials("otter")).toBe("O");
  });

  test("of a Korean name are the given name", () => {
    expect(initials("김민아")).toBe("민아");
    expect(initials("이산")).toBe("이산");
    expect(initials("남궁민수")).toBe("남궁");
  });

  test("keep letters whole that are made of several code points", () => {
    expect(initials("👩‍🚀 crew")).toBe("👩‍🚀C");
    expect(initials("")).toBe("?");
  });
});
