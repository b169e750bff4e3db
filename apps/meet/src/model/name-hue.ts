/**
 * A hue for somebody's tile, in degrees of OKLCH. The same name has the same hue everywhere; the red of
 * "leave" and the jade of "speaking" stay reserved.
 */
export function nameHue(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of name.trim().normalize("NFC").toLowerCase()) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  // A final mix: short names differ in the last character only, which FNV leaves in the low bits.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
  return FREE_HUES[(hash >>> 8) % FREE_HUES.length] ?? 0;
}

/** One or two letters that stand for a name: the last two syllables of a Korean given name, else first letters. */
export function initials(name: string): string {
  const words = name.trim().normalize("NFC").split(/\s+/).filter(Boolean);
  const first = words[0];
  if (first === undefined) return "?";
  const letters = graphemes(first);
  if (words.length === 1 && HANGUL.test(first)) {
    // 김민아 → 민아: Koreans call each other by the given name, and the family name says little.
    return (letters.length === 3 ? letters.slice(1) : letters.slice(0, 2)).join("");
  }
  const last = words.length > 1 ? graphemes(words.at(-1) ?? "")[0] : undefined;
  return `${letters[0] ?? "?"}${last ?? ""}`.toLocaleUpperCase();
}

const FREE_HUES: readonly number[] = Array.from({ length: 24 }, (_, index) => index * 15).filter(
  (hue) => hue >= 45 && !(hue > 135 && hue < 195),
);
const HANGUL = /^\p{Script=Hangul}+$/u;
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function graphemes(text: string): string[] {
  return [...segmenter.segment(text)].map((part) => part.segment);
}
