import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32, fromHex, writeUint16, writeUint32 } from "../bytes/index.ts";
import { nodeCrypto } from "../node/crypto.ts";
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
import {
  FINGERPRINT_TYPE,
  FINGERPRINT_XOR,
  MESSAGE_INTEGRITY_SHA256_TYPE,
  MESSAGE_INTEGRITY_TYPE,
} from "./integrity.ts";

const ID = fromHex("0102030405060708090a0b0c");
const SHA1 = nodeCrypto.createHmac("sha-1", fromHex("aa"));
const SHA256 = nodeCrypto.createHmac("sha-256", fromHex("bb"));

/** A request, written by the builder. */
function build(fill: (builder: StunMessageBuilder) => unknown): Uint8Array {
  const builder = new StunMessageBuilder().start("request", StunMethod.binding, ID);
  fill(builder);
  return builder.finish().slice();
}

/** A message with one more attribute, which the builder might refuse to write. */
function append(message: Uint8Array, type: number, value: Uint8Array = new Uint8Array(0)): Uint8Array {
  const padding = (4 - (value.length % 4)) % 4;
  const bytes = Uint8Array.from([...message, 0, 0, 0, 0, ...value, ...new Uint8Array(padding)]);
  writeUint16(bytes, message.length, type);
  writeUint16(bytes, message.length + 2, value.length);
  writeUint16(bytes, 2, bytes.length - 20);
  return bytes;
}

function appendEmpty(message: Uint8Array, count: number): Uint8Array {
  let bytes = message;
  for (let i = 0; i < count; i++) bytes = append(bytes, 0x8100 + i);
  return bytes;
}

/** The same with a right FINGERPRINT at its end. */
function appendFingerprint(message: Uint8Array): Uint8Array {
  const bytes = append(message, FINGERPRINT_TYPE, new Uint8Array(4));
  writeUint32(bytes, message.length + 4, crc32(bytes, 0, message.length) ^ FINGERPRINT_XOR);
  return bytes;
}

const EMPTY = build(() => undefined);

describe("the header", () => {
  test("a message without attributes is its header", () => {
    const message = decodeStunMessage(EMPTY);
    expect(message.attributeTypes).toEqual([]);
    expect(message.transactionId).toEqual(ID);
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
    ["ERR_STUN_TOO_MANY_ATTRIBUTES", appendEmpty(EMPTY, 65)],
    ["ERR_STUN_FINGERPRINT_NOT_LAST", append(appendFingerprint(EMPTY), SOFTWARE.type)],
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
    const message = decodeStunMessage(append(EMPTY, PRIORITY.type, new Uint8Array(3)));
    expect([message.get(PRIORITY), message.has(PRIORITY)]).toEqual([undefined, true]);
    expect([message.get(LIFETIME), message.has(LIFETIME)]).toEqual([undefined, false]);
    expect(message.getAll(PRIORITY)).toEqual([]);
  });

  test("64 of them are read", () => {
    expect(decodeStunMessage(appendEmpty(EMPTY, 64)).attributeTypes).toHaveLength(64);
  });

  test("those that count for nothing count towards the limit", () => {
    const signed = build((b) => b.addIntegrity(SHA1));
    expect(safeDecodeStunMessage(appendEmpty(signed, 63))).toBeTypeOf("object");
    expect(safeDecodeStunMessage(appendEmpty(signed, 64))).toBe("too-many-attributes");
  });

  test("required ones that are not understood are listed once each, optional ones never", () => {
    const bytes = [0x7fff, 0x8000, LIFETIME.type, 0x7fff, PRIORITY.type].reduce(
      (message, type) => append(message, type),
      EMPTY,
    );
    expect(decodeStunMessage(bytes).unknownAttributes(new Set([PRIORITY.type]))).toEqual([
      0x7fff,
      LIFETIME.type,
    ]);
  });

  test("those of RFC 8489 itself are understood by every use", () => {
    const message = decodeStunMessage(
      build((b) =>
        b.add(USERNAME, "u").add(REALM, "r").addIntegrity(SHA1).addIntegrity(SHA256).addFingerprint(),
      ),
    );
    expect(message.unknownAttributes(new Set())).toEqual([]);
  });

  test("a value can be compared without decoding it", () => {
    const message = decodeStunMessage(build((b) => b.add(USERNAME, "abc")));
    const encoder = new TextEncoder();
    expect(message.valueEquals(USERNAME, encoder.encode("abc"))).toBe(true);
    expect(message.valueEquals(USERNAME, encoder.encode("abd"))).toBe(false);
    expect(message.valueEquals(USERNAME, encoder.encode("ab"))).toBe(false);
    expect(message.valueEquals(REALM, new Uint8Array(0))).toBe(false);
  });
});

describe("what ends a message", () => {
  test("MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT cover what precedes each", () => {
    const message = decodeStunMessage(
      build((b) => b.add(SOFTWARE, "a").addIntegrity(SHA1).addIntegrity(SHA256).addFingerprint()),
    );
    expect([message.checkIntegrity(SHA1), message.checkIntegrity(SHA256)]).toEqual(["valid", "valid"]);
    expect(message.checkFingerprint()).toBe("valid");
  });

  test("a message without them has none", () => {
    const message = decodeStunMessage(EMPTY);
    expect([message.checkIntegrity(SHA1), message.checkIntegrity(SHA256)]).toEqual(["absent", "absent"]);
    expect(message.checkFingerprint()).toBe("absent");
  });

  // RFC 8489 §14.5 and §14.6: what a MAC does not cover is ignored.
  test.each([
    ["MESSAGE-INTEGRITY", SHA1],
    ["MESSAGE-INTEGRITY-SHA256", SHA256],
  ])("attributes behind %s are ignored, but for FINGERPRINT", (_name, key) => {
    const bytes = append(
      build((b) => b.addIntegrity(key)),
      PRIORITY.type,
    );
    const message = decodeStunMessage(appendFingerprint(bytes));
    expect(message.has(PRIORITY)).toBe(false);
    expect(message.unknownAttributes(new Set())).toEqual([]);
    expect([message.checkIntegrity(key), message.checkFingerprint()]).toEqual(["valid", "valid"]);
  });

  test("MESSAGE-INTEGRITY behind MESSAGE-INTEGRITY-SHA256 is ignored", () => {
    const message = decodeStunMessage(build((b) => b.addIntegrity(SHA256).addIntegrity(SHA1)));
    expect([message.checkIntegrity(SHA256), message.checkIntegrity(SHA1)]).toEqual(["valid", "absent"]);
  });

  test.each([
    [MESSAGE_INTEGRITY_TYPE, 0],
    [MESSAGE_INTEGRITY_TYPE, 16],
    [MESSAGE_INTEGRITY_TYPE, 24],
    [MESSAGE_INTEGRITY_SHA256_TYPE, 16],
    [MESSAGE_INTEGRITY_SHA256_TYPE, 36],
    [FINGERPRINT_TYPE, 0],
    [FINGERPRINT_TYPE, 8],
  ])("type %d with %d bytes is wrong", (type, length) => {
    const message = decodeStunMessage(append(EMPTY, type, new Uint8Array(length)));
    const checks = [message.checkIntegrity(SHA1), message.checkIntegrity(SHA256), message.checkFingerprint()];
    expect(checks.sort()).toEqual(["absent", "absent", "wrong"]);
  });

  test("checking does not write to the bytes, which are only lent", () => {
    const bytes = build((b) => b.add(REALM, "r").addIntegrity(SHA1).addIntegrity(SHA256).addFingerprint());
    const before = bytes.slice();
    const message = decodeStunMessage(bytes);
    message.checkIntegrity(SHA1);
    message.checkIntegrity(SHA256);
    expect(message.checkFingerprint()).toBe("valid");
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
    expect(message.get(SOFTWARE)).toBeUndefined();
    expect(message.transactionId).toEqual(new Uint8Array(12));
    expect(message.checkFingerprint()).toBe("absent");
  });

  test("verifies a long message after a short one", () => {
    const message = new StunMessage();
    for (const length of [1, 700, 2]) {
      const bytes = build((b) => b.add(SOFTWARE, "x".repeat(length)).addIntegrity(SHA1));
      expect(safeDecodeStunMessage(bytes, message)).toBe(message);
      expect(message.checkIntegrity(SHA1)).toBe("valid");
    }
  });
});

test("a copy owns its bytes, also when the bytes are a Buffer", () => {
  const lent = Buffer.from(build((b) => b.add(SOFTWARE, "kept")));
  const copy = copyStunMessage(decodeStunMessage(lent));
  lent.fill(0);
  expect(copy.get(SOFTWARE)).toBe("kept");
});

test("a copy of a message with ignored attributes is the same message", () => {
  const bytes = appendEmpty(
    build((b) => b.add(SOFTWARE, "x").addIntegrity(SHA1)),
    3,
  );
  const copy = copyStunMessage(decodeStunMessage(bytes));
  expect(copy.bytes).toEqual(bytes);
  expect(copy.attributeTypes).toEqual([SOFTWARE.type, MESSAGE_INTEGRITY_TYPE]);
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
      message.checkIntegrity(SHA1);
      message.checkIntegrity(SHA256);
      message.checkFingerprint();
      message.unknownAttributes(new Set());
    }),
    { numRuns: 1000 },
  );
});

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
