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
import { NO_AUTHENTICATION, type StunAuthenticator } from "./authenticator.ts";
import {
  decodeNonceCookie,
  longTermKey,
  prepareOpaqueString,
  safePrepareOpaqueString,
  userHash,
} from "./credentials.ts";
import { StunErrorNumber } from "./error-number.ts";
import type { StunMessage } from "./message.ts";
import type { StunMessageBuilder } from "./message-builder.ts";

/** A user name and password known to the server. */
export interface LongTermCredentials {
  readonly username: string;
  readonly password: string;
}

const NO_PARAMETERS = new Uint8Array(0);

/**
 * The client's side of the long-term credential mechanism with one server (RFC 8489 §9.2): nothing in the first request;
 * after a 401 the realm, nonce and algorithm of the server; after a 438 its new nonce, and nothing but that.
 */
export class LongTermSession {
  readonly #crypto: CryptoProvider;
  readonly #credentials: LongTermCredentials;
  #authenticator: LongTermAuthenticator | undefined;

  /**
   * @throws {TypeError} when name or password are empty or have control characters.
   * @throws {RangeError} when the name is longer than USERNAME can be.
   */
  constructor(crypto: CryptoProvider, credentials: LongTermCredentials) {
    this.#crypto = crypto;
    this.#credentials = {
      username: prepareOpaqueString(credentials.username),
      password: prepareOpaqueString(credentials.password),
    };
    // Now, and not when the server asks for it.
    USERNAME.size(this.#credentials.username);
  }

  /** How the next request is authenticated. It stays the same object until a challenge changes it. */
  get authenticator(): StunAuthenticator {
    return this.#authenticator ?? NO_AUTHENTICATION;
  }

  /**
   * Takes a 401 or 438 answer in.
   *
   * @returns whether the request is worth sending again with what was learnt.
   */
  handleChallenge(response: StunMessage): boolean {
    const nonce = response.get(NONCE);
    if (nonce === undefined) return false;
    const algorithms = response.get(PASSWORD_ALGORITHMS);
    // RFC 8489 §9.2.5: announced and missing means that somebody on the path removed it; so does a list that has been
    // there before.
    const expectsList =
      decodeNonceCookie(nonce).passwordAlgorithms || this.#authenticator?.algorithms !== undefined;
    if (expectsList && algorithms === undefined) return false;
    return response.get(ERROR_CODE)?.code === StunErrorNumber.staleNonce
      ? this.#renew(nonce, response.get(REALM), algorithms)
      : this.#begin(nonce, response.get(REALM), algorithms);
  }

  /** 401: everything is as the server says, unless it refuses what it asked for. */
  #begin(
    nonce: string,
    realm: string | undefined,
    algorithms: readonly PasswordAlgorithmValue[] | undefined,
  ): boolean {
    const algorithm = chooseAlgorithm(algorithms);
    if (realm === undefined || safePrepareOpaqueString(realm) === undefined || algorithm === undefined)
      return false;
    const previous = this.#authenticator;
    // RFC 8489 §9.2.5: no retry that changes neither name, realm nor password.
    if (previous?.realm === realm && previous.algorithm === algorithm) return false;
    const { username, password } = this.#credentials;
    const key = this.#crypto.createHmac(
      algorithms === undefined ? "sha-1" : "sha-256",
      longTermKey(this.#crypto, username, realm, password, algorithm),
    );
    const hash = decodeNonceCookie(nonce).usernameAnonymity
      ? userHash(this.#crypto, username, realm)
      : undefined;
    this.#authenticator = new LongTermAuthenticator(
      hash ?? username,
      realm,
      nonce,
      algorithms,
      algorithm,
      key,
    );
    return true;
  }

  /** 438: it cannot be authenticated, so it changes nothing but the nonce. */
  #renew(
    nonce: string,
    realm: string | undefined,
    algorithms: readonly PasswordAlgorithmValue[] | undefined,
  ): boolean {
    const previous = this.#authenticator;
    if (previous === undefined || (realm !== undefined && realm !== previous.realm)) return false;
    // The list comes back to the server as it was sent with this nonce; what was chosen has to be on it still.
    const isOffered = algorithms?.some((entry) => entry.algorithm === previous.algorithm) ?? true;
    if (!isOffered || (algorithms !== undefined && previous.algorithms === undefined)) return false;
    this.#authenticator = new LongTermAuthenticator(
      previous.user,
      previous.realm,
      nonce,
      algorithms,
      previous.algorithm,
      previous.key,
    );
    return true;
  }
}

/** What one challenge led to. */
class LongTermAuthenticator implements StunAuthenticator {
  /** USERNAME, or the value of USERHASH. */
  readonly user: string | Uint8Array;
  readonly realm: string;
  readonly nonce: string;
  /** The list as it came; undefined when the server offered no choice. */
  readonly algorithms: readonly PasswordAlgorithmValue[] | undefined;
  readonly algorithm: number;
  readonly key: Hmac;

  constructor(
    user: string | Uint8Array,
    realm: string,
    nonce: string,
    algorithms: readonly PasswordAlgorithmValue[] | undefined,
    algorithm: number,
    key: Hmac,
  ) {
    this.user = user;
    this.realm = realm;
    this.nonce = nonce;
    this.algorithms = algorithms;
    this.algorithm = algorithm;
    this.key = key;
  }

  authenticate(builder: StunMessageBuilder): void {
    if (typeof this.user === "string") builder.add(USERNAME, this.user);
    else builder.add(USERHASH, this.user);
    builder.add(REALM, this.realm).add(NONCE, this.nonce);
    // RFC 8489 §9.2.5: the list is copied back, so that the server sees whether somebody shortened it on the way.
    if (this.algorithms !== undefined) {
      builder
        .add(PASSWORD_ALGORITHMS, this.algorithms)
        .add(PASSWORD_ALGORITHM, { algorithm: this.algorithm, parameters: NO_PARAMETERS });
    }
    builder.addIntegrity(this.key);
  }

  accepts(response: StunMessage, errorCode: number | undefined): boolean {
    // A server cannot sign a challenge for a user or nonce that it does not know. A 400 without integrity, though,
    // is discarded (RFC 8489 §9.2.5).
    if (errorCode === StunErrorNumber.unauthenticated || errorCode === StunErrorNumber.staleNonce)
      return true;
    // RFC 8489 §9.2.5: an ordinary answer whose nonce announces a list that is not there is ignored.
    const nonce = response.get(NONCE);
    const isStripped =
      nonce !== undefined &&
      decodeNonceCookie(nonce).passwordAlgorithms &&
      !response.has(PASSWORD_ALGORITHMS);
    return !isStripped && response.checkIntegrity(this.key) === "valid";
  }
}

/** The first algorithm of the server's list that is known here; MD5 when it offers no list (RFC 8489 §9.2.5). */
function chooseAlgorithm(algorithms: readonly PasswordAlgorithmValue[] | undefined): number | undefined {
  if (algorithms === undefined) return PasswordAlgorithm.md5;
  const known: readonly number[] = [PasswordAlgorithm.md5, PasswordAlgorithm.sha256];
  return algorithms.find((entry) => known.includes(entry.algorithm) && entry.parameters.length === 0)
    ?.algorithm;
}
