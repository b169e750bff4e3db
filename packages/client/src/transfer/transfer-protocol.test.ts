import { expect, test } from "vitest";
import { chunkSize } from "./channel-sender.ts";
import { SpeedMeter } from "./speed-meter.ts";
import {
  channelLabel,
  cleanFileName,
  parseChannelLabel,
  parseChannelText,
  parseTransferMessage,
} from "./transfer-protocol.ts";

test("a file name is only a name", () => {
  expect(cleanFileName("../../etc/passwd")).toBe("passwd");
  expect(cleanFileName("C:\\temp\\a.txt")).toBe("a.txt");
  expect(cleanFileName("사진 2026.jpg")).toBe("사진 2026.jpg");
  expect(cleanFileName("invoice\u202egpj.exe")).toBe("invoicegpj.exe");
  expect(cleanFileName("a\u0000b\n.txt")).toBe("ab.txt");
  for (const empty of ["", ".", "..", "/", " "]) expect(cleanFileName(empty)).toBe("file");
  expect(cleanFileName(`${"x".repeat(400)}.pdf`)).toMatch(/^x{251}\.pdf$/);
});

test("offers that make no sense are not offers", () => {
  const offer = { type: "fileOffer", id: "a1", name: "n", size: 5, mediaType: "text/plain" };
  expect(parseTransferMessage(offer)).toEqual(offer);
  expect(parseTransferMessage({ ...offer, mediaType: "text/html; x" })).toMatchObject({
    mediaType: "application/octet-stream",
  });
  for (const bad of [{ size: -1 }, { size: 1.5 }, { size: "5" }, { id: "a/b" }, { id: "" }, { name: 5 }]) {
    expect(parseTransferMessage({ ...offer, ...bad })).toBeUndefined();
  }
  expect(parseTransferMessage({ type: "chat", id: "a" })).toBeUndefined();
});

test("a channel's label names its file and where it begins", () => {
  expect(parseChannelLabel(channelLabel("ab12", 65_536))).toEqual({ id: "ab12", offset: 65_536 });
  for (const bad of ["", "file/a", "file/a/-1", "file/a/99999999999999999", "control"]) {
    expect(parseChannelLabel(bad)).toBeUndefined();
  }
});

test("texts on the channel are progress or the hash, and nothing else", () => {
  expect(parseChannelText('{"received":7}')).toEqual({ received: 7 });
  expect(parseChannelText(`{"sha256":"${"a".repeat(64)}"}`)).toEqual({ sha256: "a".repeat(64) });
  for (const bad of ["", "{}", '{"received":-1}', '{"sha256":"zz"}', "x".repeat(300)]) {
    expect(parseChannelText(bad)).toBeUndefined();
  }
});

test("chunks are between 16 and 64 KiB, whatever the other side takes", () => {
  expect([0, 1_000, 16_384, 40_000, 65_536, 262_144, 1_073_741_823].map(chunkSize)).toEqual([
    65_536, 16_384, 16_384, 40_000, 65_536, 65_536, 65_536,
  ]);
});

test("speed is that of the last seconds", () => {
  const meter = new SpeedMeter();
  expect(meter.bytesPerSecond(0, 0)).toBe(0);
  for (let now = 0; now <= 10_000; now += 100) meter.record(now * 100, now);
  expect(meter.bytesPerSecond(1_000_000, 10_000)).toBe(100_000);
  for (let now = 10_100; now <= 14_000; now += 100) meter.record(1_000_000, now);
  expect(meter.bytesPerSecond(1_000_000, 14_000)).toBe(0);
  meter.reset();
  expect(meter.bytesPerSecond(1_000_000, 15_000)).toBe(0);
});
