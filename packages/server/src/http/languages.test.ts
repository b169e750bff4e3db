import { expect, test } from "vitest";
import { preferredLanguage } from "./languages.ts";

test.each([
  [undefined, "en"],
  ["", "en"],
  ["ko", "ko"],
  ["ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"],
  ["en-US,en;q=0.9,ko;q=0.8", "en"],
  ["fr,ko;q=0.5", "ko"],
  ["en;q=0.5, ko;q=0.6", "ko"],
  ["ko;q=0, en;q=0.1", "en"],
  ["ko;q=0", "en"],
  ["KO", "ko"],
  ["kok", "en"],
  ["ko;q=9", "ko"],
  [`${"fr,".repeat(100_000)}ko`, "en"],
])("Accept-Language %s means %s", (header, language) => {
  expect(preferredLanguage(header)).toBe(language);
});
