import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDeeperThan } from "./json.ts";

describe("depth of JSON", () => {
  it("is counted outside strings only", () => {
    expect(isDeeperThan('{"a":[1,{"b":2}]}', 3)).toBe(false);
    expect(isDeeperThan('{"a":[1,{"b":2}]}', 2)).toBe(true);
    expect(isDeeperThan('{"a":"[[[[{{{{","b\\"[[[[":1}', 1)).toBe(false);
    expect(isDeeperThan('"\\\\"[[', 1)).toBe(true);
  });

  it("is what the parser would have built", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.nat({ max: 7 }), (text, limit) => {
        expect(isDeeperThan(text, limit)).toBe(depthOf(JSON.parse(text)) > limit);
      }),
    );
  });

  it("takes linear time for hostile text", () => {
    const startedAt = performance.now();
    expect(isDeeperThan("[".repeat(1_000_000), 8)).toBe(true);
    expect(isDeeperThan(`"${"\\".repeat(1_000_000)}`, 8)).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
