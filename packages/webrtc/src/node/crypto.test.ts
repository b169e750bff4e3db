import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../bytes/index.ts";
import { createNodeRandom, nodeCrypto } from "./crypto.ts";

const encoder = new TextEncoder();

test.each([
  ["md5", "900150983cd24fb0d6963f7d28e17f72"],
  ["sha-1", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  ["sha-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
] as const)("%s of abc is the well-known one, in a plain array", (algorithm, digest) => {
  const bytes = nodeCrypto.hash(algorithm, encoder.encode("abc"));
  expect(toHex(bytes)).toBe(digest);
  expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
});

describe("HMAC", () => {
  // RFC 2202 §3 and RFC 4231 §4.3: key "Jefe".
  test.each([
    ["sha-1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"],
    ["sha-256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
    [
      "sha-384",
      "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
    ],
  ] as const)("%s covers the bytes asked for and writes only its own", (algorithm, mac) => {
    const hmac = nodeCrypto.createHmac(algorithm, encoder.encode("Jefe"));
    const target = new Uint8Array(hmac.size + 4).fill(0xee);
    hmac.compute(encoder.encode("..what do ya want for nothing?.."), 2, 30, target, 2);
    expect(toHex(target)).toBe(`eeee${mac}eeee`);
  });

  test("the key is copied", () => {
    const key = fromHex("0102");
    const hmac = nodeCrypto.createHmac("sha-1", key);
    const [before, after] = [new Uint8Array(20), new Uint8Array(20)];
    hmac.compute(key, 0, 0, before, 0);
    key.fill(0xff);
    hmac.compute(key, 0, 0, after, 0);
    expect(after).toEqual(before);
  });

  test("an empty key is a key", () => {
    expect(nodeCrypto.createHmac("sha-1", new Uint8Array(0)).size).toBe(20);
  });
});

describe("random bytes", () => {
  test("do not repeat, within the pool and beyond it", () => {
    const random = createNodeRandom(64);
    const seen = new Set(Array.from({ length: 1000 }, () => toHex(random.fill(new Uint8Array(12)))));
    expect(seen.size).toBe(1000);
  });

  test("fill all of the target, larger than the pool too", () => {
    const random = createNodeRandom(64);
    const zeros = random.fill(new Uint8Array(10_000)).filter((byte) => byte === 0).length;
    expect(zeros).toBeGreaterThan(5);
    expect(zeros).toBeLessThan(120);
  });
});
