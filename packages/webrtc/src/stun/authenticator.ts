import type { Hmac } from "../crypto/index.ts";
import { USERNAME } from "./attribute/text.ts";
import type { StunMessage } from "./message.ts";
import type { StunMessageBuilder } from "./message-builder.ts";

/** How one request proves who sends it, and how its answer is known to come from the one it was sent to. */
export interface StunAuthenticator {
  /** Adds credentials and, last, what covers the message. */
  authenticate(builder: StunMessageBuilder): void;
  /**
   * Whether an answer may be believed.
   *
   * @param errorCode - Of an error response; undefined for a success.
   */
  accepts(response: StunMessage, errorCode: number | undefined): boolean;
}

/** Requests without credentials: every answer is believed. */
export const NO_AUTHENTICATION: StunAuthenticator = {
  authenticate: () => undefined,
  accepts: () => true,
};

/** The short-term credential mechanism (RFC 8489 §9.1): a name and a key that both sides know from elsewhere. ICE uses it. */
export class ShortTermAuthenticator implements StunAuthenticator {
  readonly #username: string;
  readonly #key: Hmac;

  /** @param key - HMAC-SHA1 or HMAC-SHA256 over `shortTermKey(password)`. */
  constructor(username: string, key: Hmac) {
    this.#username = username;
    this.#key = key;
  }

  authenticate(builder: StunMessageBuilder): void {
    builder.add(USERNAME, this.#username).addIntegrity(this.#key);
  }

  accepts(response: StunMessage): boolean {
    // RFC 8489 §9.1.4: the same mechanism and the same password as in the request, or it was never received.
    return response.checkIntegrity(this.#key) === "valid";
  }
}
