import { expect, test } from "vitest";
import { MutedTalkingHint } from "./muted-talking.ts";

test("the hint comes after most of a second of talking and lingers", () => {
  const hint = new MutedTalkingHint();
  expect(hint.handleLevel(0.6, 0)).toBe(false);
  expect(hint.handleLevel(0.6, 500)).toBe(false);
  expect(hint.handleLevel(0.1, 600)).toBe(false);
  expect(hint.handleLevel(0.6, 950)).toBe(true);
  expect(hint.handleLevel(0, 4_000)).toBe(true);
  expect(hint.handleLevel(0, 5_500)).toBe(false);
});

test("a cough is no talking, and neither are two", () => {
  const hint = new MutedTalkingHint();
  expect(hint.handleLevel(0.9, 0)).toBe(false);
  expect(hint.handleLevel(0, 450)).toBe(false);
  expect(hint.handleLevel(0.9, 2_000)).toBe(false);
});
