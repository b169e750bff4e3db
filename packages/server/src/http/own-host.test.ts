import { expect, test } from "vitest";
import { isOwnHost } from "./own-host.ts";

test.each([
  "localhost:8443",
  "127.0.0.1",
  "[::1]:8443",
  "192.168.0.12:8443",
  "[fd00::2]:8443",
  "203.0.113.7",
  "my-laptop",
  "my-laptop.local:8443",
  "NAS.lan",
  "box.home.arpa.",
])("%s is a name of this machine: nobody on the internet owns it", (host) => {
  expect(isOwnHost(host, [])).toBe(true);
});

test.each([undefined, "evil.example:8443", "local.evil.example", "127.0.0.1.evil.example", "lan"])(
  "%s is not, unless it has no dot",
  (host) => {
    expect(isOwnHost(host, [])).toBe(host === "lan");
  },
);

test("names of the public address and of the certificate are known, wildcards by one label", () => {
  const known = ["meet.example.com", "*.calls.example.com"];
  expect(isOwnHost("meet.example.com:443", known)).toBe(true);
  expect(isOwnHost("a.calls.example.com", known)).toBe(true);
  expect(isOwnHost("a.b.calls.example.com", known)).toBe(false);
  expect(isOwnHost("example.com", known)).toBe(false);
});
