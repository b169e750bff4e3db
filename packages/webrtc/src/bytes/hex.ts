const DIGITS = "0123456789abcdef";

/** Lower-case hexadecimal, no separators. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += DIGITS[byte >> 4]! + DIGITS[byte & 15]!;
  return text;
}

/**
 * Reads hexadecimal; white space and colons between bytes are allowed.
 *
 * @throws {TypeError} when anything else is in the text, or a digit is left over.
 */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/[\s:]/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) {
    throw new TypeError(`expected an even number of hexadecimal digits, got "${text.slice(0, 40)}"`);
  }
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}
