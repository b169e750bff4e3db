/** Longest name of a room or a participant, in characters as people count them nearly enough: code points. */
export const MAX_NAME_LENGTH = 64;

/** Text longer than this is no name, whatever it is made of; checked before anything looks at each character. */
const MAX_NAME_UNITS = 256;

// Control characters, line and paragraph separators, halves of surrogate pairs. Format characters (Cf) hold the
// bidirectional overrides, zero-width spaces and tags; the two joiners among them belong to many scripts and to
// emoji, and stay allowed. Unassigned code points do too: they are the emoji of next year.
const FORBIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/u;

/** At least one character must be seen: letter, number, punctuation or symbol; not one of the blank letters. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;
const BLANK = /[\u115f\u1160\u3164\uffa0\u2800]/gu;

/**
 * The name as everybody will see it: normalised (NFC) and trimmed.
 *
 * @returns undefined when it is no name: empty, too long, invisible, or with control or override characters.
 */
export function parseName(text: string): string | undefined {
  if (text.length > MAX_NAME_UNITS) return undefined;
  const name = text.normalize("NFC").trim();
  if (FORBIDDEN.test(name) || !VISIBLE.test(name.replace(BLANK, ""))) return undefined;
  return [...name].length <= MAX_NAME_LENGTH ? name : undefined;
}
