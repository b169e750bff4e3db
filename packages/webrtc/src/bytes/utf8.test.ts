import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8Length } from "./index.ts";

test.each(["", "a", "é", "한국어", "😀", "\ud800", "\udc00", "\ud800a", "\udc00\ud800"])(
  "%j is as long as its encoding",
  (text) => {
    expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
  },
);

test("any text is, with lone surrogates too", () => {
  const units = fc.array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })));
  fc.assert(
    fc.property(units, (codes) => {
      const text = String.fromCharCode(...codes);
      return utf8Length(text) === new TextEncoder().encode(text).length;
    }),
  );
});
