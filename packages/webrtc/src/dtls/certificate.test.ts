import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../node/index.ts";
import { SeededRandom } from "../testing/index.ts";
import { DtlsCertificate } from "./certificate.ts";
import { CookieSecret } from "./cookie.ts";
import { fingerprintOf, matchesFingerprint } from "./fingerprint.ts";

const WALL_CLOCK = Date.UTC(2026, 10, 20, 12);
const DAY = 24 * 3600 * 1000;
const random = new SeededRandom("certificates");

function generate(algorithm: "ecdsa-p256" | "rsa-2048", lifetimeMs?: number): DtlsCertificate {
  const lifetime = lifetimeMs === undefined ? {} : { lifetimeMs };
  return DtlsCertificate.generate(nodeCrypto, random, { wallClock: WALL_CLOCK, ...lifetime }, algorithm);
}

describe.each(["ecdsa-p256", "rsa-2048"] as const)("a certificate for %s", (algorithm) => {
  const certificate = generate(algorithm);
  const parsed = new X509Certificate(certificate.chain[0]!);

  test("is one to OpenSSL, and signs itself", () => {
    expect(parsed.subject).toBe("CN=WebRTC");
    expect(parsed.issuer).toBe("CN=WebRTC");
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.raw.length).toBe(certificate.chain[0]!.length);
  });

  test("is valid for 30 days, and from a day before", () => {
    expect(certificate.expires).toBe(WALL_CLOCK + 30 * DAY);
    expect(Date.parse(parsed.validFrom)).toBe(WALL_CLOCK - DAY);
  });

  test("has the fingerprint that OpenSSL computes", () => {
    const expected = Uint8Array.from(parsed.fingerprint256.split(":"), (pair) => Number.parseInt(pair, 16));
    expect(certificate.fingerprint()).toEqual({ algorithm: "sha-256", bytes: expected });
    const long = Uint8Array.from(parsed.fingerprint512.split(":"), (pair) => Number.parseInt(pair, 16));
    expect(certificate.fingerprint("sha-512").bytes).toEqual(long);
  });

  test("signs what its public key verifies", () => {
    const scheme = algorithm === "rsa-2048" ? "rsa-pss-sha256" : "ecdsa-sha256";
    const data = Uint8Array.of(1, 2, 3);
    const signature = certificate.key.sign(scheme, data);
    const reader = nodeCrypto.parseCertificate(certificate.chain[0]!);
    expect(reader?.verify(scheme, data, signature)).toBe(true);
    expect(reader?.verify(scheme, Uint8Array.of(1, 2, 4), signature)).toBe(false);
    expect(reader?.verify("ed25519", data, signature)).toBe(false);
    expect(reader?.verify(scheme, data, new Uint8Array(0))).toBe(false);
  });
});

test("a lifetime is kept up to a year, and ends with it", () => {
  expect(generate("ecdsa-p256", 1000).expires).toBe(WALL_CLOCK + 1000);
  expect(generate("ecdsa-p256", 0).expires).toBe(WALL_CLOCK);
  expect(generate("ecdsa-p256", 1e15).expires).toBe(WALL_CLOCK + 365 * DAY);
  expect(() => generate("ecdsa-p256", -1)).toThrow(RangeError);
  expect(() => generate("ecdsa-p256", Number.NaN)).toThrow(RangeError);
});

test("a certificate past 2049 is written with four digits of the year", () => {
  const wallClock = Date.UTC(2049, 11, 20);
  const certificate = DtlsCertificate.generate(nodeCrypto, random, { wallClock });
  expect(certificate.expires).toBe(wallClock + 30 * DAY);
});

test("a key may be made on another thread", async () => {
  const certificate = await DtlsCertificate.generateAsync(nodeCrypto, random, { wallClock: WALL_CLOCK });
  expect(certificate.key.keyType).toBe("ecdsa-p256");
});

test("a certificate and the key of another do not go together", () => {
  const { chain } = generate("ecdsa-p256");
  expect(() => new DtlsCertificate(nodeCrypto, chain, generate("rsa-2048").key)).toThrow(TypeError);
  expect(() => new DtlsCertificate(nodeCrypto, [], generate("ecdsa-p256").key)).toThrow(TypeError);
  expect(() => new DtlsCertificate(nodeCrypto, [Uint8Array.of(1)], generate("ecdsa-p256").key)).toThrow(
    TypeError,
  );
});

test("bytes that are not one certificate are none", () => {
  const der = generate("ecdsa-p256").chain[0]!;
  expect(nodeCrypto.parseCertificate(der)?.keyType).toBe("ecdsa-p256");
  for (let length = 0; length < der.length; length++) {
    expect(nodeCrypto.parseCertificate(der.subarray(0, length))).toBeUndefined();
  }
  expect(nodeCrypto.parseCertificate(Uint8Array.of(...der, 0))).toBeUndefined();
});

describe("fingerprints", () => {
  const [der] = generate("ecdsa-p256").chain;
  const other = generate("ecdsa-p256").fingerprint();
  const right = fingerprintOf(nodeCrypto, der!, "sha-256");

  test("match when one of the strongest hash does", () => {
    expect(matchesFingerprint(nodeCrypto, der!, [right])).toBe(true);
    expect(matchesFingerprint(nodeCrypto, der!, [other, right])).toBe(true);
    expect(matchesFingerprint(nodeCrypto, der!, [other])).toBe(false);
    expect(matchesFingerprint(nodeCrypto, der!, [])).toBe(false);
  });

  test("of a weaker hash do not make up for a stronger one that does not match (RFC 8122 §5)", () => {
    const wrong = { algorithm: "sha-512", bytes: new Uint8Array(64) };
    expect(matchesFingerprint(nodeCrypto, der!, [right, wrong])).toBe(false);
    const strong = fingerprintOf(nodeCrypto, der!, "sha-384");
    expect(matchesFingerprint(nodeCrypto, der!, [other, strong])).toBe(true);
  });

  test("of SHA-1 or an unknown hash match nothing, and neither do some of the bytes", () => {
    const sha1 = { algorithm: "sha-1", bytes: nodeCrypto.hash("sha-1", der!) };
    expect(matchesFingerprint(nodeCrypto, der!, [sha1])).toBe(false);
    const short = { algorithm: "sha-256", bytes: right.bytes.subarray(0, 16) };
    expect(matchesFingerprint(nodeCrypto, der!, [short])).toBe(false);
    expect(matchesFingerprint(nodeCrypto, der!, [{ algorithm: "sha-256", bytes: new Uint8Array(0) }])).toBe(
      false,
    );
  });
});

describe("a cookie", () => {
  const secret = new CookieSecret(nodeCrypto, random);
  const address = Uint8Array.of(192, 0, 2, 1, 0, 80);
  const cookie = secret.seal(Uint8Array.of(1, 2), address);

  test("opens for the address it was made for only", () => {
    expect(secret.open(cookie, address)).toEqual(Uint8Array.of(1, 2));
    expect(secret.open(cookie, Uint8Array.of(192, 0, 2, 1, 0, 81))).toBeUndefined();
    expect(secret.open(cookie)).toBeUndefined();
    expect(secret.open(cookie, address.subarray(0, 3), address.subarray(3))).toBeUndefined();
  });

  test("does not open changed or cut", () => {
    for (let i = 0; i < cookie.length; i++) {
      const forged = cookie.slice();
      forged[i]! ^= 1;
      expect(secret.open(forged, address)).toBeUndefined();
      expect(secret.open(cookie.subarray(0, i), address)).toBeUndefined();
    }
  });

  test("outlives one change of the secret, and not two", () => {
    secret.rotate();
    expect(secret.open(cookie, address)).toBeDefined();
    secret.rotate();
    expect(secret.open(cookie, address)).toBeUndefined();
  });
});
