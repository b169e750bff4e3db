import { copyBytes, readUint32, type TransportAddress, writeUint16, writeUint32 } from "../bytes/index.ts";
import { type CryptoProvider, equalConstantTime, type Hmac } from "../crypto/index.ts";
import { type Environment, type Millis, randomBytes } from "../sansio/index.ts";
import { AnswerLimiter, type AnswerLimiterOptions } from "./answer-limiter.ts";
import { ERROR_CODE } from "./attribute/error-code.ts";
import { USERHASH } from "./attribute/opaque.ts";
import {
  PASSWORD_ALGORITHM,
  PASSWORD_ALGORITHMS,
  PasswordAlgorithm,
  type PasswordAlgorithmValue,
} from "./attribute/password-algorithm.ts";
import { NONCE, REALM, USERNAME } from "./attribute/text.ts";
import {
  decodeNonceCookie,
  encodeNonceCookie,
  longTermKey,
  prepareOpaqueString,
  safePrepareOpaqueString,
} from "./credentials.ts";
import { StunErrorNumber } from "./error-number.ts";
import { MESSAGE_INTEGRITY_SHA256_TYPE, MESSAGE_INTEGRITY_TYPE } from "./integrity.ts";
import type { StunMessage } from "./message.ts";
import type { StunMessageBuilder } from "./message-builder.ts";

/** Where passwords come from. Asked for every request, so both answers have to be quick. */
export interface PasswordSource {
  /** The password of a user, who is named as the request names him; undefined when there is no such user. */
  password(username: string): string | undefined;
  /**
   * The name behind a USERHASH (RFC 8489 §14.4); undefined when no user has it. Clients are told to use it when this is
   * there, so it has to know every user that {@link password} knows.
   */
  usernameOf?(hash: Uint8Array): string | undefined;
}

export interface LongTermVerifierOptions {
  /**
   * Names what the passwords are for (RFC 8489 §9.2). At most 20 bytes of UTF-8: every 401 carries it, and an answer to a
   * stranger must not be worth more than 3.6 times the shortest request that gets one.
   */
  readonly realm: string;
  readonly passwords: PasswordSource;
  /**
   * How long a nonce is good. RFC 8656 §5 wants an hour at most; what is seen on the way can be replayed for so long, by
   * whoever has the client's address, and a new one costs a client one round trip.
   */
  readonly nonceLifetimeMs: Millis;
  /** Refusals to one address. They are what a forged source address is sent. */
  readonly refusals: AnswerLimiterOptions;
  /** Requests of one address that are checked, right or wrong: each costs some hashes. */
  readonly checks: AnswerLimiterOptions;
}

export const DEFAULT_LONG_TERM_VERIFIER_OPTIONS: Omit<LongTermVerifierOptions, "realm" | "passwords"> = {
  nonceLifetimeMs: 600_000,
  refusals: { perSecond: 100, burst: 400 },
  // A thousand checks are some milliseconds; thousands of clients behind one NAT ask for less than that.
  checks: { perSecond: 1000, burst: 4000 },
};

/** Who sent a request; or how to answer it instead; or that it is not to be answered. */
export type LongTermVerdict =
  | {
      readonly type: "authentic";
      readonly username: string;
      /** Covers the answer: MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256, as the request demands (RFC 8489 §9.2.4). */
      readonly key: Hmac;
    }
  | { readonly type: "refused"; readonly code: 400 | 401 | 438 }
  | { readonly type: "limited" };

/** What the verifier found since it was made. */
export interface LongTermVerifierCounters {
  authentic: number;
  /** 401 to requests without credentials: every client's first. */
  challenged: number;
  /** 401 because name or password are wrong. */
  wrong: number;
  /** 438. */
  stale: number;
  /** 400. */
  malformed: number;
  /** Not answered: the address asked too often. */
  limited: number;
}

/** Longest realm in bytes; see {@link LongTermVerifierOptions.realm}. */
const MAX_REALM_BYTES = 20;

/** Of a nonce behind its cookie: 14 bytes in base64url, 19 characters. The whole nonce is 32 bytes and needs no padding. */
const NONCE_TIME_BYTES = 4;
const NONCE_MAC_BYTES = 10;
const NONCE_CHARACTERS = 19;

/** Users whose keys are kept, in each of two generations. Wrong names are kept too, or the time would tell them. */
const KEY_GENERATION = 4096;

const NO_PARAMETERS = new Uint8Array(0);

/** What is offered, the better one first (RFC 8489 §18.5). */
const OFFERED: readonly PasswordAlgorithmValue[] = [
  { algorithm: PasswordAlgorithm.sha256, parameters: NO_PARAMETERS },
  { algorithm: PasswordAlgorithm.md5, parameters: NO_PARAMETERS },
];

const NO_REASON = "";

/**
 * The server's side of the long-term credential mechanism (RFC 8489 §9.2.4). It keeps nothing about clients: a nonce proves by
 * itself when and for whom it was made.
 */
export class LongTermVerifier {
  readonly counters: LongTermVerifierCounters = {
    authentic: 0,
    challenged: 0,
    wrong: 0,
    stale: 0,
    malformed: 0,
    limited: 0,
  };
  readonly #crypto: CryptoProvider;
  readonly #realm: string;
  readonly #passwords: PasswordSource;
  readonly #nonceLifetimeMs: Millis;
  readonly #refusals: AnswerLimiter;
  readonly #checks: AnswerLimiter;
  readonly #nonceKey: Hmac;
  readonly #nonceCookie: string;
  /** The password of all who do not exist. */
  readonly #nobody: string;
  #youngKeys = new Map<string, UserKeys>();
  #oldKeys = new Map<string, UserKeys>();
  readonly #scratch = new Uint8Array(64);

  /**
   * @throws {TypeError} when the realm is empty or has control characters.
   * @throws {RangeError} when it is too long.
   */
  constructor(environment: Environment<CryptoProvider>, options: LongTermVerifierOptions) {
    const { crypto, random } = environment;
    this.#crypto = crypto;
    this.#realm = prepareOpaqueString(options.realm);
    const realmBytes = REALM.size(this.#realm);
    if (realmBytes > MAX_REALM_BYTES) {
      throw new RangeError(
        `the realm has at most ${MAX_REALM_BYTES} bytes, got ${realmBytes}: it is part of every answer to a stranger`,
      );
    }
    this.#passwords = options.passwords;
    this.#nonceLifetimeMs = options.nonceLifetimeMs;
    this.#refusals = new AnswerLimiter(options.refusals, random);
    this.#checks = new AnswerLimiter(options.checks, random);
    this.#nonceKey = crypto.createHmac("sha-256", randomBytes(random, 32));
    this.#nobody = toBase64Url(randomBytes(random, 24));
    this.#nonceCookie = encodeNonceCookie({
      passwordAlgorithms: true,
      usernameAnonymity: options.passwords.usernameOf !== undefined,
    });
  }

  get realm(): string {
    return this.#realm;
  }

  /**
   * Checks who sent a request, in the order of RFC 8489 §9.2.4. Limits come before anything that costs.
   *
   * @param message - Lent for the call.
   * @param from - Where it came from: a nonce is good for this address only.
   */
  verify(message: StunMessage, from: TransportAddress, now: Millis): LongTermVerdict {
    const hasSha256 = message.has({ type: MESSAGE_INTEGRITY_SHA256_TYPE });
    if (!hasSha256 && !message.has({ type: MESSAGE_INTEGRITY_TYPE })) {
      return this.#refuse(401, "challenged", from, now);
    }
    if (!this.#checks.allow(from.ip, now)) {
      this.counters.limited++;
      return LIMITED;
    }
    const nonce = message.get(NONCE);
    const realm = message.get(REALM);
    const isNamed = message.has(USERNAME) || message.has(USERHASH);
    if (nonce === undefined || realm === undefined || !isNamed) {
      return this.#refuse(400, "malformed", from, now);
    }
    const algorithm = this.#algorithm(message, nonce);
    if (algorithm === undefined) return this.#refuse(400, "malformed", from, now);
    const username = this.#username(message);
    const password = username === undefined ? undefined : this.#passwords.password(username);
    // A user who does not exist, or a realm that is not ours, is checked like any other, against a password that nobody
    // has: the time an answer takes tells nothing.
    const keys = this.#keysOf(username ?? "?", password ?? this.#nobody);
    const key = this.#key(keys, algorithm.algorithm, hasSha256);
    const isRight = message.checkIntegrity(key) === "valid";
    if (!isRight || username === undefined || password === undefined || realm !== this.#realm) {
      return this.#refuse(401, "wrong", from, now);
    }
    if (!this.#isFresh(nonce, from, now)) return this.#refuse(438, "stale", from, now);
    this.counters.authentic++;
    // RFC 8489 §9.2.4: the answer has MESSAGE-INTEGRITY-SHA256, unless the request named no algorithm at all.
    return { type: "authentic", username, key: this.#key(keys, algorithm.algorithm, algorithm.isNamed) };
  }

  /**
   * Adds what a refusal carries beside its header: ERROR-CODE, and for 401 and 438 all that a client needs to try again. Its
   * answer has no integrity, since no key is known to be shared. No reason phrase: it would only make the answer longer.
   */
  addRefusal(builder: StunMessageBuilder, code: 400 | 401 | 438, from: TransportAddress, now: Millis): void {
    builder.add(ERROR_CODE, { code, reason: NO_REASON });
    if (code === StunErrorNumber.badRequest) return;
    builder
      .add(REALM, this.#realm)
      .add(NONCE, this.#createNonce(from, now))
      .add(PASSWORD_ALGORITHMS, OFFERED);
  }

  #refuse(
    code: 400 | 401 | 438,
    counter: "challenged" | "wrong" | "stale" | "malformed",
    from: TransportAddress,
    now: Millis,
  ): LongTermVerdict {
    if (!this.#refusals.allow(from.ip, now)) {
      this.counters.limited++;
      return LIMITED;
    }
    this.counters[counter]++;
    return { type: "refused", code };
  }

  /** The algorithm that made the key; undefined when the request does not fit what was offered. */
  #algorithm(
    message: StunMessage,
    nonce: string,
  ): { readonly algorithm: number; readonly isNamed: boolean } | undefined {
    const isNamed = message.has(PASSWORD_ALGORITHMS) || message.has(PASSWORD_ALGORITHM);
    // RFC 8489 §9.2.4: neither of the two is MD5. They mean something only beside a nonce that announces them.
    if (!isNamed || !decodeNonceCookie(nonce).passwordAlgorithms) {
      return { algorithm: PasswordAlgorithm.md5, isNamed: false };
    }
    const offered = message.get(PASSWORD_ALGORITHMS);
    const chosen = message.get(PASSWORD_ALGORITHM);
    if (offered === undefined || chosen === undefined || !isOffer(offered)) return undefined;
    if (chosen.parameters.length > 0 || !OFFERED.some((entry) => entry.algorithm === chosen.algorithm)) {
      return undefined;
    }
    return { algorithm: chosen.algorithm, isNamed: true };
  }

  #username(message: StunMessage): string | undefined {
    const name = message.get(USERNAME);
    if (name !== undefined) return safePrepareOpaqueString(name);
    const hash = message.get(USERHASH);
    return hash === undefined ? undefined : this.#passwords.usernameOf?.(copyBytes(hash));
  }

  #keysOf(username: string, password: string): UserKeys {
    const young = this.#youngKeys.get(username);
    if (young?.password === password) return young;
    const old = this.#oldKeys.get(username);
    const keys = old?.password === password ? old : { username, password, hmacs: new Map<number, Hmac>() };
    if (this.#youngKeys.size >= KEY_GENERATION) {
      this.#oldKeys = this.#youngKeys;
      this.#youngKeys = new Map();
    }
    this.#youngKeys.set(username, keys);
    return keys;
  }

  #key(keys: UserKeys, algorithm: number, isSha256: boolean): Hmac {
    const index = algorithm * 2 + (isSha256 ? 1 : 0);
    let key = keys.hmacs.get(index);
    if (key === undefined) {
      key = this.#crypto.createHmac(
        isSha256 ? "sha-256" : "sha-1",
        longTermKey(this.#crypto, keys.username, this.#realm, keys.password, algorithm),
      );
      keys.hmacs.set(index, key);
    }
    return key;
  }

  /** Bound to the client's address (RFC 8489 §9.2.4) and to the moment. */
  #createNonce(from: TransportAddress, now: Millis): string {
    const issuedAt = Math.floor(now / 1000);
    const bytes = new Uint8Array(NONCE_TIME_BYTES + NONCE_MAC_BYTES);
    writeUint32(bytes, 0, issuedAt);
    bytes.set(this.#nonceMac(issuedAt, from), NONCE_TIME_BYTES);
    return this.#nonceCookie + toBase64Url(bytes);
  }

  #isFresh(nonce: string, from: TransportAddress, now: Millis): boolean {
    const bytes = nonce.startsWith(this.#nonceCookie)
      ? fromBase64Url(nonce.slice(this.#nonceCookie.length))
      : undefined;
    if (bytes === undefined) return false;
    const issuedAt = readUint32(bytes, 0);
    const age = now - issuedAt * 1000;
    if (age < 0 || age > this.#nonceLifetimeMs) return false;
    return equalConstantTime(bytes.subarray(NONCE_TIME_BYTES), this.#nonceMac(issuedAt, from));
  }

  /** A view of scratch memory. */
  #nonceMac(issuedAt: number, from: TransportAddress): Uint8Array {
    const { bytes } = from.ip;
    const scratch = this.#scratch;
    writeUint32(scratch, 0, issuedAt);
    writeUint16(scratch, 4, from.port);
    scratch.set(bytes, 6);
    const end = 6 + bytes.length;
    this.#nonceKey.compute(scratch, 0, end, scratch, MAC_OFFSET);
    return scratch.subarray(MAC_OFFSET, MAC_OFFSET + NONCE_MAC_BYTES);
  }
}

/** Keys of one user, made when they are first needed. */
interface UserKeys {
  readonly username: string;
  readonly password: string;
  /** By algorithm and kind of MAC. */
  readonly hmacs: Map<number, Hmac>;
}

/** Behind the longest text that a nonce's MAC covers: time, port, IPv6 address. */
const MAC_OFFSET = 32;

const LIMITED: LongTermVerdict = { type: "limited" };

/** Whether the list is the one that came with the nonce (RFC 8489 §9.2.4): somebody may have shortened it on the way. */
function isOffer(entries: readonly PasswordAlgorithmValue[]): boolean {
  return (
    entries.length === OFFERED.length &&
    entries.every(
      ({ algorithm, parameters }, i) => algorithm === OFFERED[i]?.algorithm && parameters.length === 0,
    )
  );
}

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let count = 0;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    for (count += 8; count >= 6; count -= 6) text += BASE64URL[(bits >> (count - 6)) & 63];
    bits &= 0xff;
  }
  return count === 0 ? text : text + BASE64URL[(bits << (6 - count)) & 63];
}

/** The bytes of a nonce; undefined when the text is not as long as one, or no base64url. */
function fromBase64Url(text: string): Uint8Array | undefined {
  if (text.length !== NONCE_CHARACTERS) return undefined;
  const bytes = new Uint8Array(NONCE_TIME_BYTES + NONCE_MAC_BYTES);
  let bits = 0;
  let count = 0;
  let position = 0;
  for (const character of text) {
    const digit = BASE64URL.indexOf(character);
    if (digit === -1) return undefined;
    bits = ((bits << 6) | digit) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[position++] = bits >> count;
  }
  return bytes;
}
