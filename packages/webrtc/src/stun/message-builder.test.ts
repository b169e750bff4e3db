import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../bytes/index.ts";
import { nodeCrypto } from "../node/crypto.ts";
import { AssertionError } from "../sansio/index.ts";
import {
  attributeValue,
  DATA,
  decodeStunMessage,
  ERROR_CODE,
  LIFETIME,
  SOFTWARE,
  StunMessageBuilder,
  StunMethod,
  USERNAME,
} from "./index.ts";

const ID = fromHex("0102030405060708090a0b0c");

test("an empty message is its header", () => {
  const bytes = new StunMessageBuilder().start("indication", StunMethod.data, ID).finish();
  expect(toHex(bytes)).toBe("001700002112a4420102030405060708090a0b0c");
});

test("padding is zero, whatever the memory held", () => {
  const dirty = new Uint8Array(64).fill(0xff);
  const bytes = new StunMessageBuilder()
    .useTarget(dirty)
    .start("success", StunMethod.binding, ID)
    .add(SOFTWARE, "a")
    .add(ERROR_CODE, { code: 420, reason: "" })
    .add(SOFTWARE, "abc")
    .finish();
  expect(toHex(bytes.subarray(20))).toBe(
    "80220001" + "61000000" + "00090004" + "00000414" + "80220003" + "61626300",
  );
});

test("the length field is right after every attribute", () => {
  const builder = new StunMessageBuilder().start("request", StunMethod.binding, ID);
  expect(builder.finish()[3]).toBe(0);
  expect(builder.add(SOFTWARE, "abcde").finish()[3]).toBe(12);
  expect(builder.addFingerprint().finish()[3]).toBe(20);
});

test("one builder writes message after message", () => {
  const builder = new StunMessageBuilder();
  const first = builder
    .start("request", StunMethod.binding, ID)
    .add(SOFTWARE, "a long name")
    .finish()
    .slice();
  const second = builder.start("request", StunMethod.binding, ID).add(LIFETIME, 7).finish();
  expect(decodeStunMessage(first).get(SOFTWARE)).toBe("a long name");
  expect(decodeStunMessage(second).attributeTypes).toEqual([LIFETIME.type]);
});

test("behind headroom, a message is the same and the headroom untouched", () => {
  const key = nodeCrypto.createHmac("sha-1", ID);
  const write = (builder: StunMessageBuilder) =>
    builder
      .start("request", StunMethod.binding, ID)
      .add(SOFTWARE, "x")
      .addIntegrity(key)
      .addFingerprint()
      .finish();
  const memory = new Uint8Array(128).fill(0xee);
  const builder = new StunMessageBuilder().useTarget(memory, 36);
  expect(toHex(write(builder))).toBe(toHex(write(new StunMessageBuilder())));
  expect(builder.end).toBe(36 + builder.finish().length);
  expect(memory.subarray(0, 36).every((byte) => byte === 0xee)).toBe(true);
});

test("the transaction id may lie anywhere in memory, for example in the request", () => {
  const request = new StunMessageBuilder().start("request", StunMethod.binding, ID).finish().slice();
  const response = new StunMessageBuilder().start("success", StunMethod.binding, request, 8).finish();
  expect(decodeStunMessage(response).transactionId).toEqual(ID);
});

test("a builder with memory of its own has room for the longest message", () => {
  const builder = new StunMessageBuilder().start("indication", StunMethod.send, ID).add(SOFTWARE, "kept");
  const message = decodeStunMessage(builder.add(DATA, new Uint8Array(60_000).fill(7)).finish());
  expect(message.get(SOFTWARE)).toBe("kept");
  expect(message.get(DATA)?.every((byte) => byte === 7)).toBe(true);
});

test("attributes can come as data", () => {
  const values = [attributeValue(SOFTWARE, "a"), attributeValue(LIFETIME, 600)];
  const bytes = new StunMessageBuilder().start("request", StunMethod.allocate, ID).addAll(values).finish();
  expect([decodeStunMessage(bytes).get(SOFTWARE), decodeStunMessage(bytes).get(LIFETIME)]).toEqual([
    "a",
    600,
  ]);
});

describe("misuse", () => {
  test("an attribute behind what should cover it is refused", () => {
    const builder = new StunMessageBuilder().start("request", StunMethod.binding, ID).addFingerprint();
    expect(() => builder.add(SOFTWARE, "x")).toThrow(AssertionError);
    expect(() => builder.start("request", StunMethod.binding, ID).add(SOFTWARE, "x")).not.toThrow();
  });

  test.each([
    attributeValue(SOFTWARE, "x".repeat(764)),
    attributeValue(USERNAME, "é".repeat(255)),
    attributeValue(ERROR_CODE, { code: 200, reason: "" }),
    attributeValue(ERROR_CODE, { code: 700, reason: "" }),
    attributeValue(ERROR_CODE, { code: 420, reason: "x".repeat(764) }),
  ])("a value that $attribute.name cannot have is refused", ({ attribute, value }) => {
    const builder = new StunMessageBuilder().start("request", StunMethod.binding, ID);
    expect(() => builder.add(attribute, value)).toThrow(RangeError);
  });

  test("a buffer that is too small is refused, with the sizes", () => {
    const builder = new StunMessageBuilder().useTarget(new Uint8Array(24));
    builder.start("request", StunMethod.binding, ID);
    expect(() => builder.add(SOFTWARE, "x")).toThrow(
      new RangeError("the STUN message needs 28 bytes; there is room for 24"),
    );
    expect(() => builder.addFingerprint()).toThrow(RangeError);
    expect(() => new StunMessageBuilder().useTarget(new Uint8Array(30), 11).start("request", 1, ID)).toThrow(
      RangeError,
    );
  });

  test("a refused attribute leaves the message as it was", () => {
    const builder = new StunMessageBuilder().useTarget(new Uint8Array(28));
    builder.start("request", StunMethod.binding, ID).add(LIFETIME, 1);
    expect(() => builder.add(LIFETIME, 2)).toThrow(RangeError);
    expect(decodeStunMessage(builder.finish()).getAll(LIFETIME)).toEqual([1]);
  });

  test("a message longer than its length field can say is refused", () => {
    const builder = new StunMessageBuilder();
    builder.start("indication", StunMethod.send, ID);
    expect(() => builder.add(DATA, new Uint8Array(65_536))).toThrow(RangeError);
    builder.add(DATA, new Uint8Array(65_528));
    expect(decodeStunMessage(builder.finish()).get(DATA)).toHaveLength(65_528);
  });

  test("a transaction id of fewer than 12 bytes is refused", () => {
    expect(() => new StunMessageBuilder().start("request", 1, ID, 1)).toThrow(RangeError);
  });
});
