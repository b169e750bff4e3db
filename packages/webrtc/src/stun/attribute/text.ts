import { utf8Length } from "../../bytes/index.ts";
import type { StunAttribute } from "./attribute.ts";

/** Longest encoding of texts that are limited to fewer than 128 characters (RFC 8489 §14.9, §14.10, §14.14). */
const MAX_TEXT_BYTES = 763;
/** USERNAME has fewer than 509 bytes (RFC 8489 §14.3). */
const MAX_USERNAME_BYTES = 508;
/** ALTERNATE-DOMAIN is a DNS name of 255 or fewer characters (RFC 8489 §14.16). */
const MAX_DOMAIN_BYTES = 255;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text in UTF-8, of at most `maximumBytes`. */
function textAttribute(type: number, name: string, maximumBytes: number): StunAttribute<string> {
  return {
    type,
    name,
    size(value) {
      const length = utf8Length(value);
      if (length <= maximumBytes) return length;
      throw new RangeError(`${name} has at most ${maximumBytes} bytes of UTF-8, got ${length}`);
    },
    encode(value, target, offset) {
      encoder.encodeInto(value, target.subarray(offset));
    },
    decode(bytes, offset, length) {
      if (length > maximumBytes) return undefined;
      return decodeUtf8(bytes.subarray(offset, offset + length));
    },
  };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    // The decoder has no way to ask; ill-formed UTF-8 from the network is an answer here, not an exception.
    return undefined;
  }
}

/** Who asks (RFC 8489 §14.3); in ICE `remote-ufrag:local-ufrag` (RFC 8445 §7.2.2). */
export const USERNAME: StunAttribute<string> = textAttribute(0x0006, "USERNAME", MAX_USERNAME_BYTES);
/** What the long-term credential belongs to (RFC 8489 §14.9). */
export const REALM: StunAttribute<string> = textAttribute(0x0014, "REALM", MAX_TEXT_BYTES);
/** Chosen by the server; copied back by the client (RFC 8489 §14.10). */
export const NONCE: StunAttribute<string> = textAttribute(0x0015, "NONCE", MAX_TEXT_BYTES);
/** Name and version of the sender's program (RFC 8489 §14.14). */
export const SOFTWARE: StunAttribute<string> = textAttribute(0x8022, "SOFTWARE", MAX_TEXT_BYTES);
/** The name that the certificate of ALTERNATE-SERVER is for (RFC 8489 §14.16). */
export const ALTERNATE_DOMAIN: StunAttribute<string> = textAttribute(
  0x8003,
  "ALTERNATE-DOMAIN",
  MAX_DOMAIN_BYTES,
);
