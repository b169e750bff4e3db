import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, IpAddress, TransportAddress } from "../../bytes/index.ts";
import * as stun from "../index.ts";
import {
  attributeValue,
  type StunAttribute,
  StunMessageBuilder,
  StunMethod,
  safeDecodeStunMessage,
} from "../index.ts";

const ID = fromHex("0102030405060708090a0b0c");

/** One kind of attribute: values it has, and lengths its value can have on the wire. */
interface Row {
  readonly name: string;
  readonly roundTrip: () => void;
  readonly acceptsLength: (length: number) => boolean;
  readonly lengths: (length: number) => boolean;
}

function row<T>(
  attribute: StunAttribute<T>,
  values: fc.Arbitrary<T>,
  lengths: (length: number) => boolean,
): Row {
  return {
    name: attribute.name,
    lengths,
    roundTrip: () =>
      fc.assert(
        fc.property(values, (value) => {
          expect(plain(sendThrough(attribute, value))).toEqual(plain(value));
        }),
      ),
    // 0x01 is a family, a flag and text; 0x0101 is the length of one long parameter, padded or not.
    acceptsLength: (length) => decodeRaw(attribute, new Uint8Array(length).fill(1)) !== undefined,
  };
}

const exactly =
  (...allowed: readonly number[]) =>
  (length: number): boolean =>
    allowed.includes(length);
const upTo = (maximum: number) => (length: number) => length <= maximum;

const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffff_ffff);
const uint64 = fc.bigInt(0n, (1n << 64n) - 1n);
const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 60 }), fc.constant("\ufeffmark"));
const opaque = fc.uint8Array({ maxLength: 200 });
const family = fc.constantFrom(4 as const, 6 as const);
const errorCode = fc.integer({ min: 300, max: 699 });
const address = fc
  .tuple(fc.constantFrom(4, 16), uint16)
  .chain(([length, port]) =>
    fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => new TransportAddress(IpAddress.fromBytes(bytes), port)),
  );
const algorithm = fc.record({ algorithm: uint16, parameters: fc.uint8Array({ maxLength: 9 }) });

const ROWS: readonly Row[] = [
  ...[
    stun.MAPPED_ADDRESS,
    stun.XOR_MAPPED_ADDRESS,
    stun.XOR_PEER_ADDRESS,
    stun.XOR_RELAYED_ADDRESS,
    stun.ALTERNATE_SERVER,
    stun.RESPONSE_ORIGIN,
    stun.OTHER_ADDRESS,
    // 0x01 is the family of IPv4, so only its length is right for the filler.
  ].map((attribute) => row(attribute, address, exactly(8))),
  ...[stun.USERNAME].map((attribute) => row(attribute, text, upTo(508))),
  ...[stun.REALM, stun.NONCE, stun.SOFTWARE].map((attribute) => row(attribute, text, upTo(763))),
  row(stun.ALTERNATE_DOMAIN, fc.string({ unit: "grapheme-ascii", maxLength: 255 }), upTo(255)),
  ...[stun.PRIORITY, stun.LIFETIME, stun.NOMINATION, stun.CONNECTION_ID].map((attribute) =>
    row(attribute, uint32, exactly(4)),
  ),
  ...[stun.ICE_CONTROLLED, stun.ICE_CONTROLLING].map((attribute) => row(attribute, uint64, exactly(8))),
  ...[stun.CHANNEL_NUMBER, stun.RESPONSE_PORT].map((attribute) => row(attribute, uint16, exactly(4))),
  ...[stun.USE_CANDIDATE, stun.DONT_FRAGMENT].map((attribute) =>
    row(attribute, fc.constant(true as const), exactly(0)),
  ),
  ...[stun.DATA, stun.PADDING].map((attribute) => row(attribute, opaque, upTo(Number.POSITIVE_INFINITY))),
  row(stun.USERHASH, fc.uint8Array({ minLength: 32, maxLength: 32 }), exactly(32)),
  row(stun.RESERVATION_TOKEN, fc.uint8Array({ minLength: 8, maxLength: 8 }), exactly(8)),
  row(stun.CHANGE_REQUEST, fc.record({ changeIp: fc.boolean(), changePort: fc.boolean() }), exactly(4)),
  row(
    stun.UNKNOWN_ATTRIBUTES,
    fc.array(uint16, { maxLength: 20 }),
    (length) => length % 2 === 0 && length <= 128,
  ),
  ...[stun.REQUESTED_ADDRESS_FAMILY, stun.ADDITIONAL_ADDRESS_FAMILY].map((attribute) =>
    row(attribute, family, exactly(4)),
  ),
  row(stun.REQUESTED_TRANSPORT, fc.nat(255), exactly(4)),
  row(stun.EVEN_PORT, fc.boolean(), exactly(1)),
  row(stun.ICMP, fc.record({ icmpType: fc.nat(127), icmpCode: fc.nat(511), errorData: uint32 }), exactly(8)),
  row(stun.PASSWORD_ALGORITHM, algorithm, exactly(261, 264)),
  row(stun.PASSWORD_ALGORITHMS, fc.array(algorithm, { maxLength: 4 }), exactly(0)),
  row(stun.ERROR_CODE, fc.record({ code: errorCode, reason: text }), () => false),
  row(stun.ADDRESS_ERROR_CODE, fc.record({ family, code: errorCode, reason: text }), () => false),
];

test("every attribute that is exported is in the table", () => {
  const exported = Object.values(stun).filter((value) => typeof value === "object" && "encode" in value);
  expect(ROWS.map((entry) => entry.name).sort()).toEqual(exported.map((attribute) => attribute.name).sort());
});

test("no two attributes share a type", () => {
  const types = Object.values(stun).flatMap((value) =>
    typeof value === "object" && "encode" in value ? value.type : [],
  );
  expect(new Set(types).size).toBe(types.length);
});

describe.each(ROWS)("$name", ({ roundTrip, acceptsLength, lengths }) => {
  test("what was written is read", roundTrip);

  test("a value of a wrong length is malformed", () => {
    for (let length = 0; length <= 800; length++) {
      expect(acceptsLength(length), `${length} bytes`).toBe(lengths(length));
    }
  });
});

describe("addresses", () => {
  test("RFC 8489 §14.2: masking hides the address from NATs that rewrite payloads", () => {
    const value = new TransportAddress(IpAddress.fromBytes(fromHex("c0000201")), 32_853);
    const bytes = build(stun.XOR_MAPPED_ADDRESS, value);
    expect(bytes.subarray(24)).toEqual(fromHex("0001a147e112a643"));
    expect(build(stun.MAPPED_ADDRESS, value).subarray(24)).toEqual(fromHex("00018055c0000201"));
  });

  test.each([
    ["no family", "00000000c0000201"],
    ["IPv6 in 8 bytes", "00020000c0000201"],
    ["IPv4 in 20 bytes", "00010000c0000201000000000000000000000000"],
  ])("%s is malformed", (_name, hex) => {
    expect(decodeRaw(stun.MAPPED_ADDRESS, fromHex(hex))).toBeUndefined();
  });

  test("IPv6 in 20 bytes is read", () => {
    const value = fromHex("00021f90 20010db8000000000000000000000001");
    expect(decodeRaw(stun.MAPPED_ADDRESS, value)?.toString()).toBe("[2001:db8::1]:8080");
  });
});

describe("text", () => {
  test("ill-formed UTF-8 is malformed", () => {
    expect(decodeRaw(stun.USERNAME, fromHex("c328"))).toBeUndefined();
  });
});

describe("ERROR-CODE", () => {
  test.each([
    ["class 2", "00000214"],
    ["class 7", "00000714"],
    ["number 100", "00000464"],
    ["cut", "000004"],
  ])("%s is malformed", (_name, hex) => {
    expect(decodeRaw(stun.ERROR_CODE, fromHex(hex))).toBeUndefined();
  });

  test("reserved bits are ignored", () => {
    expect(decodeRaw(stun.ERROR_CODE, fromHex("fffffc14"))).toEqual({ code: 420, reason: "" });
  });

  test("a reason longer than any may be is malformed", () => {
    expect(decodeRaw(stun.ERROR_CODE, errorWithReason(763))?.reason).toHaveLength(763);
    expect(decodeRaw(stun.ERROR_CODE, errorWithReason(764))).toBeUndefined();
    expect(decodeRaw(stun.ADDRESS_ERROR_CODE, errorWithReason(764, 1))).toBeUndefined();
  });

  test("ill-formed UTF-8 in the reason is shown, not refused", () => {
    expect(decodeRaw(stun.ERROR_CODE, fromHex("00000414c328"))?.reason).toBe("\ufffd(");
  });
});

describe("PASSWORD-ALGORITHMS", () => {
  test("is read as RFC 8489 §14.11 draws it", () => {
    expect(decodeRaw(stun.PASSWORD_ALGORITHMS, fromHex("00020000 00010003 aabbcc00"))).toEqual([
      { algorithm: 2, parameters: new Uint8Array(0) },
      { algorithm: 1, parameters: fromHex("aabbcc") },
    ]);
  });

  test("an entry that reaches beyond the end is malformed", () => {
    expect(decodeRaw(stun.PASSWORD_ALGORITHMS, fromHex("00020000 00010004 aabb"))).toBeUndefined();
    expect(decodeRaw(stun.PASSWORD_ALGORITHM, fromHex("00010004 aabb"))).toBeUndefined();
  });

  test("a list longer than any server needs is malformed: clients send it back", () => {
    expect(decodeRaw(stun.PASSWORD_ALGORITHMS, new Uint8Array(64))).toHaveLength(16);
    expect(decodeRaw(stun.PASSWORD_ALGORITHMS, new Uint8Array(68))).toBeUndefined();
  });

  test("one algorithm is read with and without the padding of its parameters", () => {
    const expected = { algorithm: 1, parameters: fromHex("aa") };
    expect(decodeRaw(stun.PASSWORD_ALGORITHM, fromHex("00010001 aa"))).toEqual(expected);
    expect(decodeRaw(stun.PASSWORD_ALGORITHM, fromHex("00010001 aa000000"))).toEqual(expected);
    expect(decodeRaw(stun.PASSWORD_ALGORITHM, fromHex("00010001 aa000000 00"))).toBeUndefined();
  });
});

test.each([
  [attributeValue(stun.EVEN_PORT, true), "80"],
  [attributeValue(stun.REQUESTED_TRANSPORT, 17), "11000000"],
  [attributeValue(stun.REQUESTED_ADDRESS_FAMILY, 6), "02000000"],
  [attributeValue(stun.CHANNEL_NUMBER, 0x4001), "40010000"],
  [attributeValue(stun.CHANGE_REQUEST, { changeIp: true, changePort: true }), "00000006"],
  [attributeValue(stun.ICMP, { icmpType: 3, icmpCode: 4, errorData: 1280 }), "0000060400000500"],
  [attributeValue(stun.ADDRESS_ERROR_CODE, { family: 6, code: 440, reason: "" }), "02000428"],
])("$attribute.name is laid out as its standard draws it", ({ attribute, value }, hex) => {
  expect(build(attribute, value).subarray(24, 24 + hex.length / 2)).toEqual(fromHex(hex));
});

function build<T>(attribute: StunAttribute<T>, value: T): Uint8Array {
  // Memory that was used before: whatever an encoder leaves out would show.
  const builder = new StunMessageBuilder().useTarget(new Uint8Array(2048).fill(0xff));
  return builder.start("request", StunMethod.binding, ID).add(attribute, value).finish();
}

function sendThrough<T>(attribute: StunAttribute<T>, value: T): T | undefined {
  const message = safeDecodeStunMessage(build(attribute, value));
  if (typeof message === "string") throw new Error(message);
  return message.get(attribute);
}

/** What an attribute makes of these bytes. */
function decodeRaw<T>(attribute: StunAttribute<T>, bytes: Uint8Array): T | undefined {
  const raw: StunAttribute<Uint8Array> = {
    type: attribute.type,
    name: "raw",
    size: (value) => value.length,
    encode: (value, target, offset) => target.set(value, offset),
    decode: () => undefined,
  };
  const message = safeDecodeStunMessage(build(raw, bytes));
  return typeof message === "string" ? undefined : message.get(attribute);
}

function errorWithReason(length: number, family = 0): Uint8Array {
  return Uint8Array.from([family, 0, 4, 20, ...new Uint8Array(length).fill(0x61)]);
}

/** Addresses as text: their cached text takes no part in comparison. */
function plain(value: unknown): unknown {
  return value instanceof TransportAddress ? value.toString() : value;
}
