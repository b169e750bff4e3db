import { expect, test } from "vitest";
import { copyBytes } from "./index.ts";

test.each([
  ["an array", new Uint8Array([1, 2, 3, 4])],
  ["a Buffer, whose slice() is a view", Buffer.from([1, 2, 3, 4])],
])("a copy of %s is a plain array with memory of its own", (_name, lent) => {
  const copy = copyBytes(lent, 1, 3);
  lent.fill(0);
  expect(copy).toEqual(new Uint8Array([2, 3]));
  expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype);
  expect(copy.buffer.byteLength).toBe(2);
});
