import { expect, test } from "vitest";
import { fromHex } from "../bytes/index.ts";
import { looksLikeStun, paddedLength } from "./header.ts";

const EMPTY_REQUEST = "0001 0000 2112a442 000000000000000000000000";

test("a Binding request without attributes looks like STUN", () => {
  expect(looksLikeStun(fromHex(EMPTY_REQUEST))).toBe(true);
});

test.each([
  ["DTLS", "16fefd0000000000000000000000000000000000"],
  ["RTP", "806f0000 2112a442 000000000000000000000000"],
  ["a TURN channel", "4000 0010 2112a442 000000000000000000000000"],
  ["another cookie", "0001 0000 2112a443 000000000000000000000000"],
  ["a length that does not match", "0001 0004 2112a442 000000000000000000000000"],
  ["nothing", ""],
  ["19 bytes", "0001 0000 2112a442 0000000000000000000000"],
])("%s does not", (_name, hex) => {
  expect(looksLikeStun(fromHex(hex))).toBe(false);
});

test("values are padded to 32 bits", () => {
  expect([0, 1, 3, 4, 5, 763].map(paddedLength)).toEqual([0, 4, 4, 4, 8, 764]);
});
