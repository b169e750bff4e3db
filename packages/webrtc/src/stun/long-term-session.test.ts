/** The long-term credential mechanism (RFC 8489 §9.2): a client against a server that the test plays. */
import { describe, expect, test } from "vitest";
import { TransportAddress, toHex } from "../bytes/index.ts";
import { nodeCrypto } from "../node/crypto.ts";
import { SILENT_LOGGER } from "../sansio/index.ts";
import { SeededRandom } from "../testing/seeded-random.ts";
import {
  decodeStunMessage,
  ERROR_CODE,
  encodeNonceCookie,
  LongTermSession,
  longTermKey,
  NONCE,
  PASSWORD_ALGORITHM,
  PASSWORD_ALGORITHMS,
  PasswordAlgorithm,
  REALM,
  StunClient,
  type StunClientEvent,
  type StunMessage,
  StunMessageBuilder,
  StunMethod,
  type TransactionOptions,
  USERHASH,
  USERNAME,
  userHash,
} from "./index.ts";

const SERVER = parse("192.0.2.1:3478");
const CREDENTIALS = { username: "user", password: "pass" };
const MD5_KEY = nodeCrypto.createHmac("sha-1", longTermKey(nodeCrypto, "user", "realm", "pass"));
const SHA256_KEY = nodeCrypto.createHmac(
  "sha-256",
  longTermKey(nodeCrypto, "user", "realm", "pass", PasswordAlgorithm.sha256),
);
const COOKIE = encodeNonceCookie({ passwordAlgorithms: true, usernameAnonymity: false });
const OFFER = [PasswordAlgorithm.sha256, PasswordAlgorithm.md5].map(bare);

type Fill = (builder: StunMessageBuilder) => unknown;

/** A client and the requests it sent, with the test as its server. */
class Bench {
  readonly client: StunClient;
  readonly requests: StunMessage[] = [];
  now = 0;

  constructor(transaction: Partial<TransactionOptions> = {}) {
    const environment = { crypto: nodeCrypto, random: new SeededRandom("session"), log: SILENT_LOGGER };
    this.client = new StunClient(environment, {
      server: SERVER,
      socket: 1,
      credentials: CREDENTIALS,
      transaction,
    });
  }

  /** Sends a request; returns it as the server sees it. */
  request(): StunMessage {
    this.client.request({ method: StunMethod.allocate }, this.now);
    return this.last();
  }

  /** The request that was sent last. */
  last(): StunMessage {
    for (let next = this.client.pollTransmit(); next !== undefined; next = this.client.pollTransmit()) {
      this.requests.push(decodeStunMessage(next.bytes));
    }
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error("no request was sent");
    return request;
  }

  refuse(request: StunMessage, code: number, fill: Fill = () => undefined): void {
    this.#answer(request, "error", (builder) => fill(builder.add(ERROR_CODE, { code, reason: "" })));
  }

  succeed(request: StunMessage, fill: Fill): void {
    this.#answer(request, "success", fill);
  }

  /** 401 with realm and nonce, and what else is given. */
  challenge(request: StunMessage, nonce = "nonce1", fill: Fill = () => undefined): StunMessage {
    this.refuse(request, 401, (b) => fill(b.add(REALM, "realm").add(NONCE, nonce)));
    return this.last();
  }

  events(): StunClientEvent[] {
    const events: StunClientEvent[] = [];
    for (let next = this.client.pollEvent(); next !== undefined; next = this.client.pollEvent())
      events.push(next);
    return events;
  }

  #answer(request: StunMessage, messageClass: "success" | "error", fill: Fill): void {
    const builder = new StunMessageBuilder().start(messageClass, request.method, request.transactionId);
    fill(builder);
    this.client.handleInput({ bytes: builder.finish().slice(), from: SERVER, socket: 1 }, this.now);
  }
}

describe("after a 401", () => {
  // → Allocate   ← 401 realm, nonce   → Allocate USERNAME, REALM, NONCE, MESSAGE-INTEGRITY   ← success
  test("the request is sent again in a new transaction, with credentials", () => {
    const bench = new Bench();
    const first = bench.request();
    const second = bench.challenge(first);
    expect(bench.requests).toHaveLength(2);
    expect(toHex(second.transactionId)).not.toBe(toHex(first.transactionId));
    expect([second.get(USERNAME), second.get(REALM), second.get(NONCE)]).toEqual(["user", "realm", "nonce1"]);
    expect([second.checkIntegrity(MD5_KEY), second.checkFingerprint()]).toEqual(["valid", "valid"]);
    expect([second.has(PASSWORD_ALGORITHMS), second.has(PASSWORD_ALGORITHM), second.has(USERHASH)]).toEqual([
      false,
      false,
      false,
    ]);
    bench.succeed(second, (b) => b.addIntegrity(MD5_KEY));
    expect(bench.events()).toMatchObject([{ type: "success", id: 1 }]);
  });

  test("the next request carries credentials from the start", () => {
    const bench = new Bench();
    bench.succeed(bench.challenge(bench.request()), (b) => b.addIntegrity(MD5_KEY));
    expect(bench.request().checkIntegrity(MD5_KEY)).toBe("valid");
  });

  test("a second 401 for the same realm is a refusal: the password is wrong", () => {
    const bench = new Bench();
    bench.challenge(bench.challenge(bench.request()), "nonce2");
    expect(bench.requests).toHaveLength(2);
    expect(bench.events()).toMatchObject([{ type: "refused", error: { code: 401 } }]);
  });

  test("ever new realms come to an end", () => {
    const bench = new Bench();
    let request = bench.request();
    for (let i = 0; i < 10; i++) {
      bench.refuse(request, 401, (b) => b.add(REALM, `realm${i}`).add(NONCE, "n"));
      request = bench.last();
    }
    expect(bench.requests).toHaveLength(4);
    expect(bench.events()).toMatchObject([{ type: "refused" }]);
  });

  test.each<[string, Fill]>([
    ["no nonce", (b) => b.add(REALM, "realm")],
    ["no realm", (b) => b.add(NONCE, "nonce")],
    ["an empty realm", (b) => b.add(REALM, "").add(NONCE, "nonce")],
    ["a realm with control characters", (b) => b.add(REALM, "re\u0000alm").add(NONCE, "nonce")],
  ])("with %s the request is refused", (_name, fill) => {
    const bench = new Bench();
    bench.refuse(bench.request(), 401, fill);
    expect(bench.requests).toHaveLength(1);
    bench.last();
    expect(bench.requests).toHaveLength(1);
    expect(bench.events()).toMatchObject([{ type: "refused", error: { code: 401 } }]);
  });

  test("the longest realm and nonce are sent back whole", () => {
    const bench = new Bench();
    const [realm, nonce] = ["r".repeat(763), "n".repeat(763)];
    bench.refuse(bench.request(), 401, (b) => b.add(REALM, realm).add(NONCE, nonce));
    expect([bench.last().get(REALM), bench.last().get(NONCE)]).toEqual([realm, nonce]);
  });
});

describe("after a 438", () => {
  test("the request is sent again with the new nonce and nothing else changed", () => {
    const bench = new Bench();
    const request = bench.challenge(bench.request());
    bench.refuse(request, 438, (b) => b.add(REALM, "realm").add(NONCE, "nonce2"));
    const again = bench.last();
    expect([again.get(NONCE), again.get(REALM), again.get(USERNAME)]).toEqual(["nonce2", "realm", "user"]);
    expect(again.checkIntegrity(MD5_KEY)).toBe("valid");
  });

  test("a server that always finds the nonce stale is given up", () => {
    const bench = new Bench();
    let request = bench.challenge(bench.request());
    for (let i = 0; i < 10; i++) {
      bench.refuse(request, 438, (b) => b.add(REALM, "realm").add(NONCE, `stale${i}`));
      request = bench.last();
    }
    expect(bench.requests).toHaveLength(4);
    expect(bench.events()).toMatchObject([{ type: "refused", error: { code: 438 } }]);
  });

  test("requests that were under way together share what the first one learnt", () => {
    const bench = new Bench();
    bench.succeed(bench.challenge(bench.request()), (b) => b.addIntegrity(MD5_KEY));
    const [one, two] = [bench.request(), bench.request()];
    bench.refuse(one, 438, (b) => b.add(REALM, "realm").add(NONCE, "nonce2"));
    expect(bench.last().get(NONCE)).toBe("nonce2");
    bench.refuse(two, 438, (b) => b.add(REALM, "realm").add(NONCE, "nonce3"));
    // The second nonce is not taken: the first has not been tried yet.
    expect(bench.last().get(NONCE)).toBe("nonce2");
  });

  test.each<[string, Fill]>([
    ["before any challenge", (b) => b.add(REALM, "realm").add(NONCE, "nonce")],
    ["without a nonce", (b) => b.add(REALM, "realm")],
  ])("%s there is nothing to send again", (_name, fill) => {
    const bench = new Bench();
    bench.refuse(bench.request(), 438, fill);
    expect(bench.events()).toMatchObject([{ type: "refused", error: { code: 438 } }]);
  });

  test("another realm is not taken from it: it is not authenticated", () => {
    const bench = new Bench();
    bench.refuse(bench.challenge(bench.request()), 438, (b) => b.add(REALM, "evil").add(NONCE, "nonce2"));
    expect(bench.events()).toMatchObject([{ type: "refused", error: { code: 438 } }]);
  });
});

describe("PASSWORD-ALGORITHMS", () => {
  test("the first that is known is used with SHA-256, and the list goes back as it came", () => {
    const bench = new Bench();
    const offer = [bare(0x7777), ...OFFER];
    const request = bench.challenge(bench.request(), `${COOKIE}n`, (b) => b.add(PASSWORD_ALGORITHMS, offer));
    expect(request.get(PASSWORD_ALGORITHMS)).toEqual(offer);
    expect(request.get(PASSWORD_ALGORITHM)).toEqual(bare(PasswordAlgorithm.sha256));
    expect([request.checkIntegrity(SHA256_KEY), request.checkIntegrity(MD5_KEY)]).toEqual([
      "valid",
      "absent",
    ]);
    bench.succeed(request, (b) => b.addIntegrity(SHA256_KEY));
    expect(bench.events()).toMatchObject([{ type: "success" }]);
  });

  test("with MD5 first the key is MD5's and the MAC still SHA-256", () => {
    const bench = new Bench();
    const offer = [bare(PasswordAlgorithm.md5)];
    const request = bench.challenge(bench.request(), `${COOKIE}n`, (b) => b.add(PASSWORD_ALGORITHMS, offer));
    const key = nodeCrypto.createHmac("sha-256", longTermKey(nodeCrypto, "user", "realm", "pass"));
    expect(request.checkIntegrity(key)).toBe("valid");
  });

  test("with no known one there is no retry", () => {
    const bench = new Bench();
    bench.challenge(bench.request(), `${COOKIE}n`, (b) => b.add(PASSWORD_ALGORITHMS, [bare(0x7777)]));
    expect(bench.requests).toHaveLength(1);
    expect(bench.events()).toMatchObject([{ type: "refused" }]);
  });

  test("announced by the nonce and missing, there is no retry: somebody took it away", () => {
    const bench = new Bench();
    bench.challenge(bench.request(), `${COOKIE}n`);
    expect(bench.requests).toHaveLength(1);
    expect(bench.events()).toMatchObject([{ type: "refused" }]);
  });

  test.each([401, 438])("once offered, a %d without it is no way down to MD5", (code) => {
    const bench = new Bench();
    const request = bench.challenge(bench.request(), `${COOKIE}n`, (b) => b.add(PASSWORD_ALGORITHMS, OFFER));
    bench.refuse(request, code, (b) => b.add(REALM, "realm2").add(NONCE, "plain"));
    expect(bench.last()).toBe(request);
    expect(bench.events()).toMatchObject([{ type: "refused", error: { code } }]);
  });

  test("announced by an ordinary answer and missing, the answer is as if it had never come", () => {
    const bench = new Bench();
    const request = bench.challenge(bench.request(), `${COOKIE}n`, (b) => b.add(PASSWORD_ALGORITHMS, OFFER));
    bench.succeed(request, (b) => b.add(NONCE, `${COOKIE}m`).addIntegrity(SHA256_KEY));
    expect(bench.events()).toEqual([]);
  });

  test("a list too long to be sent back is no list", () => {
    const bench = new Bench();
    const offer = [...OFFER, { algorithm: 3, parameters: new Uint8Array(1000) }];
    bench.challenge(bench.request(), `${COOKIE}n`, (b) => b.add(PASSWORD_ALGORITHMS, offer));
    expect(bench.events()).toMatchObject([{ type: "refused" }]);
  });
});

test("USERHASH stands for the name when the nonce asks for it", () => {
  const bench = new Bench();
  const nonce = `${encodeNonceCookie({ passwordAlgorithms: false, usernameAnonymity: true })}n`;
  const request = bench.challenge(bench.request(), nonce);
  expect(request.has(USERNAME)).toBe(false);
  expect(request.get(USERHASH)).toEqual(userHash(nodeCrypto, "user", "realm"));
  expect(request.checkIntegrity(MD5_KEY)).toBe("valid");
});

describe("an answer that is not authentic", () => {
  const WRONG_KEY = nodeCrypto.createHmac("sha-1", new Uint8Array(16));
  const forgeries: [string, (bench: Bench, request: StunMessage) => void][] = [
    ["without integrity", (bench, request) => bench.succeed(request, () => undefined)],
    ["with another key", (bench, request) => bench.succeed(request, (b) => b.addIntegrity(WRONG_KEY))],
    ["that is a 400", (bench, request) => bench.refuse(request, 400)],
    ["that is a 500", (bench, request) => bench.refuse(request, 500)],
  ];

  test.each(forgeries)("%s is as if it had never come, over UDP", (_name, forge) => {
    const bench = new Bench();
    const request = bench.challenge(bench.request());
    forge(bench, request);
    expect(bench.events()).toEqual([]);
    bench.client.handleTimeout(500);
    expect(toHex(bench.last().transactionId)).toBe(toHex(request.transactionId));
    bench.succeed(request, (b) => b.addIntegrity(MD5_KEY));
    expect(bench.events()).toMatchObject([{ type: "success" }]);
  });

  test.each(forgeries)("%s is why the request failed, when no other came", (_name, forge) => {
    const bench = new Bench();
    forge(bench, bench.challenge(bench.request()));
    for (let now = bench.client.pollTimeout(); now < 1e6; now = bench.client.pollTimeout()) {
      bench.client.handleTimeout(now);
    }
    expect(bench.events()).toMatchObject([{ type: "failure", reason: "integrity" }]);
  });

  test.each(forgeries)("%s ends the request at once over TCP", (_name, forge) => {
    const bench = new Bench({ reliable: true });
    forge(bench, bench.challenge(bench.request()));
    expect(bench.events()).toMatchObject([{ type: "failure", reason: "integrity" }]);
  });
});

test.each([
  ["an empty name", { username: "", password: "p" }, TypeError],
  ["a password with control characters", { username: "u", password: "p\n" }, TypeError],
  ["a name longer than USERNAME can be", { username: "u".repeat(509), password: "p" }, RangeError],
])("%s is refused when the session is made", (_name, credentials, error) => {
  expect(() => new LongTermSession(nodeCrypto, credentials)).toThrow(error);
});

function bare(algorithm: number): { algorithm: number; parameters: Uint8Array } {
  return { algorithm, parameters: new Uint8Array(0) };
}

function parse(text: string): TransportAddress {
  const address = TransportAddress.parse(text);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  return address;
}
