import { describe, expect, test } from "vitest";
import { TransportAddress } from "../bytes/index.ts";
import { nodeCrypto } from "../node/crypto.ts";
import { SILENT_LOGGER } from "../sansio/index.ts";
import { SeededRandom } from "../testing/index.ts";
import { ERROR_CODE } from "./attribute/error-code.ts";
import { USERHASH } from "./attribute/opaque.ts";
import {
  PASSWORD_ALGORITHM,
  PASSWORD_ALGORITHMS,
  PasswordAlgorithm,
  type PasswordAlgorithmValue,
} from "./attribute/password-algorithm.ts";
import { REQUESTED_TRANSPORT } from "./attribute/relay.ts";
import { NONCE, REALM, USERNAME } from "./attribute/text.ts";
import { longTermKey, userHash } from "./credentials.ts";
import {
  DEFAULT_LONG_TERM_VERIFIER_OPTIONS,
  LongTermVerifier,
  type LongTermVerifierOptions,
} from "./long-term-verifier.ts";
import { decodeStunMessage, type StunMessage } from "./message.ts";
import { StunMessageBuilder } from "./message-builder.ts";
import { StunMethod } from "./message-type.ts";

const ID = new Uint8Array(12).fill(5);
const REALM_NAME = "naru";
const NO_PARAMETERS = new Uint8Array(0);
const MD5 = { algorithm: PasswordAlgorithm.md5, parameters: NO_PARAMETERS };
const SHA256 = { algorithm: PasswordAlgorithm.sha256, parameters: NO_PARAMETERS };
const OFFER = [SHA256, MD5];

const CLIENT = address("203.0.113.7:4000");
const PASSWORDS = new Map([
  ["alice", "secret"],
  ["bob", "hidden"],
]);

function address(text: string): TransportAddress {
  const parsed = TransportAddress.parse(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
}

function createVerifier(options: Partial<LongTermVerifierOptions> = {}): LongTermVerifier {
  const environment = { crypto: nodeCrypto, random: new SeededRandom("verifier"), log: SILENT_LOGGER };
  return new LongTermVerifier(environment, {
    ...DEFAULT_LONG_TERM_VERIFIER_OPTIONS,
    realm: REALM_NAME,
    passwords: { password: (name) => PASSWORDS.get(name) },
    ...options,
  });
}

/** The refusal as it goes over the wire. */
function refusal(verifier: LongTermVerifier, code: 400 | 401 | 438, from = CLIENT, now = 0): StunMessage {
  const builder = new StunMessageBuilder().start("error", StunMethod.allocate, ID);
  verifier.addRefusal(builder, code, from, now);
  return decodeStunMessage(builder.finish().slice());
}

function nonceOf(verifier: LongTermVerifier, from = CLIENT, now = 0): string {
  const nonce = refusal(verifier, 401, from, now).get(NONCE);
  if (nonce === undefined) throw new Error("no nonce");
  return nonce;
}

interface Attempt {
  readonly username?: string;
  readonly hash?: Uint8Array;
  readonly password?: string;
  readonly realm?: string;
  readonly nonce?: string;
  readonly algorithms?: readonly PasswordAlgorithmValue[];
  readonly algorithm?: PasswordAlgorithmValue;
  /** The kind of MAC. */
  readonly mac?: "sha-1" | "sha-256";
  /** The name that the key is made of, where the request does not show it. */
  readonly keyName?: string;
}

function request(attempt: Attempt): StunMessage {
  const { username, hash, realm, nonce, algorithms, algorithm, password = "secret" } = attempt;
  const builder = new StunMessageBuilder()
    .start("request", StunMethod.allocate, ID)
    .add(REQUESTED_TRANSPORT, 17);
  if (username !== undefined) builder.add(USERNAME, username);
  if (hash !== undefined) builder.add(USERHASH, hash);
  if (realm !== undefined) builder.add(REALM, realm);
  if (nonce !== undefined) builder.add(NONCE, nonce);
  if (algorithms !== undefined) builder.add(PASSWORD_ALGORITHMS, algorithms);
  if (algorithm !== undefined) builder.add(PASSWORD_ALGORITHM, algorithm);
  const name = attempt.keyName ?? username ?? "alice";
  const key = longTermKey(nodeCrypto, name, realm ?? REALM_NAME, password, algorithm?.algorithm ?? 1);
  builder.addIntegrity(nodeCrypto.createHmac(attempt.mac ?? "sha-1", key));
  return decodeStunMessage(builder.finish().slice());
}

const bare = decodeStunMessage(
  new StunMessageBuilder()
    .start("request", StunMethod.allocate, ID)
    .add(REQUESTED_TRANSPORT, 17)
    .finish()
    .slice(),
);

describe("RFC 8489 §9.2.4, in its order", () => {
  test("a request without integrity is challenged with realm, nonce and algorithms", () => {
    const verifier = createVerifier();
    expect(verifier.verify(bare, CLIENT, 0)).toEqual({ type: "refused", code: 401 });
    const answer = refusal(verifier, 401);
    expect(answer.get(ERROR_CODE)).toEqual({ code: 401, reason: "" });
    expect(answer.get(REALM)).toBe(REALM_NAME);
    expect(answer.get(NONCE)).toMatch(/^obMatJos2gAAA[\w-]{19}$/);
    expect(answer.get(PASSWORD_ALGORITHMS)).toEqual(OFFER);
    expect(answer.has(USERNAME) || answer.has(USERHASH)).toBe(false);
    expect(verifier.counters.challenged).toBe(1);
  });

  test.each([
    ["a name", { realm: REALM_NAME, nonce: "n" }],
    ["a realm", { username: "alice", nonce: "n" }],
    ["a nonce", { username: "alice", realm: REALM_NAME }],
  ])("a request with integrity but without %s is malformed", (_what, attempt) => {
    const verifier = createVerifier();
    expect(verifier.verify(request(attempt), CLIENT, 0)).toEqual({ type: "refused", code: 400 });
    const answer = refusal(verifier, 400);
    expect(answer.has(REALM) || answer.has(NONCE)).toBe(false);
  });

  test("neither of the algorithm attributes means MD5 and an answer with MESSAGE-INTEGRITY", () => {
    const verifier = createVerifier();
    const verdict = verifier.verify(
      request({ username: "alice", realm: REALM_NAME, nonce: nonceOf(verifier) }),
      CLIENT,
      0,
    );
    expect(verdict).toMatchObject({ type: "authentic", username: "alice", key: { size: 20 } });
    // The key is the client's: what is signed with it, the client believes.
    const builder = new StunMessageBuilder().start("success", StunMethod.allocate, ID);
    if (verdict.type === "authentic") builder.addIntegrity(verdict.key);
    const key = nodeCrypto.createHmac("sha-1", longTermKey(nodeCrypto, "alice", REALM_NAME, "secret"));
    expect(decodeStunMessage(builder.finish()).checkIntegrity(key)).toBe("valid");
  });

  test("MESSAGE-INTEGRITY-SHA256 is checked where it is there", () => {
    const verifier = createVerifier();
    const attempt = {
      username: "alice",
      realm: REALM_NAME,
      nonce: nonceOf(verifier),
      mac: "sha-256",
    } as const;
    // The algorithm was not named, so the answer has MESSAGE-INTEGRITY all the same.
    expect(verifier.verify(request(attempt), CLIENT, 0)).toMatchObject({
      type: "authentic",
      key: { size: 20 },
    });
  });

  test.each([
    ["MD5", MD5],
    ["SHA-256", SHA256],
  ])(
    "an algorithm chosen from the list, %s, means an answer with MESSAGE-INTEGRITY-SHA256",
    (_name, algorithm) => {
      const verifier = createVerifier();
      const verdict = verifier.verify(
        request({
          username: "alice",
          realm: REALM_NAME,
          nonce: nonceOf(verifier),
          algorithms: OFFER,
          algorithm,
          mac: "sha-256",
        }),
        CLIENT,
        0,
      );
      expect(verdict).toMatchObject({ type: "authentic", key: { size: 32 } });
    },
  );

  test.each([
    ["the list alone", { algorithms: OFFER }],
    ["the choice alone", { algorithm: MD5 }],
    ["a list that lost its best entry on the way", { algorithms: [MD5], algorithm: MD5 }],
    ["a list in another order", { algorithms: [MD5, SHA256], algorithm: MD5 }],
    ["a choice with parameters", { algorithms: OFFER, algorithm: { algorithm: 2, parameters: ID } }],
  ])("%s is malformed", (_what, part) => {
    const verifier = createVerifier();
    const attempt = { username: "alice", realm: REALM_NAME, nonce: nonceOf(verifier), ...part };
    expect(verifier.verify(request(attempt), CLIENT, 0)).toEqual({ type: "refused", code: 400 });
  });

  test.each([
    ["a user nobody knows", { username: "mallory" }],
    ["another user's password", { username: "bob" }],
    ["a wrong password", { username: "alice", password: "guess" }],
    ["another realm", { username: "alice", realm: "elsewhere" }],
    ["a name with control characters", { username: "alice\u0000", keyName: "alice" }],
    ["a hash where none is offered", { hash: userHash(nodeCrypto, "alice", REALM_NAME) }],
  ])("%s is 401, even with a stale nonce", (_what, part) => {
    const verifier = createVerifier();
    for (const nonce of [nonceOf(verifier), "stale"]) {
      const attempt = { realm: REALM_NAME, nonce, ...part };
      expect(verifier.verify(request(attempt), CLIENT, 0)).toEqual({ type: "refused", code: 401 });
    }
    expect(verifier.counters.wrong).toBe(2);
  });

  test("a changed byte anywhere in the request is 401 or 400", () => {
    const verifier = createVerifier();
    const { bytes } = request({ username: "alice", realm: REALM_NAME, nonce: nonceOf(verifier) });
    for (let i = 8; i < bytes.length; i++) {
      const changed = bytes.slice();
      changed[i]! ^= 1;
      let message: StunMessage;
      try {
        message = decodeStunMessage(changed);
      } catch {
        // No STUN message any more: the server never gets so far.
        continue;
      }
      expect(verifier.verify(message, CLIENT, 0).type).toBe("refused");
    }
  });
});

describe("a nonce", () => {
  const signed = (nonce: string): StunMessage => request({ username: "alice", realm: REALM_NAME, nonce });

  test("is good for its lifetime and stale afterwards", () => {
    const verifier = createVerifier({ nonceLifetimeMs: 60_000 });
    const message = signed(nonceOf(verifier, CLIENT, 1_000));
    expect(verifier.verify(message, CLIENT, 61_000).type).toBe("authentic");
    expect(verifier.verify(message, CLIENT, 61_001)).toEqual({ type: "refused", code: 438 });
    expect(refusal(verifier, 438, CLIENT, 61_001).get(ERROR_CODE)?.code).toBe(438);
    expect(verifier.verify(signed(nonceOf(verifier, CLIENT, 61_001)), CLIENT, 61_001).type).toBe("authentic");
  });

  test.each(["203.0.113.7:4001", "203.0.113.8:4000", "[2001:db8::7]:4000"])(
    "is good for the address it was made for and not for %s",
    (other) => {
      const verifier = createVerifier();
      const message = signed(nonceOf(verifier));
      expect(verifier.verify(message, address(other), 0)).toEqual({ type: "refused", code: 438 });
    },
  );

  test("of another server, or made up, is stale", () => {
    const verifier = createVerifier();
    const other = new LongTermVerifier(
      { crypto: nodeCrypto, random: new SeededRandom("another"), log: SILENT_LOGGER },
      {
        ...DEFAULT_LONG_TERM_VERIFIER_OPTIONS,
        realm: REALM_NAME,
        passwords: { password: (name) => PASSWORDS.get(name) },
      },
    );
    const own = nonceOf(verifier);
    const flipped = own.slice(0, -3) + (own.at(-3) === "A" ? "B" : "A") + own.slice(-2);
    for (const nonce of [
      nonceOf(other),
      "x",
      own.slice(0, -1),
      `${own}A`,
      flipped,
      own.slice(13),
      `${own.slice(0, -1)}!`,
    ]) {
      expect(verifier.verify(signed(nonce), CLIENT, 0)).toEqual({ type: "refused", code: 438 });
    }
  });

  test("differs from address to address and from second to second", () => {
    const verifier = createVerifier();
    const nonces = [
      nonceOf(verifier),
      nonceOf(verifier, address("203.0.113.7:4001")),
      nonceOf(verifier, address("203.0.113.8:4000")),
      nonceOf(verifier, CLIENT, 1_000),
    ];
    expect(new Set(nonces).size).toBe(4);
  });
});

describe("USERHASH", () => {
  const hash = userHash(nodeCrypto, "alice", REALM_NAME);
  const passwords = {
    password: (name: string) => PASSWORDS.get(name),
    usernameOf: (given: Uint8Array) => (Buffer.from(given).equals(hash) ? "alice" : undefined),
  };

  test("is announced in the nonce and stands for the name", () => {
    const verifier = createVerifier({ passwords });
    const nonce = nonceOf(verifier);
    expect(nonce.startsWith("obMatJos2wAAA")).toBe(true);
    const message = request({ hash, keyName: "alice", realm: REALM_NAME, nonce });
    expect(verifier.verify(message, CLIENT, 0)).toMatchObject({ type: "authentic", username: "alice" });
  });

  test("of nobody is 401", () => {
    const verifier = createVerifier({ passwords });
    const message = request({ hash: new Uint8Array(32), realm: REALM_NAME, nonce: nonceOf(verifier) });
    expect(verifier.verify(message, CLIENT, 0)).toEqual({ type: "refused", code: 401 });
  });
});

describe("limits", () => {
  test("an address gets so many refusals, others are not affected", () => {
    const verifier = createVerifier({ refusals: { perSecond: 1, burst: 3 } });
    const types = Array.from({ length: 5 }, () => verifier.verify(bare, CLIENT, 0).type);
    expect(types).toEqual(["refused", "refused", "refused", "limited", "limited"]);
    expect(verifier.verify(bare, address("198.51.100.1:1"), 0).type).toBe("refused");
    expect(verifier.verify(bare, CLIENT, 1_000).type).toBe("refused");
    expect(verifier.counters.limited).toBe(2);
  });

  test("an address gets so many checks, and no password is looked up beyond", () => {
    let lookups = 0;
    const verifier = createVerifier({
      checks: { perSecond: 1, burst: 3 },
      passwords: {
        password: (name) => {
          lookups++;
          return PASSWORDS.get(name);
        },
      },
    });
    const message = request({ username: "alice", realm: REALM_NAME, nonce: nonceOf(verifier) });
    const types = Array.from({ length: 5 }, () => verifier.verify(message, CLIENT, 0).type);
    expect(types).toEqual(["authentic", "authentic", "authentic", "limited", "limited"]);
    expect(lookups).toBe(3);
  });

  test("ten thousand names later a user still gets in, and a changed password counts at once", () => {
    const verifier = createVerifier({
      refusals: { perSecond: 1, burst: 100_000 },
      checks: { perSecond: 1, burst: 100_000 },
    });
    const nonce = nonceOf(verifier);
    const alice = request({ username: "alice", realm: REALM_NAME, nonce });
    expect(verifier.verify(alice, CLIENT, 0).type).toBe("authentic");
    for (let i = 0; i < 10_000; i++) {
      verifier.verify(request({ username: `u${i}`, realm: REALM_NAME, nonce }), CLIENT, 0);
    }
    expect(verifier.verify(alice, CLIENT, 0).type).toBe("authentic");
    PASSWORDS.set("alice", "changed");
    expect(verifier.verify(alice, CLIENT, 0)).toEqual({ type: "refused", code: 401 });
    PASSWORDS.set("alice", "secret");
  });
});

// 3.6 times the shortest Allocate request there is: header and REQUESTED-TRANSPORT.
test.each(["n", "naru", "twenty.characters.ok"])(
  "with the realm %s a challenge has at most 100 bytes",
  (realm) => {
    expect(refusal(createVerifier({ realm }), 401).bytes.length).toBeLessThanOrEqual(28 * 3.6);
  },
);

test("a realm that would make challenges too long, or that is no text, is refused", () => {
  expect(() => createVerifier({ realm: "twenty-one.characters" })).toThrow(RangeError);
  expect(() => createVerifier({ realm: "" })).toThrow(TypeError);
  expect(() => createVerifier({ realm: "a\nb" })).toThrow(TypeError);
});

test("an unknown user costs the hashes that a known one costs", () => {
  const counts = ["alice", "mallory"].map((username) => {
    let hashes = 0;
    const counting = {
      ...nodeCrypto,
      hash: (...args: Parameters<typeof nodeCrypto.hash>) => {
        hashes++;
        return nodeCrypto.hash(...args);
      },
      createHmac: (...args: Parameters<typeof nodeCrypto.createHmac>) => {
        const hmac = nodeCrypto.createHmac(...args);
        return {
          size: hmac.size,
          compute: (...inputs: Parameters<typeof hmac.compute>) => {
            hashes++;
            hmac.compute(...inputs);
          },
        };
      },
    };
    const verifier = new LongTermVerifier(
      { crypto: counting, random: new SeededRandom("count"), log: SILENT_LOGGER },
      {
        ...DEFAULT_LONG_TERM_VERIFIER_OPTIONS,
        realm: REALM_NAME,
        passwords: { password: (name) => PASSWORDS.get(name) },
      },
    );
    const message = request({ username, password: "wrong", realm: REALM_NAME, nonce: nonceOf(verifier) });
    hashes = 0;
    verifier.verify(message, CLIENT, 0);
    verifier.verify(message, CLIENT, 0);
    return hashes;
  });
  expect(counts[0]).toBeGreaterThan(0);
  expect(counts[1]).toBe(counts[0]);
});
