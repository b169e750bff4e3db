import type { CryptoProvider } from "../crypto/index.ts";
import { PasswordAlgorithm } from "./attribute/password-algorithm.ts";

const encoder = new TextEncoder();

/**
 * Prepares a user name, realm or password with the OpaqueString profile (RFC 8265 §4.2): other spaces become U+0020, the
 * text is normalised to NFC, control characters are not allowed.
 *
 * @throws {TypeError} when the text is empty or has control characters.
 */
export function prepareOpaqueString(text: string): string {
  const prepared = safePrepareOpaqueString(text);
  if (prepared !== undefined) return prepared;
  throw new TypeError("a STUN user name, realm or password must not be empty or contain control characters");
}

/** The same for text from the network: undefined when it cannot be prepared. */
export function safePrepareOpaqueString(text: string): string | undefined {
  if (text === "" || /\p{Cc}/u.test(text)) return undefined;
  return text.replace(/\p{Zs}/gu, " ").normalize("NFC");
}

/** Key of a short-term credential (RFC 8489 §9.1.1): the password itself, as ICE uses it. */
export function shortTermKey(password: string): Uint8Array {
  return encoder.encode(prepareOpaqueString(password));
}

/**
 * Key of a long-term credential (RFC 8489 §9.2.2, §18.5.1).
 *
 * @param algorithm - From {@link PasswordAlgorithm}; MD5 where the other side offers no choice.
 * @returns 16 bytes for MD5, 32 for SHA-256.
 * @throws {RangeError} for any other algorithm.
 */
export function longTermKey(
  crypto: CryptoProvider,
  username: string,
  realm: string,
  password: string,
  algorithm: number = PasswordAlgorithm.md5,
): Uint8Array {
  const text = [username, realm, password].map(prepareOpaqueString).join(":");
  switch (algorithm) {
    case PasswordAlgorithm.md5:
      return crypto.hash("md5", encoder.encode(text));
    case PasswordAlgorithm.sha256:
      return crypto.hash("sha-256", encoder.encode(text));
    default:
      throw new RangeError(`the password algorithm must be 1 (MD5) or 2 (SHA-256), got ${algorithm}`);
  }
}

/** What USERHASH carries instead of the name (RFC 8489 §14.4). */
export function userHash(crypto: CryptoProvider, username: string, realm: string): Uint8Array {
  return crypto.hash(
    "sha-256",
    encoder.encode(`${prepareOpaqueString(username)}:${prepareOpaqueString(realm)}`),
  );
}

/** What a server announces in the first characters of its nonce (RFC 8489 §9.2, §18.1). */
export interface NonceFeatures {
  /** PASSWORD-ALGORITHMS comes with it; its absence means somebody took it away. */
  readonly passwordAlgorithms: boolean;
  /** USERHASH is to be used instead of USERNAME. */
  readonly usernameAnonymity: boolean;
}

/** Start of a nonce that has a feature set (RFC 8489 §9.2). */
const NONCE_COOKIE = "obMatJos2";
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Bits of the 24-bit set, bit 0 being the most significant (RFC 8489 §18.1). */
const PASSWORD_ALGORITHMS_BIT = 1 << 23;
const USERNAME_ANONYMITY_BIT = 1 << 22;
const FEATURE_CHARACTERS = 4;

/** The 13 characters a server's nonce starts with. */
export function encodeNonceCookie(features: NonceFeatures): string {
  const bits =
    (features.passwordAlgorithms ? PASSWORD_ALGORITHMS_BIT : 0) |
    (features.usernameAnonymity ? USERNAME_ANONYMITY_BIT : 0);
  return NONCE_COOKIE + [18, 12, 6, 0].map((shift) => BASE64[(bits >> shift) & 63]).join("");
}

/** The features announced in a nonce; none when it does not start with the cookie. */
export function decodeNonceCookie(nonce: string): NonceFeatures {
  let bits = 0;
  if (nonce.startsWith(NONCE_COOKIE)) {
    const characters = nonce.slice(NONCE_COOKIE.length, NONCE_COOKIE.length + FEATURE_CHARACTERS);
    const digits = Array.from(characters, (character) => BASE64.indexOf(character));
    const valid = digits.length === FEATURE_CHARACTERS && digits.every((digit) => digit >= 0);
    if (valid) bits = digits.reduce((value, digit) => (value << 6) | digit, 0);
  }
  return {
    passwordAlgorithms: (bits & PASSWORD_ALGORITHMS_BIT) !== 0,
    usernameAnonymity: (bits & USERNAME_ANONYMITY_BIT) !== 0,
  };
}
