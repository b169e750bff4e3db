import { describe, expect, test } from "vitest";
import { at, hostCandidate } from "../../test/ice-bench.ts";
import { IpAddress, TransportAddress } from "../bytes/index.ts";
import { CANDIDATE } from "../sdp/index.ts";
import { canPair, type RemoteCandidate } from "./candidate.ts";
import { isMdnsName, readRemoteCandidate, writeLocalCandidate } from "./candidate-attribute.ts";
import { Foundations } from "./foundation.ts";

describe("a candidate", () => {
  test("comes through SDP as it was", () => {
    const local = hostCandidate("192.0.2.1:1000", 1);
    const text = CANDIDATE.serialize(writeLocalCandidate(local));
    const attribute = CANDIDATE.parse(text);
    if (attribute === undefined) throw new Error(`"${text}" is not read`);
    expect(readRemoteCandidate(attribute)).toMatchObject({
      type: "candidate",
      candidate: { type: "host", protocol: "udp", priority: local.priority, foundation: local.foundation },
    });
  });

  test("tells no zone (RFC 4007 §6)", () => {
    const ip = IpAddress.parse("fe80::1%eth0");
    if (ip === undefined) throw new Error("an address with a zone is read");
    const address = new TransportAddress(ip, 1000);
    expect(`${address.ip}`).toBe("fe80::1%eth0");
    expect(writeLocalCandidate(hostCandidate("[fe80::1]:1000", 1, { address })).address).toBe("fe80::1");
  });

  test.each([
    ["another component", "1 2 udp 1 192.0.2.1 1000 typ host"],
    ["another transport", "1 1 sctp 1 192.0.2.1 1000 typ host"],
    ["another type", "1 1 udp 1 192.0.2.1 1000 typ token"],
    ["TCP without a direction", "1 1 tcp 1 192.0.2.1 1000 typ host"],
    ["port 0", "1 1 udp 1 192.0.2.1 0 typ host"],
    ["a name of the outside world", "1 1 udp 1 example.com 1000 typ host"],
    ["a multicast address", "1 1 udp 1 224.0.0.251 5353 typ host"],
    ["a mapped multicast address", "1 1 udp 1 ::ffff:224.0.0.251 5353 typ host"],
    ["the unspecified address", "1 1 udp 1 0.0.0.0 9 typ host"],
  ])("is of no use with %s, and that is no error (RFC 8839 §5.1)", (_name, text) => {
    const attribute = CANDIDATE.parse(text);
    if (attribute === undefined) throw new Error(`"${text}" is not read`);
    expect(readRemoteCandidate(attribute)).toEqual({ type: "unusable", reason: expect.any(String) });
  });

  test("with an mDNS name waits for its address", () => {
    expect(isMdnsName("4d2b4d1c-2c9f-4d1a-9c1e-0d1f5b3b9a10.local")).toBe(true);
    for (const name of ["example.com", "a.b.local", ".local", "local", "x.local.", "x y.local"]) {
      expect(isMdnsName(name)).toBe(false);
    }
  });
});

describe("two candidates", () => {
  test("pair when family, scope and protocol fit (RFC 8445 §6.1.2.2, RFC 6544 §6.2)", () => {
    const v4 = hostCandidate("192.0.2.1:1000", 1);
    const v6 = hostCandidate("[2001:db8::1]:1000", 1);
    const linkLocal = hostCandidate("[fe80::1]:1000", 1);
    expect(canPair(v4, remote("198.51.100.1:1"))).toBe(true);
    expect(canPair(v4, remote("[2001:db8::2]:1"))).toBe(false);
    expect(canPair(v6, remote("[2001:db8::2]:1"))).toBe(true);
    expect(canPair(v6, remote("[fe80::2]:1"))).toBe(false);
    expect(canPair(linkLocal, remote("[fe80::2]:1"))).toBe(true);
    const active = hostCandidate("192.0.2.1:9", 1, { protocol: "tcp", tcpType: "active" });
    expect(canPair(active, remote("198.51.100.1:1"))).toBe(false);
    expect(canPair(active, { ...remote("198.51.100.1:1"), protocol: "tcp", tcpType: "passive" })).toBe(true);
    expect(canPair(active, { ...remote("198.51.100.1:9"), protocol: "tcp", tcpType: "active" })).toBe(false);
    expect(canPair(active, { ...remote("198.51.100.1:1"), protocol: "tcp", tcpType: "so" })).toBe(false);
  });

  test("share a foundation when type, base, protocol and server are the same (RFC 8445 §5.1.1.3)", () => {
    const foundations = new Foundations();
    const base = at("192.0.2.1:1").ip;
    const host = { type: "host", protocol: "udp", base } as const;
    const first = foundations.of(host);
    expect(foundations.of({ ...host })).toBe(first);
    const others = [
      foundations.of({ ...host, type: "srflx" }),
      foundations.of({ ...host, protocol: "tcp" }),
      foundations.of({ ...host, base: at("192.0.2.2:1").ip }),
      foundations.of({ ...host, server: "198.51.100.1" }),
    ];
    expect(new Set([first, ...others]).size).toBe(5);
    // RFC 8839 §5.1: 1 to 32 characters of letters, digits, + and /.
    expect(first).toMatch(/^[A-Za-z0-9+/]{1,32}$/);
  });
});

function remote(address: string): RemoteCandidate {
  const { type, protocol, tcpType, priority, foundation } = hostCandidate(address, 1);
  return { type, protocol, tcpType, priority, foundation, address: at(address), hostname: undefined };
}
