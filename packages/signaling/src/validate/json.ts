/** Deepest nesting of objects and arrays in a message; the protocol itself needs four levels. */
export const MAX_JSON_DEPTH = 8;

/**
 * Whether `text` nests deeper than `maxDepth`, found out in one pass before anything is built from it.
 * Text that is no JSON gets an answer too; what it means is the parser's business.
 */
export function isDeeperThan(text: string, maxDepth: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (isInString) {
      // RFC 8259 §7: a backslash escapes the next character, a quotation mark ends the string.
      if (unit === 0x5c) i++;
      if (unit === 0x22) isInString = false;
      continue;
    }
    if (unit === 0x22) isInString = true;
    if (unit === 0x7b || unit === 0x5b) {
      depth++;
      if (depth > maxDepth) return true;
    }
    if (unit === 0x7d || unit === 0x5d) depth--;
  }
  return false;
}
