import fc from "fast-check";
import { expect, test } from "vitest";
import { equalBytes, fromHex, toHex } from "./index.ts";

test("bytes read back from their digits", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => equalBytes(fromHex(toHex(bytes)), bytes)));
});

test("white space, colons and upper case are read", () => {
  expect(toHex(fromHex(" 00:aB\n Ff "))).toBe("00abff");
});

test.each(["0", "0g", "0x00", "-1", "٠٠"])("%j is refused", (text) => {
  expect(() => fromHex(text)).toThrow(TypeError);
});
