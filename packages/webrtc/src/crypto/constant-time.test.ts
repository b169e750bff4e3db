import { expect, test } from "vitest";
import { equalConstantTime } from "./index.ts";

test("secrets are equal when every byte is", () => {
  const secret = new Uint8Array([1, 2, 3]);
  expect(equalConstantTime(secret, new Uint8Array([1, 2, 3]))).toBe(true);
  expect(equalConstantTime(secret, new Uint8Array([0, 2, 3]))).toBe(false);
  expect(equalConstantTime(secret, new Uint8Array([1, 2, 0x83]))).toBe(false);
  expect(equalConstantTime(secret, new Uint8Array([1, 2]))).toBe(false);
  expect(equalConstantTime(new Uint8Array(0), new Uint8Array(0))).toBe(true);
});
