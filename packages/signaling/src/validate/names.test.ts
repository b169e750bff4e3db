import { describe, expect, it } from "vitest";
import { parseName } from "./names.ts";

describe("names", () => {
  it("are trimmed and normalised", () => {
    expect(parseName("  Mina \n")).toBe("Mina");
    expect(parseName("e\u0301")).toBe("\u00e9");
  });

  it("may be in any script, and emoji", () => {
    const names = [
      "미나",
      "नमस्ते",
      "שלום",
      "سلام",
      "👩‍👩‍👧‍👦",
      "brave-otter-42",
      "__proto__",
      "constructor",
      "a b",
    ];
    for (const name of names) expect(parseName(name)).toBe(name);
  });

  it("have 1 to 64 characters, whatever these take in memory", () => {
    expect(parseName("")).toBeUndefined();
    expect(parseName("   ")).toBeUndefined();
    expect(parseName("😀".repeat(64))).toBe("😀".repeat(64));
    expect(parseName("a".repeat(65))).toBeUndefined();
    expect(parseName("a".repeat(1_000_000))).toBeUndefined();
  });

  it("hide nothing: no control characters, overrides, invisible characters or broken text", () => {
    const bad = [
      "a\u0000b",
      "a\nb",
      "a\u001b[31mb",
      "a\u202eb",
      "a\u2066b",
      "a\u200bb",
      "a\ufeffb",
      "a\u2028b",
      "a\ud800b",
      "\u200d",
      "\u3164",
      "\u2800\u2800",
    ];
    for (const name of bad) expect([name, parseName(name)]).toEqual([name, undefined]);
  });
});
