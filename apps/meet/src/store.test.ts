import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { announce, announcement } from "./store.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.runAllTimers();
  vi.useRealTimers();
});

test("announcements that come together are said one after the other", () => {
  const said: string[] = [];
  const stop = announcement.subscribe((text) => said.push(text));
  for (const text of ["Mina joined.", "Theo joined.", "Theo joined."]) announce(text);
  vi.runAllTimers();
  stop();
  expect(said.slice(1)).toEqual(["Mina joined.", "Theo joined.", "Theo joined.\u00a0"]);
});

test("the newest ten wait, however many come", () => {
  const said: string[] = [];
  const stop = announcement.subscribe((text) => said.push(text));
  for (let i = 0; i < 100; i++) announce(`${i}`);
  vi.runAllTimers();
  stop();
  expect(said.slice(1)).toEqual(["0", ...Array.from({ length: 10 }, (_, i) => `${90 + i}`)]);
});
