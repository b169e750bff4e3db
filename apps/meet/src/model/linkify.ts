/** A piece of a message: plain text, or a link that may be opened. */
export interface TextPart {
  readonly text: string;
  /** An `http:` or `https:` address. */
  readonly href?: string;
}

/** Splits a message into text and links. Only web addresses become links: nothing else may run when clicked. */
export function linkify(message: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of message.matchAll(LINK)) {
    const text = trimTail(match[0]);
    if (!URL.canParse(text)) continue;
    if (match.index > from) parts.push({ text: message.slice(from, match.index) });
    parts.push({ text, href: text });
    from = match.index + text.length;
  }
  if (from < message.length) parts.push({ text: message.slice(from) });
  return parts;
}

/** Korean writes what a word does in the sentence right after it: https://a.example/x에서. */
const PARTICLE =
  /(?<=[\w/])(?:은|는|이|가|을|를|에|에서|에게|로|으로|와|과|의|도|만|까지|부터|하고|보다|이랑|라고|이라고|예요|이에요|입니다)$/u;

const LINK = /\bhttps?:\/\/[^\s<>"'`\u3000-\u303f]+/giu;

/**
 * Punctuation after a link belongs to the sentence, a closing bracket only when it was not opened in the link, and a
 * Korean particle when what it follows is not Korean itself.
 */
function trimTail(text: string): string {
  let end = text.length;
  for (; end > 0; end--) {
    const last = text[end - 1] ?? "";
    if (".,;:!?…·".includes(last)) continue;
    if (last === ")" && count(text.slice(0, end), ")") > count(text.slice(0, end), "(")) continue;
    break;
  }
  return text.slice(0, end).replace(PARTICLE, "");
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}
