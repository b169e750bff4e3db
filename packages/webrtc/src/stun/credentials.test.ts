import { describe, expect, test } from "vitest";
import { toHex } from "../bytes/index.ts";
import { nodeCrypto } from "../node/crypto.ts";
import {
  decodeNonceCookie,
  encodeNonceCookie,
  longTermKey,
  PasswordAlgorithm,
  prepareOpaqueString,
  shortTermKey,
  userHash,
} from "./index.ts";

describe("OpaqueString (RFC 8265 §4.2)", () => {
  test.each([
    ["correct horse battery staple", "correct horse battery staple"],
    ["Case Is Kept", "Case Is Kept"],
    ["\u1680\u00a0\u3000", "   "],
    ["e\u0301", "\u00e9"],
    ["\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5"],
    ["\u2168", "\u2168"],
  ])("%j becomes %j", (text, prepared) => {
    expect(prepareOpaqueString(text)).toBe(prepared);
  });

  test.each(["", "tab\there", "\u0000", "del\u007f", "c1\u0085"])("%j is refused", (text) => {
    expect(() => prepareOpaqueString(text)).toThrow(TypeError);
  });

  test("the error does not tell the password", () => {
    expect(() => shortTermKey("hunter2\n")).toThrow(expect.not.stringContaining("hunter2"));
  });
});

describe("keys", () => {
  test("the example of RFC 8489 §9.2.2 comes out", () => {
    expect(toHex(longTermKey(nodeCrypto, "user", "realm", "pass"))).toBe("8493fbc53ba582fb4c044c456bdc40eb");
  });

  test("SHA-256 is over the same text", () => {
    const key = longTermKey(nodeCrypto, "user", "realm", "pass", PasswordAlgorithm.sha256);
    expect(key).toEqual(nodeCrypto.hash("sha-256", new TextEncoder().encode("user:realm:pass")));
  });

  test("all three parts are prepared", () => {
    expect(longTermKey(nodeCrypto, "e\u0301", "a\u00a0b", "\u3000")).toEqual(
      longTermKey(nodeCrypto, "\u00e9", "a b", " "),
    );
  });

  test("another algorithm is refused", () => {
    expect(() => longTermKey(nodeCrypto, "user", "realm", "pass", 3)).toThrow(RangeError);
  });

  test("a short-term key is the password", () => {
    expect(shortTermKey("VOkJxbRl1RmTxUk/WvJxBt")).toEqual(
      new TextEncoder().encode("VOkJxbRl1RmTxUk/WvJxBt"),
    );
  });

  test("the user hash is the one in RFC 8489 §B.1", () => {
    expect(toHex(userHash(nodeCrypto, "マトリックス", "example.org"))).toBe(
      "4a3cf38fef6992bda952c6780417da0f2481941556" + "9e60b205c46e41407f1704",
    );
  });
});

describe("the nonce cookie (RFC 8489 §9.2, §18.1)", () => {
  test.each([
    [false, false, "obMatJos2AAAA"],
    [true, false, "obMatJos2gAAA"],
    [false, true, "obMatJos2QAAA"],
    [true, true, "obMatJos2wAAA"],
  ])("algorithms %s and anonymity %s are %s", (passwordAlgorithms, usernameAnonymity, cookie) => {
    expect(encodeNonceCookie({ passwordAlgorithms, usernameAnonymity })).toBe(cookie);
    expect(decodeNonceCookie(`${cookie}some nonce`)).toEqual({ passwordAlgorithms, usernameAnonymity });
  });

  test("features that nobody has assigned yet are ignored", () => {
    expect(decodeNonceCookie("obMatJos2P///")).toEqual({
      passwordAlgorithms: false,
      usernameAnonymity: false,
    });
  });

  test.each([
    "",
    "obMatJos2",
    "obMatJos2gA",
    "obMatJos2g-AA",
    "xobMatJos2gAAA",
    "OBMATJOS2gAAA",
    "f//499k954d6OL34oL9F",
  ])("%j announces nothing", (nonce) => {
    expect(decodeNonceCookie(nonce)).toEqual({ passwordAlgorithms: false, usernameAnonymity: false });
  });
});
