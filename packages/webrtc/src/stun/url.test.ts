import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { safeParseStunUrl } from "./index.ts";

describe("a URL is taken apart", () => {
  test.each([
    ["stun:example.org", "stun", "example.org", 3478, "udp"],
    ["STUN:Example.ORG", "stun", "example.org", 3478, "udp"],
    ["stuns:example.org", "stuns", "example.org", 5349, "tls"],
    ["turn:example.org", "turn", "example.org", 3478, "udp"],
    ["turn:example.org:443?transport=tcp", "turn", "example.org", 443, "tcp"],
    ["turn:example.org?transport=udp", "turn", "example.org", 3478, "udp"],
    ["turns:example.org", "turns", "example.org", 5349, "tls"],
    ["turns:example.org:443?transport=tcp", "turns", "example.org", 443, "tls"],
    ["turns:example.org?transport=udp", "turns", "example.org", 5349, "dtls"],
    ["turn:192.0.2.1:3479", "turn", "192.0.2.1", 3479, "udp"],
    ["turn:[2001:DB8::1]:3479", "turn", "2001:db8::1", 3479, "udp"],
    ["stun:[::1]", "stun", "::1", 3478, "udp"],
    ["stun:localhost:", "stun", "localhost", 3478, "udp"],
    ["stun:example.org.", "stun", "example.org.", 3478, "udp"],
    ["stun:my_host-1.example:0", "stun", "my_host-1.example", 0, "udp"],
    [" stun:example.org\n", "stun", "example.org", 3478, "udp"],
  ])("%s", (text, scheme, host, port, transport) => {
    expect(safeParseStunUrl(text)).toMatchObject({ scheme, host, port, transport });
  });

  test("an address is there as an address too, a name is not", () => {
    const ips = ["stun:192.0.2.1", "stun:[2001:db8::1]", "stun:example.org"].map((text) => {
      const url = safeParseStunUrl(text);
      return typeof url === "string" ? url : url.ip?.family;
    });
    expect(ips).toEqual([4, 6, undefined]);
  });
});

describe("what webrtc-pc §4.4.1.6 and the RFCs do not allow is refused in words", () => {
  test.each([
    ["", "does not start with"],
    ["example.org", "does not start with"],
    ["http://example.org", "does not start with"],
    ["stunx:example.org", "does not start with"],
    ["stun://example.org", "more than a host"],
    ["stun:user@example.org", "more than a host"],
    ["turn:example.org/path", "more than a host"],
    ["stun:example.org#x", "fragment"],
    ["stun:example.org?transport=udp", "query"],
    ["stuns:example.org?", "query"],
    ["turn:example.org?", "query"],
    ["turn:example.org?transport=", "query"],
    ["turn:example.org?transport=UDP", "query"],
    ["turn:example.org?transport=sctp", "query"],
    ["turn:example.org?transport=udp&x=1", "query"],
    ["stun:", "host"],
    ["stun::3478", "host"],
    ["stun:example.org:port", "port"],
    ["stun:example.org:65536", "port"],
    ["stun:example.org:-1", "port"],
    ["stun:[2001:db8::1", "brackets"],
    ["stun:2001:db8::1", "port"],
    ["stun:[192.0.2.1]", "IPv6"],
    ["stun:[fe80::1%eth0]", "IPv6"],
    ["stun:192.0.2", "host"],
    ["stun:192.0.2.256", "host"],
    ["stun:exa mple.org", "host"],
    ["stun:example..org", "host"],
    ["stun:-example.org", "host"],
    ["stun:한글.example", "host"],
    [`stun:${"a".repeat(64)}.org`, "host"],
  ])("%s", (text, problem) => {
    const result = safeParseStunUrl(text);
    expect(result).toBeTypeOf("string");
    expect(result).toContain(problem);
  });
});

test("no text throws, and an answer in words stays short", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const result = safeParseStunUrl(`turn:${text}`);
      if (typeof result === "string") expect(result.length).toBeLessThan(800);
    }),
  );
});
