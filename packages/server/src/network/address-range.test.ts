import { describe, expect, test } from "vitest";
import { AddressSet, addressGroup, parseAddressRange, unmapAddress } from "./address-range.ts";

describe("an address range", () => {
  test("is a network in CIDR notation or one address", () => {
    expect(parseAddressRange("10.0.0.0/8")).toEqual({ address: "10.0.0.0", prefixLength: 8, family: "ipv4" });
    expect(parseAddressRange("192.0.2.1")).toEqual({
      address: "192.0.2.1",
      prefixLength: 32,
      family: "ipv4",
    });
    expect(parseAddressRange("fd00::/8")).toEqual({ address: "fd00::", prefixLength: 8, family: "ipv6" });
    expect(parseAddressRange("::/0")).toEqual({ address: "::", prefixLength: 0, family: "ipv6" });
  });

  test.each([
    "",
    "everyone",
    "10.0.0.0/33",
    "::1/129",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "10.0.0.0/",
    "10.0.0",
    "fe80::1%eth0",
  ])("is not %j", (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
    expect(() => new AddressSet([text])).toThrow(RangeError);
  });
});

test("a set knows its addresses, also IPv4 in the form that sockets of both families give", () => {
  const set = new AddressSet(["10.0.0.0/8", "fd00::/8"]);
  for (const inside of ["10.255.0.1", "::ffff:10.1.2.3", "fd12::1"])
    expect([inside, set.has(inside)]).toEqual([inside, true]);
  for (const outside of ["11.0.0.1", "fc00::1", "::ffff:11.0.0.1", "", "nonsense"]) {
    expect([outside, set.has(outside)]).toEqual([outside, false]);
  }
  expect(new AddressSet([]).has("127.0.0.1")).toBe(false);
  expect(unmapAddress("::FFFF:192.0.2.1")).toBe("192.0.2.1");
});

test("limits count an IPv4 address, or the /64 of an IPv6 address", () => {
  expect(addressGroup("::ffff:192.0.2.1")).toBe(addressGroup("192.0.2.1"));
  expect(addressGroup("192.0.2.1")).not.toBe(addressGroup("192.0.2.2"));
  expect(addressGroup("2001:db8::1")).toBe(addressGroup("2001:db8:0:0:ffff::"));
  expect(addressGroup("2001:db8::1")).not.toBe(addressGroup("2001:db8:0:1::1"));
});
