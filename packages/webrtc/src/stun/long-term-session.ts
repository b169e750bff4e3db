import type { CryptoProvider, Hmac } from "../crypto/index.ts";
import { ERROR_CODE } from "./attribute/error-code.ts";
import { USERHASH } from "./attribute/opaque.ts";
import {
  PASSWORD_ALGORITHM,
  PASSWORD_ALGORITHMS,
  PasswordAlgorithm,
  type PasswordAlgorithmValue,
} from "./attribute/password-algorithm.ts";
import { NONCE, REALM, USERNAME } from "./attribute/text.ts";
import { decodeNonceCookie, longTermKey, prepareOpaqueString, userHash } from "./credentials.ts";
import { StunErrorNumber } from "./error-number.ts";
import type { StunMessage } from "./message.ts";
import type { StunMessageBuilder } from "./message-builder.ts";

/** A user name and password known to the server. */
export interface LongTermCredentials {
  readonly username: string;
  readonly password: string;
}

/** What the server said, and what follows from it: how the next request is authenticated. */
interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  /** The list as it came, to be sent back; undefined when the server offered no choice. */
  readonly algorithms: readonly PasswordAlgorithmValue[] | undefined;
  readonly algorithm: number;
  readonly userHash: Uint8Array | undefined;
  readonly key: Hmac;
}

/**
 * The client's side of the long-term credential mechanism with one server (RFC 8489 §9.2): nothing in the first request;
 * after a 401 the realm, nonce and algorithm of the server; after a 438 its new nonce.
 */
export class LongTermSession {
  readonly #crypto: CryptoProvider;
  readonly #credentials: LongTermCredentials;
  #challenge: Challenge | undefined;

  constructor(crypto: CryptoProvider, credentials: LongTermCredentials) {
    this.#crypto = crypto;
    this.#credentials = {
      username: prepareOpaqueString(credentials.username),
      password: prepareOpaqueString(credentials.password),
    };
  }

  /** Whether requests carry credentials: the server has asked for them. */
  get isChallenged(): boolean {
    return this.#challenge !== undefined;
  }

  /** The nonce in use, to tell whether a request was made before or after it changed. */
  get nonce(): string | undefined {
    return this.#challenge?.nonce;
  }

  /** Adds the credential attributes and the integrity over all of it, when the server has asked for them. */
  authenticate(builder: StunMessageBuilder): void {
    const challenge = this.#challenge;
    if (challenge === undefined) return;
    if (challenge.userHash === undefined) builder.add(USERNAME, this.#credentials.username);
    else builder.add(USERHASH, challenge.userHash);
    builder.add(REALM, challenge.realm).add(NONCE, challenge.nonce);
    if (challenge.algorithms === undefined) {
      builder.addIntegrity(challenge.key);
      return;
    }
    // RFC 8489 §9.2.5: the list is copied back, so that the server sees whether somebody shortened it on the way.
    builder
      .add(PASSWORD_ALGORITHMS, challenge.algorithms)
      .add(PASSWORD_ALGORITHM, { algorithm: challenge.algorithm, parameters: new Uint8Array(0) })
      .addIntegritySha256(challenge.key);
  }

  /** Whether a response was made by somebody who knows the key. Before a challenge there is none to know. */
  isAuthentic(response: StunMessage): boolean {
    const challenge = this.#challenge;
    if (challenge === undefined) return true;
    if (challenge.algorithms === undefined) return response.hasIntegrity(challenge.key);
    return response.hasIntegritySha256(challenge.key);
  }

  /**
   * Takes a 401 or 438 answer in.
   *
   * @returns whether the request is worth sending again with what was learnt.
   */
  handleChallenge(response: StunMessage): boolean {
    const error = response.get(ERROR_CODE)?.code;
    const nonce = response.get(NONCE);
    const realm =
      response.get(REALM) ?? (error === StunErrorNumber.staleNonce ? this.#challenge?.realm : undefined);
    if (nonce === undefined || realm === undefined) return false;
    const features = decodeNonceCookie(nonce);
    const algorithms = response.get(PASSWORD_ALGORITHMS);
    // RFC 8489 §9.2.5: announced and missing means that somebody on the path removed it.
    if (features.passwordAlgorithms && algorithms === undefined) return false;
    const algorithm = chooseAlgorithm(algorithms);
    if (algorithm === undefined) return false;
    const previous = this.#challenge;
    // RFC 8489 §9.2.5: after a 401 there is no retry with the very same name, realm and password.
    const refusedAgain =
      error === StunErrorNumber.unauthenticated &&
      previous?.realm === realm &&
      previous.algorithm === algorithm;
    if (refusedAgain) return false;
    this.#challenge = this.#accept(realm, nonce, algorithms, algorithm, features.usernameAnonymity);
    return this.#challenge !== undefined;
  }

  #accept(
    realm: string,
    nonce: string,
    algorithms: readonly PasswordAlgorithmValue[] | undefined,
    algorithm: number,
    anonymous: boolean,
  ): Challenge | undefined {
    const { username, password } = this.#credentials;
    if (!isOpaqueString(realm)) return undefined;
    const key = longTermKey(this.#crypto, username, realm, password, algorithm);
    return {
      realm,
      nonce,
      algorithms,
      algorithm,
      userHash: anonymous ? userHash(this.#crypto, username, realm) : undefined,
      key: this.#crypto.createHmac(algorithms === undefined ? "sha-1" : "sha-256", key),
    };
  }
}

/** The first algorithm of the server's list that is known here; MD5 when it offers no list (RFC 8489 §9.2.5). */
function chooseAlgorithm(algorithms: readonly PasswordAlgorithmValue[] | undefined): number | undefined {
  if (algorithms === undefined) return PasswordAlgorithm.md5;
  const known: readonly number[] = [PasswordAlgorithm.md5, PasswordAlgorithm.sha256];
  return algorithms.find((entry) => known.includes(entry.algorithm) && entry.parameters.length === 0)
    ?.algorithm;
}

/** Whether a realm from the network can be prepared: it must not throw out of the core. */
function isOpaqueString(text: string): boolean {
  return text !== "" && !/\p{Cc}/u.test(text);
}
