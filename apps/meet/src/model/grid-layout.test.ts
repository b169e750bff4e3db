import { describe, expect, test } from "vitest";
import { gridLayout, gridLayoutOptions } from "./grid-layout.ts";

function layout(count: number, width: number, height: number) {
  return gridLayout(count, width, height, gridLayoutOptions(width, height));
}

describe("gridLayout", () => {
  test("puts two side by side on a wide screen and above each other on a phone", () => {
    expect(layout(2, 1280, 640).columns).toBe(2);
    expect(layout(2, 390, 700).columns).toBe(1);
  });

  test("puts four in a square", () => {
    expect(layout(4, 1280, 640)).toMatchObject({ columns: 2, rows: 2 });
    expect(layout(4, 390, 700)).toMatchObject({ columns: 2, rows: 2 });
  });

  test("never makes tiles that do not fit, nor shapes that cut faces off", () => {
    for (const [width, height] of [
      [1280, 640],
      [390, 700],
      [844, 300],
      [260, 640],
    ] as const) {
      const { gap, minAspect, maxAspect } = gridLayoutOptions(width, height);
      for (let count = 1; count <= 9; count++) {
        const { columns, rows, tileWidth, tileHeight } = layout(count, width, height);
        expect(columns * rows).toBeGreaterThanOrEqual(count);
        expect(columns * tileWidth + (columns - 1) * gap).toBeLessThanOrEqual(width);
        expect(rows * tileHeight + (rows - 1) * gap).toBeLessThanOrEqual(height);
        // Whole pixels bend the ratio a little.
        expect(tileWidth / tileHeight).toBeGreaterThan(minAspect * 0.97);
        expect(tileWidth / tileHeight).toBeLessThan(maxAspect * 1.03);
      }
    }
  });

  test("survives a box without room", () => {
    expect(layout(3, 0, 0)).toEqual({ columns: 1, rows: 3, tileWidth: 0, tileHeight: 0 });
  });
});
