import { utf8Length } from "@naru/webrtc/bytes";
import type { CryptoProvider, Hmac } from "@naru/webrtc/crypto";
import type { WallClockMillis } from "@naru/webrtc/sansio";
import { prepareOpaqueString } from "@naru/webrtc/stun";
import type { CredentialSource, TurnCredential } from "./credentials.ts";

/** What a client is given: `username` and `credential` of an RTCIceServer. */
export interface IssuedCredential {
  readonly username: string;
  readonly credential: string;
  readonly expiresAt: WallClockMillis;
}

/** A secret that can be guessed makes everybody a user. */
const MIN_SECRET_BYTES = 16;

/** `expiry:user`, the expiry in seconds since 1970; the user may be left out. */
const USERNAME_FORM = /^(\d{1,12})(?::(.*))?$/su;

/** USERNAME has at most 508 bytes (RFC 8489 §14.3). */
const MAX_USERNAME_BYTES = 508;

const encoder = new TextEncoder();

/**
 * Time-limited credentials made from a secret that this server shares with whoever hands them out, as browsers' deployments
 * do it (draft-uberti-behave-turn-rest): the name is `expiry:user`, the password base64(HMAC-SHA1(secret, name)). Nothing
 * is stored.
 */
export class SharedSecret implements CredentialSource {
  readonly #hmac: Hmac;

  /** @throws {RangeError} when the secret is shorter than 16 bytes. */
  constructor(crypto: CryptoProvider, secret: string) {
    const bytes = encoder.encode(secret);
    if (bytes.length < MIN_SECRET_BYTES) {
      throw new RangeError(`the TURN secret has at least ${MIN_SECRET_BYTES} bytes, got ${bytes.length}`);
    }
    this.#hmac = crypto.createHmac("sha-1", bytes);
  }

  /**
   * Makes a credential.
   *
   * @param user - Who gets it: quota and revocation go by it. Best one for each session, so that revoking it ends that one.
   * @throws {TypeError} when the user is empty or has control characters.
   * @throws {RangeError} when it is too long.
   */
  issue(user: string, expiresAt: WallClockMillis): IssuedCredential {
    const username = `${Math.floor(expiresAt / 1000)}:${prepareOpaqueString(user)}`;
    const bytes = utf8Length(username);
    if (bytes > MAX_USERNAME_BYTES) {
      throw new RangeError(`a TURN user name has at most ${MAX_USERNAME_BYTES} bytes, got ${bytes}`);
    }
    return { username, credential: this.#password(username), expiresAt: Math.floor(expiresAt / 1000) * 1000 };
  }

  find(username: string): TurnCredential | undefined {
    const match = USERNAME_FORM.exec(username);
    if (match === null) return undefined;
    return {
      password: this.#password(username),
      user: match[2] ?? username,
      expiresAt: Number(match[1]) * 1000,
    };
  }

  #password(username: string): string {
    const name = encoder.encode(username);
    const mac = new Uint8Array(this.#hmac.size);
    this.#hmac.compute(name, 0, name.length, mac, 0);
    return toBase64(mac);
  }
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const bits = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let shift = 18; shift >= 0; shift -= 6) {
      const isPadding = i * 8 + (18 - shift) >= bytes.length * 8;
      text += isPadding ? "=" : BASE64[(bits >> shift) & 63];
    }
  }
  return text;
}
