import { expect, test } from "vitest";
import { parseHostAndPort } from "./host-and-port.ts";

test.each([
  ["turn.example.com", { host: "turn.example.com", port: undefined }],
  ["turn.example.com:443", { host: "turn.example.com", port: 443 }],
  ["192.0.2.1:8443", { host: "192.0.2.1", port: 8443 }],
  ["[2001:db8::1]", { host: "2001:db8::1", port: undefined }],
  ["[2001:db8::1]:443", { host: "2001:db8::1", port: 443 }],
])("%s is a host, and a port when there is one", (text, parsed) => {
  expect(parseHostAndPort(text)).toEqual(parsed);
});

test.each([
  "",
  "a b",
  "2001:db8::1",
  "host:0",
  "host:65536",
  "host:",
  "[host]",
  "https://host",
  "host/path",
  "-a",
])("%j is none", (text) => {
  expect(parseHostAndPort(text)).toBeUndefined();
});
