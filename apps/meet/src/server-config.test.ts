import { expect, test } from "vitest";
import { parseServerConfig } from "./server-config.ts";

test("an answer of the server is read", () => {
  const answer = { version: "1", tokenRequired: true, networkUrl: "https://192.168.0.12:8443" };
  expect(parseServerConfig(answer)).toEqual({ tokenRequired: true, networkUrl: "https://192.168.0.12:8443" });
});

test("what is missing, or no address for a link, has its default", () => {
  for (const answer of [null, 7, {}, { networkUrl: "javascript:alert(1)" }, { networkUrl: "https://" }]) {
    expect(parseServerConfig(answer)).toEqual({ tokenRequired: false, networkUrl: undefined });
  }
});
