import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, IpAddress, toHex } from "./index.ts";

function parse(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (address === undefined) throw new Error(`"${text}" was refused`);
  return address;
}

describe("IPv4 text", () => {
  test.each(["0.0.0.0", "192.0.2.1", "255.255.255.255", "10.0.0.9"])("%s reads back as itself", (text) => {
    expect(parse(text).family).toBe(4);
    expect(parse(text).toString()).toBe(text);
  });

  test.each(["192.0.2.01", "010.0.0.1", "00.0.0.0"])("a leading zero is refused: %s", (text) => {
    expect(IpAddress.parse(text)).toBeUndefined();
  });

  test.each([
    "",
    ".",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.-4",
    "1.2.3.+4",
    "0x7f.0.0.1",
    "1e1.0.0.1",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.4\n",
    "1.2.3.٤",
    "1.2.3.4%eth0",
    "1..2.3",
    "2130706433",
  ])("%j is no address", (text) => {
    expect(IpAddress.parse(text)).toBeUndefined();
  });
});

describe("IPv6 text", () => {
  // RFC 4291 §2.2 and RFC 5952 §4 and §5: what may be written, and how it is to be written.
  test.each([
    ["ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"],
    ["2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"],
    ["FF01:0:0:0:0:0:0:101", "ff01::101"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:FFFF:129.144.52.38", "::ffff:129.144.52.38"],
    ["::FFFF:129.144.52.38", "::ffff:129.144.52.38"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["fe80::1%eth0", "fe80::1%eth0"],
  ])("%s is written %s", (text, canonical) => {
    expect(parse(text).family).toBe(6);
    expect(parse(text).toString()).toBe(canonical);
  });

  test.each([
    ":",
    ":::",
    "1::2::3",
    "::1::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::",
    "::-1",
    ":1::2",
    "1::2:",
    "::1.2.3",
    "::1.2.3.04",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "[::1]",
    "::1 ",
  ])("%j is no address", (text) => {
    expect(IpAddress.parse(text)).toBeUndefined();
  });
});

describe("zones", () => {
  test("a zone is kept and takes no part in comparison", () => {
    expect(parse("fe80::1%eth0").zone).toBe("eth0");
    expect(parse("fe80::1%eth0").equals(parse("fe80::1%eth1"))).toBe(true);
  });

  test.each([
    "fe80::1%",
    "fe80::1%a%b",
    "fe80::1%a]b",
    "fe80::1%a/b",
    "fe80::1%a\r\nb",
    `fe80::1%${"x".repeat(65)}`,
  ])("%j has a zone that is refused, because it would change the text around it", (text) => {
    expect(IpAddress.parse(text)).toBeUndefined();
  });
});

test("bytes of any address read back from its text", () => {
  const lengths = fc.constantFrom(4, 16);
  const addresses = lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
  fc.assert(
    fc.property(addresses, (bytes) => {
      const address = IpAddress.fromBytes(bytes);
      expect(toHex(parse(address.toString()).bytes)).toBe(toHex(bytes));
    }),
  );
});

test("a very long text is refused", () => {
  expect(IpAddress.parse(`${"0".repeat(100_000)}::`)).toBeUndefined();
  expect(IpAddress.parse(`::${":".repeat(100_000)}`)).toBeUndefined();
});

test("no text makes the parser throw", () => {
  const characters = fc.constantFrom(..."0123456789abcdefABCDEF:.%[]/ \u0000xé");
  fc.assert(fc.property(fc.string({ unit: characters }), (text) => void IpAddress.parse(text)));
});

test("bytes are copied, and only 4 or 16 of them are an address", () => {
  const bytes = fromHex("c0000201");
  const address = IpAddress.fromBytes(bytes);
  bytes.fill(0);
  expect(address.toString()).toBe("192.0.2.1");
  expect(() => IpAddress.fromBytes(new Uint8Array(5))).toThrow(
    new RangeError("an IP address has 4 or 16 bytes, got 5"),
  );
});

test("addresses of different families are never equal", () => {
  expect(parse("::ffff:192.0.2.1").equals(parse("192.0.2.1"))).toBe(false);
});

test.each([
  ["0.0.0.0", "isUnspecified"],
  ["::", "isUnspecified"],
  ["127.255.0.1", "isLoopback"],
  ["::1", "isLoopback"],
  ["169.254.9.9", "isLinkLocal"],
  ["febf::1", "isLinkLocal"],
] as const)("%s %s, and nothing else", (text, kind) => {
  const { isUnspecified, isLoopback, isLinkLocal } = parse(text);
  expect({ isUnspecified, isLoopback, isLinkLocal }).toEqual({
    isUnspecified: false,
    isLoopback: false,
    isLinkLocal: false,
    [kind]: true,
  });
});

test("neighbours of the special ranges are not in them", () => {
  const { isUnspecified, isLoopback, isLinkLocal } = parse("fec0::1");
  expect([isUnspecified, isLoopback, isLinkLocal]).toEqual([false, false, false]);
  expect(parse("128.0.0.1").isLoopback).toBe(false);
  expect(parse("169.253.0.1").isLinkLocal).toBe(false);
});

test("an IPv4-mapped address is the IPv4 address it stands for, any other is itself", () => {
  expect(parse("::ffff:192.0.2.1").unmapped.toString()).toBe("192.0.2.1");
  expect(parse("::ffff:127.0.0.1").unmapped.isLoopback).toBe(true);
  for (const text of ["192.0.2.1", "::192.0.2.1", "64:ff9b::192.0.2.1", "::fffe:c000:201"]) {
    expect(parse(text).unmapped.toString()).toBe(parse(text).toString());
  }
});
