import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../bytes/index.ts";
import { AEAD_KEY_BYTES } from "../../crypto/index.ts";
import { nodeCrypto } from "../../node/index.ts";
import { CIPHER_SUITES, type CipherSuite } from "../cipher/suite.ts";
import {
  type OpenedRecord,
  type RecordOpener,
  type RecordSealer,
  readSequence,
  writeNonce,
} from "./record.ts";
import { ReplayWindow } from "./replay-window.ts";
import { RecordOpener12, RecordSealer12 } from "./sealed-record-12.ts";
import { RecordOpener13, RecordSealer13, reconstructSequence } from "./sealed-record-13.ts";

describe("masks of record numbers", () => {
  test("AES: RFC 9001 §A.2, which has the same mask", () => {
    const cipher = nodeCrypto.createBlockCipher("aes-128", fromHex("9f50449e04a0e810283a1e9933adedd2"));
    const mask = new Uint8Array(16);
    cipher.encrypt(fromHex("d1b1c98dd7689fb8ec11d242b123dc9b"), 0, 16, mask, 0);
    expect(toHex(mask.subarray(0, 5))).toBe("437b9aec36");
  });

  test("ChaCha20: RFC 9001 §A.5, which has the same mask", () => {
    const key = fromHex("25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4");
    const mask = new Uint8Array(16);
    nodeCrypto
      .createBlockCipher("chacha20", key)
      .encrypt(fromHex("5e5cd55c41f69080575d7999c25a5bfb"), 0, 16, mask, 0);
    expect(toHex(mask.subarray(0, 5))).toBe("aefefe7d03");
  });
});

test("the nonce is the IV with the number in its last bytes (RFC 9001 §A.5)", () => {
  const nonce = new Uint8Array(12);
  writeNonce(nonce, fromHex("e0459b3474bdd0e44a41c144"), 0, 654_360_564);
  expect(toHex(nonce)).toBe("e0459b3474bdd0e46d417eb0");
  writeNonce(nonce, new Uint8Array(12), 0x0102, 0x0304_0506_0708);
  expect(toHex(nonce)).toBe("000000000102030405060708");
});

interface Ends {
  readonly sealer: RecordSealer;
  readonly opener: RecordOpener;
}

function ends(suite: CipherSuite, fill = 7): Ends {
  const key = new Uint8Array(AEAD_KEY_BYTES[suite.aead]).fill(fill);
  if (suite.version === "1.3") {
    const keys = { key, iv: new Uint8Array(12).fill(9), recordNumberKey: key };
    return {
      sealer: new RecordSealer13(nodeCrypto, suite, keys, 3),
      opener: new RecordOpener13(nodeCrypto, suite, keys, 3),
    };
  }
  const keys = { key, iv: new Uint8Array(suite.aead === "chacha20-poly1305" ? 12 : 4).fill(9) };
  return {
    sealer: new RecordSealer12(nodeCrypto, suite, keys),
    opener: new RecordOpener12(nodeCrypto, suite, keys),
  };
}

function seal(sealer: RecordSealer, type: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(sealer.headerBytes + content.length + sealer.trailerBytes);
  bytes.set(content, sealer.headerBytes);
  const end = sealer.seal(type, bytes, sealer.headerBytes, sealer.headerBytes + content.length);
  expect(end).toBe(bytes.length);
  return bytes;
}

/** The content, or why there is none. */
function open(opener: RecordOpener, version: string, bytes: Uint8Array): OpenedRecord | string {
  const target = new Uint8Array(2048).fill(0xee);
  const record = { type: 0, epoch: 0, sequence: 0, bytes: target, start: 0, end: 0 };
  const headerEnd = version === "1.3" ? 5 : 13;
  return opener.open(bytes, 0, headerEnd, bytes.length, target, 0, record) ?? record;
}

describe.each(CIPHER_SUITES)("records of $name", (suite) => {
  test("open to what was sealed, whatever its length", () => {
    const { sealer, opener } = ends(suite);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1400 }), fc.integer({ min: 20, max: 26 }), (content, type) => {
        const sequence = sealer.sequence;
        const record = open(opener, suite.version, seal(sealer, type, content));
        expect(record).toMatchObject({ type, epoch: sealer.epoch, sequence });
        if (typeof record === "string") return;
        expect(record.bytes.slice(record.start, record.end)).toEqual(content);
      }),
      { numRuns: 50 },
    );
  });

  test("are refused with any byte changed, and change nothing then", () => {
    const { sealer, opener } = ends(suite);
    const bytes = seal(sealer, 23, fromHex("00112233445566778899aabbccddeeff"));
    let forgeries = 0;
    for (let i = 0; i < bytes.length; i++) {
      // The length field of 1.2: by it the record was cut out of the datagram, so a wrong one shows as a wrong end.
      if (suite.version === "1.2" && (i === 11 || i === 12)) continue;
      forgeries++;
      const forged = bytes.slice();
      forged[i]! ^= 0x40;
      expect(open(opener, suite.version, forged)).toBe("forged");
    }
    expect(open(opener, suite.version, bytes)).toMatchObject({ type: 23 });
    expect(opener.failures).toBe(forgeries);
  });

  test("are refused cut off anywhere", () => {
    const { sealer, opener } = ends(suite);
    const bytes = seal(sealer, 23, fromHex("00112233"));
    const headerEnd = suite.version === "1.3" ? 5 : 13;
    for (let length = headerEnd; length < bytes.length; length++) {
      expect(["malformed", "forged"]).toContain(open(opener, suite.version, bytes.subarray(0, length)));
    }
  });

  test("open once", () => {
    const { sealer, opener } = ends(suite);
    const bytes = seal(sealer, 23, fromHex("00112233"));
    expect(open(opener, suite.version, bytes)).toMatchObject({ type: 23 });
    expect(open(opener, suite.version, bytes)).toBe("replayed");
  });

  test("never have the same nonce twice: the number counts up", () => {
    const { sealer } = ends(suite);
    const seen = new Set<string>();
    for (let i = 0; i < 500; i++) {
      expect(sealer.sequence).toBe(i);
      seen.add(toHex(seal(sealer, 23, new Uint8Array(16))));
    }
    expect(seen.size).toBe(500);
  });

  test("of other keys are refused", () => {
    expect(
      open(ends(suite, 8).opener, suite.version, seal(ends(suite).sealer, 23, fromHex("00"))),
    ).not.toBeTypeOf("object");
  });
});

test("a record of 1.3 has no content type in the clear, and its number is masked", () => {
  const { sealer } = ends(CIPHER_SUITES[0]!);
  const first = seal(sealer, 22, new Uint8Array(20));
  const second = seal(sealer, 22, new Uint8Array(20));
  expect(first[0]).toBe(0b0010_1111);
  expect([first[1], first[2], second[1], second[2]]).not.toEqual([0, 0, 0, 1]);
});

describe("numbers of which the low bits are known", () => {
  test.each([
    [0x00, 0x100, 0, 0],
    [0xff, 0x100, 0, 0xff],
    [0x01, 0x100, 0xfe, 0x101],
    [0xfe, 0x100, 0x101, 0xfe],
    [0x0000, 0x1_0000, 0x1_ffff, 0x2_0000],
    [0xffff, 0x1_0000, 0x2_0000, 0x1_ffff],
    [0x0001, 0x1_0000, 2 ** 40, 2 ** 40 + 1],
  ])("%i modulo %i, expected %i, is %i", (low, modulus, expected, full) => {
    expect(reconstructSequence(low, modulus, expected)).toBe(full);
  });

  test("are found within half the modulus of what is expected", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.integer({ min: -127, max: 127 }), (expected, distance) => {
        const full = expected + distance;
        fc.pre(full >= 0);
        expect(reconstructSequence(full % 256, 256, expected)).toBe(full);
      }),
    );
  });
});

describe("the replay window", () => {
  test("takes every number once, in any order within the window", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1500), { maxLength: 300 }), (numbers) => {
        const window = new ReplayWindow();
        const seen = new Set<number>();
        for (const number of numbers) {
          const isOld = number <= window.highest - 1024;
          expect(window.isFresh(number)).toBe(!isOld && !seen.has(number));
          if (!window.isFresh(number)) continue;
          window.add(number);
          seen.add(number);
        }
      }),
    );
  });

  test("leaps over any distance", () => {
    const window = new ReplayWindow();
    window.add(5);
    window.add(2 ** 40);
    expect(window.isFresh(5)).toBe(false);
    expect(window.isFresh(2 ** 40 - 1)).toBe(true);
    expect(window.isFresh(2 ** 40 - 1024)).toBe(false);
    expect(window.isFresh(2 ** 40)).toBe(false);
  });
});

test("a sequence number of 48 bits is read as it is written", () => {
  expect(readSequence(fromHex("ffffffffffff"), 0)).toBe(2 ** 48 - 1);
});
