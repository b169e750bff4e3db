/**
 * One kind of attribute: its name and how its value is written and read. A value is parsed when somebody asks for it; what
 * nobody knows stays the text that it is.
 */
export interface SdpAttribute<T> {
  /** As in `a=<name>`. Case-sensitive (RFC 8866 §6). */
  readonly name: string;
  /**
   * Reads what follows `<name>:`, or undefined for a property attribute that has nothing; undefined when it is not a value of
   * this attribute.
   */
  parse(value: string | undefined): T | undefined;
  /** Writes the value; undefined for a property attribute. */
  serialize(value: T): string | undefined;
}

/** Characters of RFC 8866 §9 `token`. */
const TOKEN = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** A decimal integer from 0 to `maximum`; undefined for anything else. Leading zeros are no matter. */
export function parseDecimal(text: string | undefined, maximum: number): number | undefined {
  if (text === undefined || !/^[0-9]{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= maximum ? value : undefined;
}

/** An attribute that is a flag: being there is what it says. */
export function flag(name: string): SdpAttribute<true> {
  return {
    name,
    // Something behind a flag is tolerated: it has no meaning that could be lost.
    parse: () => true,
    serialize: () => undefined,
  };
}

/** An attribute whose value is one token. */
export function token(name: string): SdpAttribute<string> {
  return {
    name,
    parse: (value) => (value !== undefined && isToken(value) ? value : undefined),
    serialize: (value) => value,
  };
}

/** An attribute whose value is a decimal integer up to `maximum`. */
export function integer(name: string, maximum: number): SdpAttribute<number> {
  return {
    name,
    parse: (value) => parseDecimal(value?.trim(), maximum),
    serialize: (value) => String(value),
  };
}

/** An attribute whose value matches `pattern`. */
export function text(name: string, pattern: RegExp): SdpAttribute<string> {
  return {
    name,
    parse: (value) => (value !== undefined && pattern.test(value) ? value : undefined),
    serialize: (value) => value,
  };
}
