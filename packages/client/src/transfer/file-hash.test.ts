import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { hashFile } from "./file-hash.ts";

const BYTES = new Uint8Array(2_500_000).fill(7);

test("the hash of a file is that of its bytes", async () => {
  const expected = createHash("sha256").update(BYTES).digest("hex");
  expect(await hashFile(new Blob([BYTES]), () => false)).toBe(expected);
});

test("a file of which only a part was read has no hash", async () => {
  let asked = 0;
  expect(await hashFile(new Blob([BYTES]), () => asked++ > 0)).toBeUndefined();
});
