import { IpAddress } from "@naru/webrtc/bytes";
import { describe, expect, test } from "vitest";
import { isInRange, parseAddressRange } from "./address-range.ts";
import { PeerPolicy } from "./peer-policy.ts";
import { embeddedIpv4 } from "./special-addresses.ts";

function ip(text: string): IpAddress {
  const parsed = IpAddress.parse(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
}

/** The first and last address of every range that is refused, and what clouds keep their secrets at. */
const FORBIDDEN_IPV4 = [
  "0.0.0.0",
  "0.255.255.255",
  "10.0.0.0",
  "10.255.255.255",
  "100.64.0.0",
  "100.100.100.200",
  "100.127.255.255",
  "127.0.0.1",
  "127.255.255.254",
  "168.63.129.16",
  "169.254.0.1",
  "169.254.169.254",
  "172.16.0.0",
  "172.31.255.255",
  "192.0.0.1",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "192.168.0.0",
  "192.168.255.255",
  "198.18.0.0",
  "198.19.255.255",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
];

/** Their neighbours, which are not. */
const ALLOWED_IPV4 = [
  "1.0.0.0",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.0",
  "169.253.255.255",
  "169.255.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "192.0.1.0",
  "192.167.255.255",
  "192.169.0.0",
  "198.17.255.255",
  "198.20.0.0",
  "223.255.255.255",
];

function hex(v4: string): readonly [string, string] {
  const [a, b, c, d] = v4.split(".").map(Number);
  return [((a! << 8) | b!).toString(16), ((c! << 8) | d!).toString(16)];
}

/** Every way in which an IPv6 address can carry an IPv4 one. */
const ENCODINGS: Readonly<Record<string, (v4: string) => string>> = {
  "IPv4-mapped": (v4) => `::ffff:${v4}`,
  "IPv4-translated": (v4) => `::ffff:0:${v4}`,
  "IPv4-compatible": (v4) => `::${v4}`,
  NAT64: (v4) => `64:ff9b::${v4}`,
  "local NAT64": (v4) => `64:ff9b:1::${v4}`,
  "6to4": (v4) => `2002:${hex(v4).join(":")}::1`,
  "Teredo server": (v4) => `2001:0:${hex(v4).join(":")}::`,
  "Teredo client": (v4) => {
    const turned = v4.split(".").map((part) => String(Number(part) ^ 0xff));
    return `2001:0:4136:e378:8000:63bf:${hex(turned.join(".")).join(":")}`;
  },
  ISATAP: (v4) => `2600:1::5efe:${v4}`,
  "ISATAP, global": (v4) => `2600:1::200:5efe:${v4}`,
};

describe("by default", () => {
  const policy = new PeerPolicy();

  test.each(FORBIDDEN_IPV4)("%s is refused", (text) => {
    expect(policy.forbids(ip(text))).toBe(true);
  });

  test.each(ALLOWED_IPV4)("%s is not", (text) => {
    expect(policy.forbids(ip(text))).toBe(false);
  });

  test.each(Object.entries(ENCODINGS))("what is refused is refused as %s", (_name, encode) => {
    for (const text of FORBIDDEN_IPV4) expect(policy.forbids(ip(encode(text))), encode(text)).toBe(true);
  });

  test.each([
    "::",
    "::1",
    "::2",
    "100::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2001:1ff:ffff::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
  ])("%s is refused", (text) => {
    expect(policy.forbids(ip(text))).toBe(true);
  });

  test.each(["2001:200::1", "2001:4860:4860::8888", "2600::1", "2a00::1", "2600:1::5efe:8.8.8.8"])(
    "%s is not",
    (text) => {
      expect(policy.forbids(ip(text))).toBe(false);
    },
  );
});

describe("what is allowed", () => {
  test("is allowed as it stands and in no other encoding", () => {
    const policy = new PeerPolicy({ allow: ["10.1.0.0/16", "192.168.0.7"], deny: [] });
    expect(["10.1.2.3", "192.168.0.7"].map((text) => policy.forbids(ip(text)))).toEqual([false, false]);
    expect(["10.2.0.1", "192.168.0.8"].map((text) => policy.forbids(ip(text)))).toEqual([true, true]);
    for (const encode of Object.values(ENCODINGS)) expect(policy.forbids(ip(encode("10.2.0.1")))).toBe(true);
    expect(policy.forbids(ip("::ffff:10.1.2.3"))).toBe(true);
  });

  test("of IPv6 is no way around to an IPv4 address that is not", () => {
    const policy = new PeerPolicy({ allow: ["::/0"], deny: [] });
    expect(policy.forbids(ip("fd00::1"))).toBe(false);
    expect(policy.forbids(ip("64:ff9b::8.8.8.8"))).toBe(false);
    for (const encode of Object.values(ENCODINGS)) {
      for (const text of FORBIDDEN_IPV4) expect(policy.forbids(ip(encode(text))), encode(text)).toBe(true);
    }
  });

  test("can be our own address", () => {
    const policy = new PeerPolicy({ allow: ["127.0.0.0/8"], deny: [] });
    policy.setOwnAddresses([ip("127.0.0.1")]);
    expect(policy.forbids(ip("127.0.0.1"))).toBe(false);
  });
});

test("what is denied is refused, whatever else is said", () => {
  const policy = new PeerPolicy({ allow: ["0.0.0.0/0"], deny: ["8.8.0.0/16", "2600:64::/96"] });
  expect(policy.forbids(ip("8.8.8.8"))).toBe(true);
  expect(policy.forbids(ip("8.9.8.8"))).toBe(false);
  expect(policy.forbids(ip("2600:64::8.9.8.8"))).toBe(true);
});

test("our own addresses are refused, public as they are", () => {
  const policy = new PeerPolicy();
  policy.setOwnAddresses([ip("52.1.2.3"), ip("2600::5")]);
  expect(["52.1.2.3", "2600::5", "2600:1::5efe:52.1.2.3"].map((text) => policy.forbids(ip(text)))).toEqual([
    true,
    true,
    true,
  ]);
  expect(["52.1.2.4", "2600::6"].map((text) => policy.forbids(ip(text)))).toEqual([false, false]);
});

describe("ranges", () => {
  test.each([
    "",
    "10",
    "10.0.0.0/33",
    "10.0.0.0/",
    "::/129",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "fe80::1%eth0",
    "host",
  ])("%j is none", (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
    expect(() => new PeerPolicy({ allow: [text], deny: [] })).toThrow(RangeError);
  });

  test.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.0/12", "10.15.255.255", true],
    ["10.0.0.0/12", "10.16.0.0", false],
    ["10.0.0.1", "10.0.0.1", true],
    ["10.0.0.1", "10.0.0.2", false],
    ["0.0.0.0/0", "255.1.2.3", true],
    ["0.0.0.0/0", "::1", false],
    ["2600::/13", "2607:ffff::1", true],
    ["2600::/13", "2608::1", false],
    ["::1/128", "::1", true],
  ])("%s and %s: %s", (range, address, isInside) => {
    const parsed = parseAddressRange(range);
    if (parsed === undefined) throw new TypeError(range);
    expect(isInRange(ip(address), parsed)).toBe(isInside);
  });
});

test("the IPv4 address is found in every encoding, and in nothing else", () => {
  for (const [name, encode] of Object.entries(ENCODINGS)) {
    const found = embeddedIpv4(ip(encode("1.2.3.4"))).map(String);
    expect(found, name).toContain("1.2.3.4");
  }
  for (const text of ["2600::1.2.3.4", "fe80::1", "1.2.3.4"]) expect(embeddedIpv4(ip(text))).toEqual([]);
});
