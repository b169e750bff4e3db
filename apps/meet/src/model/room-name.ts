import { ENGLISH_FIRST, ENGLISH_SECOND, KOREAN_FIRST, KOREAN_SECOND } from "./room-words.ts";

/** Longest room name the page accepts, in UTF-16 code units. */
export const MAX_ROOM_NAME_LENGTH = 64;

/** Draws a whole number in `[0, below)`, each equally likely. */
export type Draw = (below: number) => number;

/**
 * A room name that can be said on the telephone and not be guessed by trying: two words and four digits,
 * about 27 bits.
 */
export function generateRoomName(language: "en" | "ko", draw: Draw = drawSecurely): string {
  const [first, second] = language === "ko" ? [KOREAN_FIRST, KOREAN_SECOND] : [ENGLISH_FIRST, ENGLISH_SECOND];
  return `${pick(first, draw)}-${pick(second, draw)}-${1000 + draw(9000)}`;
}

/**
 * The room name in what somebody typed or pasted: a name, a path or a whole link.
 * Undefined when nothing usable is left.
 */
export function parseRoomName(text: string): string | undefined {
  const inLink = /\/r\/([^/?#\s]+)/.exec(text)?.[1];
  const name = (inLink === undefined ? text : safeDecode(inLink))
    .normalize("NFC")
    .trim()
    .replace(/[\s_]+/gu, "-")
    // Marks too: without its vowel signs a Hindi or Thai word is another one.
    .replace(/[^\p{L}\p{M}\p{N}-]/gu, "")
    .replace(/-{2,}/g, "-")
    .replace(/^-|-$/g, "")
    .toLowerCase()
    .slice(0, MAX_ROOM_NAME_LENGTH);
  return name === "" ? undefined : name;
}

/** Path of a room's page. */
export function roomPath(name: string): string {
  return `/r/${encodeURIComponent(name)}`;
}

function pick(words: readonly string[], draw: Draw): string {
  return words[draw(words.length)] ?? "room";
}

/** Rejects the values above the last whole multiple of `below`, which would make small numbers likelier. */
function drawSecurely(below: number): number {
  const limit = 2 ** 32 - (2 ** 32 % below);
  const cell = new Uint32Array(1);
  do crypto.getRandomValues(cell);
  while (cell[0]! >= limit);
  return cell[0]! % below;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray percent sign is not an encoding: take the text as it stands.
    return text;
  }
}
