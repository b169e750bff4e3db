import { describe, expect, test } from "vitest";
import { IpAddress, TransportAddress } from "./index.ts";

describe("text", () => {
  test.each(["192.0.2.1:3478", "[2001:db8::1]:0", "[fe80::1%eth0]:65535"])(
    "%s reads back as itself",
    (text) => {
      expect(TransportAddress.parse(text)?.toString()).toBe(text);
    },
  );

  test.each([
    "",
    "192.0.2.1",
    "192.0.2.1:",
    "192.0.2.1:65536",
    "192.0.2.1:-1",
    "192.0.2.1:1 ",
    "192.0.2.1:123456",
    "[192.0.2.1]:1",
    "2001:db8::1:1",
    "[2001:db8::1]",
    "[2001:db8::1]1",
    "[]:1",
    "example.org:1",
  ])("%j is refused", (text) => {
    expect(TransportAddress.parse(text)).toBeUndefined();
  });
});

test.each([-1, 65_536, 1.5, Number.NaN])("port %d is refused", (port) => {
  expect(() => new TransportAddress(IpAddress.fromBytes(new Uint8Array(4)), port)).toThrow(RangeError);
});

test("equality takes address and port together", () => {
  const address = TransportAddress.parse("192.0.2.1:1");
  expect(address?.equals(new TransportAddress(IpAddress.fromBytes(new Uint8Array([192, 0, 2, 1])), 1))).toBe(
    true,
  );
  expect(address?.equals(new TransportAddress(IpAddress.fromBytes(new Uint8Array([192, 0, 2, 1])), 2))).toBe(
    false,
  );
  expect(address?.equals(new TransportAddress(IpAddress.fromBytes(new Uint8Array([192, 0, 2, 2])), 1))).toBe(
    false,
  );
});

test("keys are equal when addresses are, whatever zone they were seen in", () => {
  const keys = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1", "[fe80::1]:1", "[::ffff:192.0.2.1]:1"].map(
    (text) => TransportAddress.parse(text)?.key,
  );
  expect(new Set(keys).size).toBe(5);
  expect(TransportAddress.parse("[fe80::1%eth0]:1")?.key).toBe(keys[3]);
});
