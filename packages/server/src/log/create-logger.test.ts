import { describe, expect, test } from "vitest";
import { createPaint } from "../output/paint.ts";
import { createLogger } from "./create-logger.ts";

function written(level: "info" | "debug" | "error", format: "auto" | "json" | "text", isTTY = false): string {
  let text = "";
  const output = { isTTY, write: (part: string) => (text += part) };
  const log = createLogger({ level, format }, output, createPaint(false));
  log.debug("a detail");
  log.info("somebody came", {
    room: "x",
    token: "eyJhbGciOi",
    session: "s3cret",
    count: 1,
    missing: undefined,
  });
  log.error("it broke", { reason: "line\nbreak\u001b[2J" });
  return text;
}

describe("the log", () => {
  test("is one JSON object a line for programs", () => {
    const lines = written("info", "auto")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      {
        level: "info",
        msg: "somebody came",
        room: "x",
        count: 1,
        token: "[Redacted]",
        session: "[Redacted]",
      },
      { level: "error", msg: "it broke", reason: "line\nbreak\u001b[2J" },
    ]);
    expect(lines[0].time).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(lines[0]).not.toHaveProperty("pid");
  });

  test("is one readable line for people, and no secret in it either", () => {
    for (const text of [written("info", "auto", true), written("info", "text")]) {
      expect(text).toMatch(
        /^ {2}\d\d:\d\d:\d\d info {2}somebody came room=x token=\[Redacted\] session=\[Redacted\] count=1\n/,
      );
      expect(text).not.toMatch(/eyJ|s3cret|missing/);
      expect(text.split("\n").slice(1)).toEqual([
        expect.stringContaining("it broke reason=line"),
        "        break [2J",
        "",
      ]);
      expect(text).not.toContain("\u001b");
    }
  });

  test("says as much as was asked for", () => {
    expect(written("debug", "json").trim().split("\n")).toHaveLength(3);
    expect(written("error", "json").trim().split("\n")).toHaveLength(1);
  });
});
