import { expect, test } from "vitest";
import { fromHex } from "../bytes/index.ts";
import { describePayload } from "./describe.ts";

const STUN_TAIL = "0000 2112a442 000102030405060708090a0b";

test.each([
  ["STUN Binding request", `0001 ${STUN_TAIL}`],
  ["STUN Binding success", `0101 ${STUN_TAIL}`],
  ["STUN Binding error", `0111 ${STUN_TAIL}`],
  ["STUN Binding indication", `0011 ${STUN_TAIL}`],
  ["STUN Allocate request", `0003 ${STUN_TAIL}`],
  ["STUN Data indication", `0017 ${STUN_TAIL}`],
  ["STUN ConnectionAttempt indication", `001c ${STUN_TAIL}`],
  ["STUN method 0x80 request", `0200 ${STUN_TAIL}`],
  ["DTLS ClientHello", "16 fefd 0000 000000000000 0010 01 00000400"],
  ["DTLS HelloVerifyRequest", "16 feff 0000 000000000000 0010 03 00000400"],
  ["DTLS Alert", "15 fefd 0000 000000000000 0002 0100"],
  ["DTLS ApplicationData encrypted", "17 fefd 0001 000000000000 0010 00112233"],
  ["DTLS Handshake encrypted", "16 fefd 0001 000000000000 0010 00112233"],
  ["DTLS 1.3 encrypted", "2f 0001 0010 aabbccdd"],
  ["TURN channel 0x4001", "4001 0004 aabbccdd"],
  ["RTP 96 seq 4660 ssrc 00abcdef", "80 60 1234 00000001 00abcdef"],
  ["RTP 111 seq 1 ssrc 00000007", "90 ef 0001 00000001 00000007"],
  ["RTCP 200", "80 c8 0006 00000001"],
  ["empty", ""],
  ["data", "68656c6c6f"],
  ["data", "0001"],
])("%s is named by its first bytes", (wanted, hex) => {
  expect(describePayload(fromHex(hex), "udp")).toBe(wanted);
});

test("no bytes make it fail: every truncation of every kind, and every first byte", () => {
  const kinds = [
    `0001 ${STUN_TAIL}`,
    "16 fefd 0000 000000000000 0010 01 00000400",
    "80 60 1234 00000001 00abcdef",
  ];
  for (const kind of kinds) {
    const bytes = fromHex(kind);
    for (let length = 0; length <= bytes.length; length++) {
      expect(describePayload(bytes.subarray(0, length), "udp")).toMatch(/^\S/);
    }
  }
  for (let first = 0; first < 256; first++) {
    expect(describePayload(Uint8Array.of(first, 255, 255, 255), "udp")).toMatch(/^\S/);
  }
});
