/** The published messages: RFC 5769 §2.1–2.4 and RFC 8489 Appendix B.1. */
import { describe, expect, test } from "vitest";
import { fromHex, IpAddress, TransportAddress, toHex } from "../bytes/index.ts";
import type { Hmac } from "../crypto/index.ts";
import { nodeCrypto } from "../node/crypto.ts";
import {
  decodeNonceCookie,
  decodeStunMessage,
  ICE_CONTROLLED,
  longTermKey,
  NONCE,
  PasswordAlgorithm,
  PRIORITY,
  REALM,
  SOFTWARE,
  type StunMessage,
  StunMessageBuilder,
  StunMethod,
  safeDecodeStunMessage,
  shortTermKey,
  USERHASH,
  USERNAME,
  userHash,
  XOR_MAPPED_ADDRESS,
} from "./index.ts";
import { FINGERPRINT_TYPE } from "./integrity.ts";

const ICE_ID = fromHex("b7e7a701 bc34d686 fa87dfae");
const ICE_KEY = nodeCrypto.createHmac("sha-1", shortTermKey("VOkJxbRl1RmTxUk/WvJxBt"));

const MATRIX_ID = fromHex("78ad3433 c6ad72c0 29da412e");
const MATRIX_USER = "マトリックス";
/** What the two documents say the password is after preparation. */
const MATRIX_PASSWORD = "TheMatrIX";

interface Vector {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isAuthentic: (message: StunMessage) => boolean;
  /** Writes the same message again. */
  readonly encode: (builder: StunMessageBuilder) => StunMessageBuilder;
}

const REQUEST: Vector = {
  name: "RFC 5769 §2.1, ICE request",
  bytes: fromHex(`
    00010058 2112a442 b7e7a701bc34d686fa87dfae
    80220010 5354554e207465737420636c69656e74
    00240004 6e0001ff
    80290008 932ff9b151263b36
    00060009 6576746a3a68367659202020
    00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    80280004 e57a3bcf`),
  isAuthentic: (message) => message.checkIntegrity(ICE_KEY) === "valid",
  encode: (builder) =>
    builder
      .start("request", StunMethod.binding, ICE_ID)
      .add(SOFTWARE, "STUN test client")
      .add(PRIORITY, 0x6e00_01ff)
      .add(ICE_CONTROLLED, 0x932f_f9b1_5126_3b36n)
      .add(USERNAME, "evtj:h6vY")
      .addIntegrity(ICE_KEY)
      .addFingerprint(),
};

const RESPONSE_IPV4: Vector = {
  name: "RFC 5769 §2.2, IPv4 response",
  bytes: fromHex(`
    0101003c 2112a442 b7e7a701bc34d686fa87dfae
    8022000b 7465737420766563746f7220
    00200008 0001a147e112a643
    00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
    80280004 c07d4c96`),
  isAuthentic: (message) => message.checkIntegrity(ICE_KEY) === "valid",
  encode: (builder) =>
    builder
      .start("success", StunMethod.binding, ICE_ID)
      .add(SOFTWARE, "test vector")
      .add(XOR_MAPPED_ADDRESS, address("192.0.2.1", 32_853))
      .addIntegrity(ICE_KEY)
      .addFingerprint(),
};

const RESPONSE_IPV6: Vector = {
  name: "RFC 5769 §2.3, IPv6 response",
  bytes: fromHex(`
    01010048 2112a442 b7e7a701bc34d686fa87dfae
    8022000b 7465737420766563746f7220
    00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
    80280004 c8fb0b4c`),
  isAuthentic: (message) => message.checkIntegrity(ICE_KEY) === "valid",
  encode: (builder) =>
    builder
      .start("success", StunMethod.binding, ICE_ID)
      .add(SOFTWARE, "test vector")
      .add(XOR_MAPPED_ADDRESS, address("2001:db8:1234:5678:11:2233:4455:6677", 32_853))
      .addIntegrity(ICE_KEY)
      .addFingerprint(),
};

const LONG_TERM_KEY: Hmac = nodeCrypto.createHmac("sha-1", matrixKey(PasswordAlgorithm.md5));
const LONG_TERM_REQUEST: Vector = {
  name: "RFC 5769 §2.4, long-term credentials",
  bytes: fromHex(`
    00010060 2112a442 78ad3433c6ad72c029da412e
    00060012 e3839ee38388e383aae38383e382afe382b90000
    0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341
    0014000b 6578616d706c652e6f726700
    00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666`),
  isAuthentic: (message) => message.checkIntegrity(LONG_TERM_KEY) === "valid",
  encode: (builder) =>
    builder
      .start("request", StunMethod.binding, MATRIX_ID)
      .add(USERNAME, MATRIX_USER)
      .add(NONCE, "f//499k954d6OL34oL9FSTvy64sA")
      .add(REALM, "example.org")
      .addIntegrity(LONG_TERM_KEY),
};

const SHA256_KEY: Hmac = nodeCrypto.createHmac("sha-256", matrixKey(PasswordAlgorithm.sha256));
/** As printed: its length field (0x9c) counts the header too, which §5 rules out, and so does what its MAC covers. */
const PRINTED_SHA256_REQUEST = fromHex(`
    0001009c 2112a442 78ad3433c6ad72c029da412e
    001e0020 4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704
    00150029 6f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c39465354767936347341000000
    0014000b 6578616d706c652e6f726700
    001c0020 e4686c8f0edeb59013e07090010a93efccbccc544c0a45d9f830aa6d6f735a01`);
const SHA256_REQUEST: Vector = {
  name: "RFC 8489 §B.1 with its length put right, SHA-256 and USERHASH",
  bytes: fromHex(`
    00010088 ${toHex(PRINTED_SHA256_REQUEST.subarray(4, 124))}
    234112fbd4e27f983eb4032836f998216f5b23f8d927753fbc4f882bfbdf0dec`),
  isAuthentic: (message) => message.checkIntegrity(SHA256_KEY) === "valid",
  encode: (builder) =>
    builder
      .start("request", StunMethod.binding, MATRIX_ID)
      .add(USERHASH, userHash(nodeCrypto, MATRIX_USER, "example.org"))
      .add(NONCE, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA")
      .add(REALM, "example.org")
      .addIntegrity(SHA256_KEY),
};

const ICE_VECTORS = [REQUEST, RESPONSE_IPV4, RESPONSE_IPV6];
const LONG_TERM_VECTORS = [LONG_TERM_REQUEST, SHA256_REQUEST];
const VECTORS = [...ICE_VECTORS, ...LONG_TERM_VECTORS];

describe("what the vectors say", () => {
  test("§2.1 is a Binding request of a controlled ICE agent", () => {
    const message = decodeStunMessage(REQUEST.bytes);
    expect([message.messageClass, message.method]).toEqual(["request", StunMethod.binding]);
    expect(message.transactionId).toEqual(ICE_ID);
    expect(message.get(SOFTWARE)).toBe("STUN test client");
    expect(message.get(PRIORITY)).toBe(0x6e00_01ff);
    expect(message.get(ICE_CONTROLLED)).toBe(0x932f_f9b1_5126_3b36n);
    expect(message.get(USERNAME)).toBe("evtj:h6vY");
  });

  test.each([
    [RESPONSE_IPV4, "192.0.2.1:32853"],
    [RESPONSE_IPV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"],
  ])("$name has the address %s", ({ bytes }, expected) => {
    const message = decodeStunMessage(bytes);
    expect(message.messageClass).toBe("success");
    expect(message.get(SOFTWARE)).toBe("test vector");
    expect(message.get(XOR_MAPPED_ADDRESS)?.toString()).toBe(expected);
  });

  test("§2.4 names user, realm and nonce", () => {
    const message = decodeStunMessage(LONG_TERM_REQUEST.bytes);
    expect(message.get(USERNAME)).toBe(MATRIX_USER);
    expect(message.get(REALM)).toBe("example.org");
    expect(message.get(NONCE)).toBe("f//499k954d6OL34oL9FSTvy64sA");
  });

  test("§B.1 as printed is refused for its length; its MAC was made with our key", () => {
    expect(safeDecodeStunMessage(PRINTED_SHA256_REQUEST)).toBe("bad-length");
    const mac = new Uint8Array(32);
    SHA256_KEY.compute(PRINTED_SHA256_REQUEST, 0, 120, mac, 0);
    expect(toHex(mac)).toBe(toHex(PRINTED_SHA256_REQUEST.subarray(124)));
  });

  test("§B.1 hides the user name", () => {
    const message = decodeStunMessage(SHA256_REQUEST.bytes);
    expect(message.get(USERNAME)).toBeUndefined();
    expect(message.get(USERHASH)).toEqual(userHash(nodeCrypto, MATRIX_USER, "example.org"));
    // Its nonce sets the rightmost bits but one, which RFC 8489 §18.1 leaves unassigned: no feature is announced.
    expect(decodeNonceCookie(message.get(NONCE) ?? "")).toEqual({
      passwordAlgorithms: false,
      usernameAnonymity: false,
    });
  });
});

test.each(VECTORS)("$name is authentic", ({ bytes, isAuthentic }) => {
  expect(isAuthentic(decodeStunMessage(bytes))).toBe(true);
});

test.each(VECTORS)("$name carries a right FINGERPRINT, or none", ({ bytes }) => {
  const message = decodeStunMessage(bytes);
  expect(message.checkFingerprint()).toBe(message.has({ type: FINGERPRINT_TYPE }) ? "valid" : "absent");
});

test.each(LONG_TERM_VECTORS)("$name is written byte for byte", ({ bytes, encode }) => {
  expect(toHex(encode(new StunMessageBuilder()).finish())).toBe(toHex(bytes));
});

test.each(ICE_VECTORS)("$name is written byte for byte, but for its padding", ({ bytes, encode }) => {
  // RFC 5769 §2 pads with spaces, arbitrarily; we pad with zeros. So MAC and CRC differ, and both are right.
  const written = encode(new StunMessageBuilder()).finish();
  const macAt = bytes.length - 32;
  expect(toHex(written.subarray(0, macAt))).toBe(toHex(withZeroPadding(bytes).subarray(0, macAt)));
  expect(written.length).toBe(bytes.length);
  expect(decodeStunMessage(written).checkIntegrity(ICE_KEY)).toBe("valid");
  expect(decodeStunMessage(written).checkFingerprint()).toBe("valid");
});

test.each(VECTORS)("$name is refused at every shorter length", ({ bytes }) => {
  for (let length = 0; length < bytes.length; length++) {
    expect(safeDecodeStunMessage(bytes.subarray(0, length))).toBe(length < 20 ? "truncated" : "bad-length");
  }
});

test.each(VECTORS)("$name is refused with anything behind it", ({ bytes }) => {
  expect(safeDecodeStunMessage(Uint8Array.from([...bytes, 0, 0, 0, 0]))).toBe("bad-length");
});

test.each(VECTORS)("$name fails with any one bit flipped", ({ bytes, isAuthentic }) => {
  const expected = decodeStunMessage(bytes).checkFingerprint();
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 0x80 >> (bit & 7);
    const message = safeDecodeStunMessage(flipped);
    if (typeof message === "string") continue;
    const isAccepted = isAuthentic(message) && message.checkFingerprint() === expected;
    expect(isAccepted, `bit ${bit}`).toBe(false);
  }
});

test.each(VECTORS)("$name is not authentic to another key", ({ bytes }) => {
  const message = decodeStunMessage(bytes);
  for (const algorithm of ["sha-1", "sha-256"] as const) {
    expect(message.checkIntegrity(nodeCrypto.createHmac(algorithm, new Uint8Array(16)))).not.toBe("valid");
  }
});

function matrixKey(algorithm: number): Uint8Array {
  return longTermKey(nodeCrypto, MATRIX_USER, "example.org", MATRIX_PASSWORD, algorithm);
}

function address(ip: string, port: number): TransportAddress {
  return new TransportAddress(IpAddress.parse(ip) ?? IpAddress.fromBytes(new Uint8Array(4)), port);
}

/** The same message with the padding of every attribute set to zero. */
function withZeroPadding(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  for (let position = 20; position < copy.length; ) {
    const length = (copy[position + 2]! << 8) | copy[position + 3]!;
    const end = position + 4 + length;
    position = (end + 3) & ~3;
    copy.fill(0, end, position);
  }
  return copy;
}
