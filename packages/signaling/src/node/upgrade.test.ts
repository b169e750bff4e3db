import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { addressGroup, checkUpgrade, hostOf, pathOf } from "./upgrade.ts";

function request(headers: Record<string, string>, url = "/signal"): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  message.url = url;
  Object.assign(message.headers, headers);
  return message;
}

describe("the address that limits count by", () => {
  it("is an IPv4 address whole, also mapped into IPv6", () => {
    expect(addressGroup("192.0.2.7")).toBe("192.0.2.7");
    expect(addressGroup("::ffff:192.0.2.7")).toBe("192.0.2.7");
  });

  it("is the /64 of an IPv6 address, however it is written", () => {
    const expected = addressGroup("2001:db8:0:1:2:3:4:5");
    expect(expected).toBe("2001:db8:0:1");
    expect(addressGroup("2001:db8:0:1::9")).toBe(expected);
    expect(addressGroup("2001:0DB8:0000:0001::")).toBe(expected);
    expect(addressGroup("2001:db8:0:2::9")).not.toBe(expected);
    expect(addressGroup("::1")).toBe("0:0:0:0");
    expect(addressGroup("fe80::1%eth0")).toBe("fe80:0:0:0");
  });
});

describe("an upgrade request", () => {
  it("names the host the client used, and nothing that is no host", () => {
    expect(hostOf(request({ host: "Meet.Example:8443" }))).toBe("meet.example");
    expect(hostOf(request({ host: "[::1]:8443" }))).toBe("[::1]");
    for (const host of ["", "a b", "a/b", "user@host", "x:y", `${"a".repeat(254)}`]) {
      expect(hostOf(request({ host }))).toBeUndefined();
    }
    expect(pathOf(request({}, "/signal?x=/other"))).toBe("/signal");
  });

  it("passes the same-host check with and without default ports", () => {
    const offered = { "sec-websocket-protocol": "other, naru.v1" };
    const check = (host: string, origin: string): number | undefined =>
      checkUpgrade(request({ ...offered, host, origin }), "sameHost")?.status;
    expect(check("meet.example", "https://meet.example")).toBeUndefined();
    expect(check("meet.example:443", "https://meet.example")).toBeUndefined();
    expect(check("localhost:8443", "https://localhost:8443")).toBeUndefined();
    expect(check("localhost:8443", "https://localhost")).toBe(403);
    expect(check("meet.example", "https://meet.example.evil.example")).toBe(403);
    expect(check("meet.example", "null")).toBe(403);
    expect(check("", "https://meet.example")).toBe(403);
    expect(check("meet.example@evil.example", "https://evil.example")).toBe(403);
  });
});
