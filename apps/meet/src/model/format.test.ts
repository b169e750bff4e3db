import { describe, expect, test } from "vitest";
import { formatBitrate, formatBytes, formatClock, formatMillis, secondsLeft } from "./format.ts";

describe("formatters", () => {
  test("sizes have a unit and at most one decimal", () => {
    expect(formatBytes(0, "en")).toBe("0 B");
    expect(formatBytes(999, "en")).toBe("999 B");
    expect(formatBytes(1_000, "en")).toBe("1 kB");
    expect(formatBytes(1_440_000, "en")).toBe("1.4 MB");
    expect(formatBytes(999_999, "en")).toBe("1 MB");
    expect(formatBytes(5_000_000_000_000_000, "en")).toBe("5,000 TB");
  });

  test("bitrates move from bits to megabits", () => {
    expect(formatBitrate(800, "en")).toBe("800 bit/s");
    expect(formatBitrate(64_000, "en")).toBe("64 kbit/s");
    expect(formatBitrate(1_250_000, "en")).toBe("1.3 Mbit/s");
  });

  test("spans move from milliseconds to seconds", () => {
    expect(formatMillis(84.6, "en")).toBe("85 ms");
    expect(formatMillis(999.6, "en")).toBe("1 s");
    expect(formatMillis(1_240, "ko")).toBe("1.24 s");
  });

  test("clocks show hours only when there are some", () => {
    expect(formatClock(5)).toBe("0:05");
    expect(formatClock(65.4)).toBe("1:05");
    expect(formatClock(3_725)).toBe("1:02:05");
  });

  test("time left is unknown until something moves", () => {
    expect(secondsLeft(100, 50, 0)).toBeUndefined();
    expect(secondsLeft(100, 50, 25)).toBe(2);
    expect(secondsLeft(100, 120, 25)).toBe(0);
  });
});
