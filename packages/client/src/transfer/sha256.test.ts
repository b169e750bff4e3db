import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hashFile } from "./file-hash.ts";
import { Sha256 } from "./sha256.ts";

function hash(...parts: readonly Uint8Array[]): string {
  const sha = new Sha256();
  for (const part of parts) sha.update(part);
  return sha.digestHex();
}

/** FIPS 180-4 examples (NIST CSRC, "SHA-256"), and the empty message. */
test.each([
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
  ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
])("hashes the standard's examples", (text, expected) => {
  expect(hash(new TextEncoder().encode(text))).toBe(expected);
});

test("agrees with OpenSSL at every length around the block boundaries", () => {
  for (let length = 0; length <= 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 7) & 0xff);
    expect(hash(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
  }
});

test("it does not matter how the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (parts) => {
      const whole = createHash("sha256");
      for (const part of parts) whole.update(part);
      expect(hash(...parts)).toBe(whole.digest("hex"));
    }),
  );
});

test("a file is hashed slice by slice", async () => {
  const bytes = new Uint8Array(3_000_001).fill(7);
  expect(await hashFile(new Blob([bytes]), () => false)).toBe(
    createHash("sha256").update(bytes).digest("hex"),
  );
});
