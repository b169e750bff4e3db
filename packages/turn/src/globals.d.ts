/** The whole platform that the cores of this package may see, beside the language itself. */

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
