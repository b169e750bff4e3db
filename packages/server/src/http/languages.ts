/** Languages of the texts that the server itself shows. */
export type Language = "en" | "ko";

/**
 * The better of the two languages for somebody who sends this `Accept-Language` (RFC 9110 §12.5.4): the first
 * known one among those with the highest weight, English when none is known.
 */
export function preferredLanguage(header: string | undefined): Language {
  let best: { language: Language; weight: number } = { language: "en", weight: 0 };
  for (const entry of (header ?? "").slice(0, 1_000).split(",")) {
    const [tag = "", ...parameters] = entry.trim().toLowerCase().split(";");
    const language = tag.split("-")[0];
    if (language !== "en" && language !== "ko") continue;
    const quality = parameters.map((text) => /^\s*q=([01](?:\.\d{0,3})?)$/.exec(text)?.[1]).find(Boolean);
    const weight = quality === undefined ? 1 : Number(quality);
    if (weight > best.weight) best = { language, weight };
  }
  return best.language;
}
