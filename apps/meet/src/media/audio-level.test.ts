import { expect, test } from "vitest";
import { loudness, SPEAKING_LEVEL } from "./audio-level.ts";

test("loudness is 0 in silence, 1 for a full tone, and between for speech", () => {
  expect(loudness(new Float32Array(512))).toBe(0);
  expect(loudness(tone(0.9))).toBe(1);
  expect(loudness(tone(0.001))).toBeLessThan(SPEAKING_LEVEL);
  expect(loudness(tone(0.05))).toBeGreaterThan(SPEAKING_LEVEL);
});

function tone(amplitude: number): Float32Array {
  return Float32Array.from({ length: 512 }, (_, index) => amplitude * Math.sin(index / 5));
}
