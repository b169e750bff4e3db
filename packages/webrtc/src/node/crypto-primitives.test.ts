import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../bytes/index.ts";
import { nodeCrypto } from "./crypto.ts";

describe("AEAD", () => {
  test("ChaCha20-Poly1305 is that of RFC 9001 §A.5, in place", () => {
    const key = fromHex("c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8");
    const packet = fromHex(`4200bff401${"00".repeat(16)}`);
    nodeCrypto
      .createAead("chacha20-poly1305", key)
      .seal(fromHex("e0459b3474bdd0e46d417eb0"), packet, 0, 4, packet, 4, 5);
    expect(toHex(packet)).toBe("4200bff4655e5cd55c41f69080575d7999c25a5bfb");
  });

  test.each(["aes-128-gcm", "aes-256-gcm", "chacha20-poly1305"] as const)(
    "%s opens what it sealed, and no more",
    (name) => {
      const aead = nodeCrypto.createAead(name, new Uint8Array(name === "aes-128-gcm" ? 16 : 32).fill(1));
      const nonce = new Uint8Array(12).fill(2);
      const bytes = Uint8Array.of(9, 9, 1, 2, 3, ...new Uint8Array(16), 7);
      aead.seal(nonce, bytes, 0, 2, bytes, 2, 5);
      expect(bytes[21]).toBe(7);
      const target = new Uint8Array(8);
      expect(aead.open(nonce, bytes, 0, 2, bytes, 2, 21, target, 4)).toBe(true);
      expect([...target]).toEqual([0, 0, 0, 0, 1, 2, 3, 0]);
      const untouched = new Uint8Array(8);
      expect(aead.open(nonce, bytes, 0, 1, bytes, 2, 21, untouched, 0)).toBe(false);
      expect(aead.open(nonce, bytes, 0, 2, bytes, 2, 10, untouched, 0)).toBe(false);
      expect(untouched).toEqual(new Uint8Array(8));
    },
  );

  test("a key of another length is refused", () => {
    expect(() => nodeCrypto.createAead("aes-128-gcm", new Uint8Array(32))).toThrow(RangeError);
    expect(() => nodeCrypto.createBlockCipher("aes-256", new Uint8Array(16))).toThrow(RangeError);
  });
});

test.each(["aes-128", "aes-256", "chacha20"] as const)("%s maps many blocks as it maps each", (name) => {
  const cipher = nodeCrypto.createBlockCipher(name, new Uint8Array(name === "aes-128" ? 16 : 32).fill(3));
  const blocks = Uint8Array.from({ length: 48 }, (_, i) => i);
  const together = new Uint8Array(48);
  cipher.encrypt(blocks, 0, 48, together, 0);
  const apart = new Uint8Array(48);
  for (const at of [32, 0, 16]) cipher.encrypt(blocks, at, at + 16, apart, at);
  expect(apart).toEqual(together);
});

test("a hash grows on after its digest was taken", () => {
  const hash = nodeCrypto.createHash("sha-256");
  hash.update(Uint8Array.of(1));
  expect(hash.digest()).toEqual(nodeCrypto.hash("sha-256", Uint8Array.of(1)));
  hash.update(Uint8Array.of(2));
  expect(hash.digest()).toEqual(nodeCrypto.hash("sha-256", Uint8Array.of(1, 2)));
});

describe("key agreement", () => {
  const lengths = { x25519: 32, "p-256": 65, "p-384": 97 } as const;

  test.each(["x25519", "p-256", "p-384"] as const)(
    "%s comes to one secret, and refuses keys that are none",
    (group) => {
      const [a, b] = [nodeCrypto.createKeyAgreement(group), nodeCrypto.createKeyAgreement(group)];
      expect(a.publicKey).toHaveLength(lengths[group]);
      expect(a.agree(b.publicKey)).toEqual(b.agree(a.publicKey));
      expect(a.agree(new Uint8Array(lengths[group]))).toBeUndefined();
      expect(a.agree(new Uint8Array(0))).toBeUndefined();
      expect(a.agree(b.publicKey.subarray(1))).toBeUndefined();
      const off = b.publicKey.slice();
      off[off.length - 1]! ^= 1;
      // Every string of 32 bytes is a point of X25519.
      if (group !== "x25519") expect(a.agree(off)).toBeUndefined();
    },
  );
});

describe("ML-KEM-768", () => {
  const pair = nodeCrypto.createKemKeyPair();

  test("comes to one secret", () => {
    const encapsulation = nodeCrypto.encapsulate(pair.publicKey);
    expect(pair.publicKey).toHaveLength(1184);
    expect(encapsulation?.ciphertext).toHaveLength(1088);
    expect(pair.decapsulate(encapsulation!.ciphertext)).toEqual(encapsulation?.sharedSecret);
  });

  test("refuses keys and ciphertexts that are none", () => {
    expect(nodeCrypto.encapsulate(pair.publicKey.subarray(1))).toBeUndefined();
    // FIPS 203 §7.2: coefficients of 0xfff are above the modulus.
    expect(nodeCrypto.encapsulate(new Uint8Array(1184).fill(0xff))).toBeUndefined();
    expect(pair.decapsulate(new Uint8Array(1087))).toBeUndefined();
  });
});

describe("an imported signing key", () => {
  const pem = { type: "pkcs8", format: "pem" } as const;
  test.each([
    ["ecdsa-p256", () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export(pem)],
    ["ecdsa-p384", () => generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export(pem)],
    ["ed25519", () => generateKeyPairSync("ed25519").privateKey.export(pem)],
    ["rsa", () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export(pem)],
  ])("of type %s is one", (keyType, make) => {
    expect(nodeCrypto.importSigningKey(make().toString()).keyType).toBe(keyType);
  });

  test("that is none is refused, without being quoted", () => {
    expect(() => nodeCrypto.importSigningKey("-----BEGIN secret-----")).toThrow(/expected a private key/);
    expect(() => nodeCrypto.importSigningKey("-----BEGIN secret-----")).not.toThrow(/secret/);
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export(pem).toString();
    expect(() => nodeCrypto.importSigningKey(weak)).toThrow(/2048/);
  });
});
