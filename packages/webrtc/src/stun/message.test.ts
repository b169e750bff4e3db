import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, writeUint16 } from "../bytes/index.ts";
import { nodeCrypto } from "../node/crypto.ts";
import type { StunAttribute } from "./attribute/attribute.ts";
import {
  copyStunMessage,
  decodeStunMessage,
  LIFETIME,
  PRIORITY,
  REALM,
  SOFTWARE,
  StunError,
  StunMessage,
  StunMessageBuilder,
  StunMethod,
  safeDecodeStunMessage,
  USERNAME,
} from "./index.ts";
import { FINGERPRINT_TYPE, MESSAGE_INTEGRITY_SHA256_TYPE, MESSAGE_INTEGRITY_TYPE } from "./integrity.ts";

const ID = fromHex("0102030405060708090a0b0c");
const SHA1 = nodeCrypto.createHmac("sha-1", fromHex("aa"));
const SHA256 = nodeCrypto.createHmac("sha-256", fromHex("bb"));

/** Any bytes under any type, right or wrong. */
function raw(type: number): StunAttribute<Uint8Array> {
  return {
    type,
    name: "raw",
    size: (value) => value.length,
    encode: (value, target, offset) => target.set(value, offset),
    decode: (bytes, offset, length) => bytes.slice(offset, offset + length),
  };
}

function build(fill: (builder: StunMessageBuilder) => unknown): Uint8Array {
  const builder = new StunMessageBuilder(new Uint8Array(4096)).start("request", StunMethod.binding, ID);
  fill(builder);
  return builder.finish().slice();
}

const EMPTY = build(() => undefined);

describe("the header", () => {
  test("a message without attributes is its header", () => {
    const message = decodeStunMessage(EMPTY);
    expect(message.attributeTypes).toEqual([]);
    expect(message.transactionId).toEqual(ID);
    expect(message.hasTransactionId(ID)).toBe(true);
    expect(message.hasTransactionId(fromHex("0102030405060708090a0b0d"))).toBe(false);
  });

  test.each([
    ["ERR_STUN_TRUNCATED", EMPTY.subarray(0, 19)],
    ["ERR_STUN_NOT_STUN", withByte(EMPTY, 0, 0x80)],
    ["ERR_STUN_NOT_STUN", withByte(EMPTY, 4, 0x20)],
    ["ERR_STUN_BAD_LENGTH", withByte(EMPTY, 3, 4)],
    ["ERR_STUN_BAD_LENGTH", withByte(Uint8Array.from([...EMPTY, 0, 0]), 3, 2)],
    [
      "ERR_STUN_TRUNCATED_ATTRIBUTE",
      withByte(
        build((b) => b.add(SOFTWARE, "abcd")),
        23,
        5,
      ),
    ],
    ["ERR_STUN_TOO_MANY_ATTRIBUTES", build((b) => addEmpty(b, 65))],
    ["ERR_STUN_FINGERPRINT_NOT_LAST", build((b) => b.addFingerprint().add(SOFTWARE, "x"))],
  ])("%s is thrown to people, with the rule that was broken", (code, bytes) => {
    const error = catchError(() => decodeStunMessage(bytes));
    expect(error).toBeInstanceOf(StunError);
    expect(error).toMatchObject({
      name: "StunError",
      code,
      reference: expect.stringMatching(/^RFC 8489 §\d/),
    });
    expect(error).toMatchObject({ message: expect.stringContaining(`${bytes.length} bytes`) });
  });
});

describe("attributes", () => {
  test("the first of several counts, and all can be had", () => {
    const message = decodeStunMessage(build((b) => b.add(SOFTWARE, "a").add(LIFETIME, 1).add(SOFTWARE, "b")));
    expect(message.get(SOFTWARE)).toBe("a");
    expect(message.getAll(SOFTWARE)).toEqual(["a", "b"]);
  });

  test("absent and malformed are told apart", () => {
    const message = decodeStunMessage(build((b) => b.add(raw(PRIORITY.type), new Uint8Array(3))));
    expect([message.get(PRIORITY), message.has(PRIORITY)]).toEqual([undefined, true]);
    expect([message.get(LIFETIME), message.has(LIFETIME)]).toEqual([undefined, false]);
    expect(message.getAll(PRIORITY)).toEqual([]);
  });

  test("64 of them are read", () => {
    expect(decodeStunMessage(build((b) => addEmpty(b, 64))).attributeTypes).toHaveLength(64);
  });

  test("those that count for nothing count towards the limit", () => {
    const bytes = build((b) => addEmpty(b.addIntegrity(SHA1), 64));
    expect(safeDecodeStunMessage(bytes)).toBe("too-many-attributes");
  });

  test("required ones that are not understood are listed once each, optional ones never", () => {
    const message = decodeStunMessage(
      build((b) => {
        for (const type of [0x7fff, 0x8000, 0x0003, 0x7fff, 0x0006]) b.add(raw(type), new Uint8Array(0));
        b.addIntegrity(SHA1).addIntegritySha256(SHA256).addFingerprint();
      }),
    );
    expect(message.unknownAttributes(new Set([USERNAME.type]))).toEqual([0x7fff, 0x0003]);
  });
});

describe("what ends a message", () => {
  test("MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT cover what precedes each", () => {
    const message = decodeStunMessage(
      build((b) => b.add(SOFTWARE, "a").addIntegrity(SHA1).addIntegritySha256(SHA256).addFingerprint()),
    );
    expect(message.hasIntegrity(SHA1)).toBe(true);
    expect(message.hasIntegritySha256(SHA256)).toBe(true);
    expect(message.hasFingerprint).toBe(true);
  });

  test("a message without them has none", () => {
    const message = decodeStunMessage(EMPTY);
    expect([message.hasIntegrity(SHA1), message.hasIntegritySha256(SHA256), message.hasFingerprint]).toEqual([
      false,
      false,
      false,
    ]);
  });

  // RFC 8489 §14.5 and §14.6: what a MAC does not cover is ignored.
  test.each([
    ["MESSAGE-INTEGRITY", (b: StunMessageBuilder) => b.addIntegrity(SHA1)],
    ["MESSAGE-INTEGRITY-SHA256", (b: StunMessageBuilder) => b.addIntegritySha256(SHA256)],
  ])("attributes behind %s are ignored, but for FINGERPRINT", (_name, addMac) => {
    const message = decodeStunMessage(build((b) => addMac(b).add(USERNAME, "mallory").addFingerprint()));
    expect(message.has(USERNAME)).toBe(false);
    expect(message.hasFingerprint).toBe(true);
    expect(message.unknownAttributes(new Set())).toEqual([]);
  });

  test("MESSAGE-INTEGRITY behind MESSAGE-INTEGRITY-SHA256 is ignored", () => {
    const message = decodeStunMessage(build((b) => b.addIntegritySha256(SHA256).addIntegrity(SHA1)));
    expect(message.hasIntegritySha256(SHA256)).toBe(true);
    expect(message.hasIntegrity(SHA1)).toBe(false);
  });

  test.each([
    [MESSAGE_INTEGRITY_TYPE, 0],
    [MESSAGE_INTEGRITY_TYPE, 16],
    [MESSAGE_INTEGRITY_TYPE, 24],
    [MESSAGE_INTEGRITY_SHA256_TYPE, 16],
    [MESSAGE_INTEGRITY_SHA256_TYPE, 36],
    [FINGERPRINT_TYPE, 0],
    [FINGERPRINT_TYPE, 8],
  ])("type 0x%x with %d bytes is never right", (type, length) => {
    const message = decodeStunMessage(build((b) => b.add(raw(type), new Uint8Array(length))));
    expect(message.hasIntegrity(SHA1) || message.hasIntegritySha256(SHA256) || message.hasFingerprint).toBe(
      false,
    );
  });

  test("checking does not write to the bytes, which are only lent", () => {
    const bytes = build((b) =>
      b.add(REALM, "r").addIntegrity(SHA1).addIntegritySha256(SHA256).addFingerprint(),
    );
    const before = bytes.slice();
    const message = decodeStunMessage(bytes);
    message.hasIntegrity(SHA1);
    message.hasIntegritySha256(SHA256);
    expect(message.hasFingerprint).toBe(true);
    expect(bytes).toEqual(before);
  });
});

describe("one instance, used again", () => {
  test("holds only the last message", () => {
    const message = new StunMessage();
    safeDecodeStunMessage(
      build((b) => b.add(SOFTWARE, "first").add(LIFETIME, 1)),
      message,
    );
    safeDecodeStunMessage(
      build((b) => b.add(SOFTWARE, "second")),
      message,
    );
    expect(message.get(SOFTWARE)).toBe("second");
    expect(message.has(LIFETIME)).toBe(false);
  });

  test.each([
    ["too short", new Uint8Array(3)],
    ["not STUN", new Uint8Array(20)],
    [
      "cut",
      withByte(
        build((b) => b.add(REALM, "abcd").add(SOFTWARE, "abcd")),
        31,
        5,
      ),
    ],
  ])("holds nothing after bytes that are refused: %s", (_name, bytes) => {
    const message = new StunMessage();
    safeDecodeStunMessage(
      build((b) => b.add(SOFTWARE, "first")),
      message,
    );
    expect(safeDecodeStunMessage(bytes, message)).toBeTypeOf("string");
    expect(message.attributeTypes).toEqual([]);
    expect(message.bytes).toHaveLength(0);
    expect(message.hasFingerprint).toBe(false);
  });

  test("verifies a long message after a short one", () => {
    const message = new StunMessage();
    for (const length of [1, 700, 2]) {
      const bytes = build((b) => b.add(SOFTWARE, "x".repeat(length)).addIntegrity(SHA1));
      expect(safeDecodeStunMessage(bytes, message)).toBe(message);
      expect(message.hasIntegrity(SHA1)).toBe(true);
    }
  });
});

test("a copy owns its bytes, also when the bytes are a Buffer", () => {
  const lent = Buffer.from(build((b) => b.add(SOFTWARE, "kept")));
  const copy = copyStunMessage(decodeStunMessage(lent));
  lent.fill(0);
  expect(copy.get(SOFTWARE)).toBe("kept");
});

test("no bytes make decoding or reading throw", () => {
  const known = [USERNAME, SOFTWARE, PRIORITY, REALM, LIFETIME];
  const header = fc.constantFrom(EMPTY.subarray(0, 8), EMPTY);
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 200 }), (start, rest) => {
      const bytes = Uint8Array.from([...start, ...rest]);
      if (bytes.length >= 20) writeUint16(bytes, 2, bytes.length - 20);
      const message = safeDecodeStunMessage(bytes);
      if (typeof message === "string") return;
      for (const attribute of known) message.getAll<unknown>(attribute);
      message.hasIntegrity(SHA1);
      message.hasIntegritySha256(SHA256);
      message.unknownAttributes(new Set());
    }),
    { numRuns: 1000 },
  );
});

function addEmpty(builder: StunMessageBuilder, count: number): void {
  for (let i = 0; i < count; i++) builder.add(raw(0x8100 + i), new Uint8Array(0));
}

function withByte(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = value;
  return copy;
}

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
