import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../bytes/index.ts";
import { ExtensionType, RETRY_RANDOM } from "../constants.ts";
import { DtlsError } from "../errors.ts";
import { decodeAck, encodeAck } from "./ack.ts";
import {
  decodeCertificateRequest12,
  decodeCertificateRequest13,
  decodeCertificates,
  decodeClientKeyExchange,
  decodeServerKeyExchange,
  decodeSigned,
  encodeCertificateRequest12,
  encodeCertificateRequest13,
  encodeCertificates,
  encodeClientKeyExchange,
  encodeKeyExchangeParameters,
  encodeSigned,
  signedContent13,
} from "./authentication.ts";
import {
  decodeKeyShare,
  decodeKeyShares,
  decodeUseSrtp,
  decodeVersions,
  encodeKeyShares,
  encodeUseSrtp,
  encodeVersions,
} from "./extensions.ts";
import {
  decodeClientHello,
  decodeHelloVerifyRequest,
  decodeServerHello,
  encodeClientHello,
  encodeHelloVerifyRequest,
  encodeServerHello,
  isRetryRequest,
} from "./hello.ts";

const RANDOM = Uint8Array.from({ length: 32 }, (_, i) => i);

const CLIENT_HELLO = encodeClientHello({
  version: 0xfefd,
  random: RANDOM,
  sessionId: new Uint8Array(0),
  cookie: fromHex("c00c1e"),
  cipherSuites: [0x1301, 0xc02b],
  compressionMethods: Uint8Array.of(0),
  extensions: new Map([
    [ExtensionType.supportedVersions, encodeVersions([0xfefc, 0xfefd])],
    // GREASE (RFC 8701).
    [0x1a1a, fromHex("00")],
  ]),
});

const SERVER_HELLO = encodeServerHello({
  version: 0xfefd,
  random: RANDOM,
  sessionId: new Uint8Array(0),
  cipherSuite: 0x1301,
  compressionMethod: 0,
  extensions: new Map([[ExtensionType.supportedVersions, fromHex("fefc")]]),
});

test("a ClientHello is read as it is written", () => {
  const hello = decodeClientHello(CLIENT_HELLO);
  expect(hello).toMatchObject({ version: 0xfefd, random: RANDOM, cipherSuites: [0x1301, 0xc02b] });
  expect(toHex(hello.cookie)).toBe("c00c1e");
  expect(decodeVersions(hello.extensions.get(ExtensionType.supportedVersions))).toEqual([0xfefc, 0xfefd]);
  expect(encodeClientHello(hello)).toEqual(CLIENT_HELLO);
});

test("a ServerHello is read as it is written", () => {
  const hello = decodeServerHello(SERVER_HELLO);
  expect(encodeServerHello(hello)).toEqual(SERVER_HELLO);
  expect(isRetryRequest(hello)).toBe(false);
  expect(isRetryRequest({ ...hello, random: RETRY_RANDOM })).toBe(true);
});

test("a ServerHello of 1.2 may end before the extensions", () => {
  const hello = decodeServerHello(SERVER_HELLO.subarray(0, 38));
  expect(hello.extensions.size).toBe(0);
  expect(encodeServerHello(hello)).toHaveLength(38);
});

test("an extension that comes twice is refused", () => {
  const twice = fromHex("0a0a0000 0a0a0000");
  const hello = SERVER_HELLO.subarray(0, 38);
  expect(() => decodeServerHello(Uint8Array.of(...hello, 0, 8, ...twice))).toThrow(/twice/);
});

const EXCHANGE = Uint8Array.of(
  ...encodeKeyExchangeParameters(29, RANDOM),
  ...encodeSigned({ scheme: 0x0403, signature: fromHex("3000") }),
);

/** Every message with its decoder; what may follow what it needs, and where it may be cut without harm. */
const MESSAGES: readonly (readonly [string, Uint8Array, (body: Uint8Array) => unknown, readonly number[]])[] =
  [
    // Without extensions they are messages of 1.2.
    ["ClientHello", CLIENT_HELLO, decodeClientHello, [47]],
    ["ServerHello", SERVER_HELLO, decodeServerHello, [38]],
    ["HelloVerifyRequest", encodeHelloVerifyRequest(fromHex("aabb")), decodeHelloVerifyRequest, []],
    [
      "Certificate of 1.3",
      encodeCertificates("1.3", [RANDOM]),
      (body) => decodeCertificates("1.3", body),
      [],
    ],
    [
      "Certificate of 1.2",
      encodeCertificates("1.2", [RANDOM]),
      (body) => decodeCertificates("1.2", body),
      [],
    ],
    ["CertificateVerify", encodeSigned({ scheme: 0x0403, signature: fromHex("3000") }), decodeSigned, []],
    ["CertificateRequest of 1.3", encodeCertificateRequest13([0x0403]), decodeCertificateRequest13, []],
    ["CertificateRequest of 1.2", encodeCertificateRequest12([0x0403]), decodeCertificateRequest12, []],
    ["ServerKeyExchange", EXCHANGE, decodeServerKeyExchange, []],
    ["ClientKeyExchange", encodeClientKeyExchange(RANDOM), decodeClientKeyExchange, []],
    ["key_share", encodeKeyShares([{ group: 29, key: RANDOM }]), decodeKeyShares, []],
    ["key_share of a server", Uint8Array.of(0, 29, 0, 32, ...RANDOM), decodeKeyShare, []],
    ["use_srtp", encodeUseSrtp([1, 7]), decodeUseSrtp, []],
  ];

describe.each(MESSAGES)("%s", (_name, bytes, decode, whole) => {
  test("is refused cut off anywhere, with an error that says so", () => {
    for (let length = 0; length < bytes.length; length++) {
      if (whole.includes(length)) expect(decode(bytes.subarray(0, length))).toBeDefined();
      else expect(() => decode(bytes.subarray(0, length))).toThrow(DtlsError);
    }
  });

  test("is refused with a byte too many", () => {
    expect(() => decode(Uint8Array.of(...bytes, 0))).toThrow(DtlsError);
  });
});

describe("certificates", () => {
  test("are read as they are written", () => {
    for (const version of ["1.3", "1.2"] as const) {
      const chain = [fromHex("01"), fromHex("0203")];
      expect(decodeCertificates(version, encodeCertificates(version, chain))).toEqual(chain);
      expect(decodeCertificates(version, encodeCertificates(version, []))).toEqual([]);
    }
  });

  test("are no more than a chain has", () => {
    const many = encodeCertificates(
      "1.3",
      Array.from({ length: 9 }, () => fromHex("01")),
    );
    expect(() => decodeCertificates("1.3", many)).toThrow(/more than 8/);
  });
});

test("a CertificateRequest of 1.3 holds signature_algorithms and nothing else: Chromium refuses an empty list of authorities", () => {
  expect(toHex(encodeCertificateRequest13([0x0403]))).toBe("00" + "0008" + "000d0004" + "00020403");
});

test("CertificateVerify signs what RFC 8446 §4.4.3 has as its example", () => {
  expect(toHex(signedContent13("server", new Uint8Array(32).fill(1)))).toBe(
    "20".repeat(64) +
      "544c5320312e332c207365727665722043657274696669636174655665726966790001" +
      "01".repeat(31),
  );
});

describe("ACK", () => {
  test("is read as it is written, in order", () => {
    const bytes = encodeAck([
      { epoch: 2, sequence: 1 },
      { epoch: 0, sequence: 2 ** 40 },
    ]);
    expect(toHex(bytes)).toBe(
      "0020" + "00000000000000000000010000000000" + "00000000000000020000000000000001",
    );
    expect(decodeAck(bytes)).toEqual([
      { epoch: 0, sequence: 2 ** 40 },
      { epoch: 2, sequence: 1 },
    ]);
    expect(decodeAck(encodeAck([]))).toEqual([]);
  });

  test("is refused cut off anywhere", () => {
    const bytes = encodeAck([{ epoch: 2, sequence: 1 }]);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeAck(bytes.subarray(0, length))).toBeUndefined();
    }
  });
});
