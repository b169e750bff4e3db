import { writeUint16 } from "../bytes/index.ts";
import { type CryptoProvider, equalConstantTime, type Hmac } from "../crypto/index.ts";
import { type RandomSource, randomBytes } from "../sansio/index.ts";

const KEY_BYTES = 32;
const MAC_BYTES = 32;

/**
 * What the cookies of a listener are made with (RFC 9147 §5.1, RFC 6347 §4.2.1): a cookie comes back only from an
 * address that can receive, and nothing has to be remembered for it. One object serves all connections of a listener.
 */
export class CookieSecret {
  readonly #crypto: CryptoProvider;
  readonly #random: RandomSource;
  /** Newest first. */
  #hmacs: readonly Hmac[];

  constructor(crypto: CryptoProvider, random: RandomSource) {
    this.#crypto = crypto;
    this.#random = random;
    this.#hmacs = [this.#createHmac()];
  }

  /**
   * Changes the secret; cookies of the one before stay valid until the next change. Every minute or so, so that
   * cookies cannot be collected.
   */
  rotate(): void {
    this.#hmacs = [this.#createHmac(), ...this.#hmacs.slice(0, 1)];
  }

  /**
   * A cookie that holds `content` and is bound to `binding`, which is not in it: the client's address, its random.
   */
  seal(content: Uint8Array, ...binding: readonly Uint8Array[]): Uint8Array {
    const cookie = new Uint8Array(content.length + MAC_BYTES);
    cookie.set(content);
    cookie.set(this.#mac(this.#hmacs[0]!, content, binding), content.length);
    return cookie;
  }

  /** The content of a cookie, or undefined when it is not one of ours for this binding. */
  open(cookie: Uint8Array, ...binding: readonly Uint8Array[]): Uint8Array | undefined {
    const length = cookie.length - MAC_BYTES;
    if (length < 0) return undefined;
    const content = cookie.subarray(0, length);
    const mac = cookie.subarray(length);
    const isOurs = this.#hmacs.some((hmac) => equalConstantTime(mac, this.#mac(hmac, content, binding)));
    return isOurs ? content : undefined;
  }

  #createHmac(): Hmac {
    return this.#crypto.createHmac("sha-256", randomBytes(this.#random, KEY_BYTES));
  }

  /** Each part with its length before it, so that none can be taken for part of another. */
  #mac(hmac: Hmac, content: Uint8Array, binding: readonly Uint8Array[]): Uint8Array {
    const parts = [content, ...binding];
    const input = new Uint8Array(parts.reduce((sum, part) => sum + 2 + part.length, 0));
    let offset = 0;
    for (const part of parts) {
      writeUint16(input, offset, part.length);
      input.set(part, offset + 2);
      offset += 2 + part.length;
    }
    const mac = new Uint8Array(MAC_BYTES);
    hmac.compute(input, 0, input.length, mac, 0);
    return mac;
  }
}
