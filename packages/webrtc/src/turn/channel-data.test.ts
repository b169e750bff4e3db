import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../bytes/index.ts";
import {
  CHANNEL_DATA_HEADER_BYTES,
  channelDataEnd,
  channelNumberOf,
  isChannelData,
  isChannelNumber,
  MAX_CHANNEL_DATA_BYTES,
  paddedChannelDataBytes,
  writeChannelDataHeader,
} from "./channel-data.ts";

describe("a message written is the message read", () => {
  test.each([
    [0x4000, 0],
    [0x4001, 1],
    [0x4abc, 1200],
    [0x4fff, MAX_CHANNEL_DATA_BYTES],
  ])("channel 0x%s with %s bytes", (channel, length) => {
    const message = new Uint8Array(CHANNEL_DATA_HEADER_BYTES + length).fill(7);
    writeChannelDataHeader(message, 0, channel, length);
    expect(isChannelData(message)).toBe(true);
    expect(channelNumberOf(message)).toBe(channel);
    expect(channelDataEnd(message)).toBe(message.length);
  });
});

test("the header has the channel's number and the data's length, in network order", () => {
  const message = new Uint8Array(8);
  writeChannelDataHeader(message, 2, 0x4123, 0x0102);
  expect(toHex(message)).toBe("0000412301020000");
});

test("every truncation of a message is refused", () => {
  const whole = fromHex("4001 0003 010203");
  for (let length = 0; length < whole.length; length++) {
    expect(isChannelData(whole.subarray(0, length))).toBe(false);
  }
});

// RFC 8656 §12.5: over UDP padding may be included.
test("padding, and whatever else follows the data, is no part of it", () => {
  const padded = fromHex("4001 0003 010203 00 ffffffff");
  expect(isChannelData(padded)).toBe(true);
  expect(channelDataEnd(padded)).toBe(7);
});

// RFC 8656 §12: 64 to 79 are channels, in RFC 5766 §11 up to 127; the rest is STUN, DTLS, RTP or reserved.
test("the first byte tells ChannelData from all else", () => {
  for (let first = 0; first < 256; first++) {
    expect(isChannelData(Uint8Array.of(first, 0, 0, 0))).toBe(first >= 64 && first <= 127);
  }
});

test("channel numbers are 0x4000 to 0x4fff", () => {
  expect([0x3fff, 0x4000, 0x4fff, 0x5000, 16_384.5, Number.NaN].map(isChannelNumber)).toEqual([
    false,
    true,
    true,
    false,
    false,
    false,
  ]);
});

// RFC 8656 §12.5: over a stream the whole is padded to a multiple of 4.
test("over a stream a message is padded", () => {
  expect([0, 1, 4, 5, 1200, 1201].map(paddedChannelDataBytes)).toEqual([4, 8, 8, 12, 1204, 1208]);
});
