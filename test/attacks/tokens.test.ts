import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { PROTOCOL_VERSION } from "@naru/signaling/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestServer } from "../support/server.ts";
import { SignalingPeer } from "../support/signaling-peer.ts";

const SECRET = "a secret of this test, longer than thirty-two bytes";
const ROOM = "guarded";

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    flags: { "auth.required": true, "limits.joins-per-minute": 100_000 },
    environment: { NARU_AUTH_SECRET: SECRET },
  });
});

afterAll(async () => {
  await server?.close();
});

const now: number = Math.floor(Date.now() / 1_000);
const VALID = { room: ROOM, iat: now, exp: now + 3_600 };

function base64url(data: string | Uint8Array): string {
  return Buffer.from(data).toString("base64url");
}

/** A token as an attacker builds it: any header, any claims, any key. */
function token(claims: object, header: object = { alg: "HS256", typ: "JWT" }, secret = SECRET): string {
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

async function tryToken(value: string | undefined, room = ROOM): Promise<string> {
  const peer = await SignalingPeer.connect(server.signalingUrl);
  const more = value === undefined ? {} : { token: value };
  peer.send({ type: "join", version: PROTOCOL_VERSION, room, name: "Mallory", ...more });
  const joined = await peer.next("joined", undefined, 5_000).catch(() => undefined);
  const outcome = joined === undefined ? (peer.closed?.reason ?? "silence") : "joined";
  peer.terminate();
  return outcome;
}

test("a good token opens its room, and no other", async () => {
  expect(await tryToken(token(VALID))).toBe("joined");
  expect(await tryToken(token(VALID), "another")).toBe("TOKEN_INVALID");
});

describe("refused", () => {
  const good = token(VALID);
  const [head = "", body = "", signature = ""] = good.split(".");
  const none = base64url('{"alg":"none"}');
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const rsaHead = `${base64url('{"alg":"RS256"}')}.${body}`;
  const publicPem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const tokens: Readonly<Record<string, string | undefined>> = {
    "no token": undefined,
    "an empty token": "",
    "no token at all, but text": "let me in",
    "signed with another secret": token(
      VALID,
      undefined,
      "another secret, also longer than thirty-two bytes",
    ),
    "signed with an empty secret": token(VALID, undefined, ""),
    expired: token({ ...VALID, exp: now - 60 }),
    "without an end": token({ room: ROOM, iat: now }),
    "with an end that is text": token({ ...VALID, exp: "never" }),
    "not valid yet": token({ ...VALID, nbf: now + 600 }),
    "without a room": token({ iat: now, exp: now + 60 }),
    "for a list of rooms": token({ ...VALID, room: [ROOM] }),
    "for any room": token({ ...VALID, room: "*" }),
    "alg none, no signature": `${none}.${body}.`,
    "alg none, with the signature": `${none}.${body}.${signature}`,
    "alg None, spelled otherwise": `${base64url('{"alg":"NoNe"}')}.${body}.`,
    "alg RS256 with a key of its own": `${rsaHead}.${sign("sha256", Buffer.from(rsaHead), privateKey).toString("base64url")}`,
    "a public key used as the secret": token(VALID, undefined, publicPem),
    "a key in the header": token(
      VALID,
      { alg: "HS256", jwk: { kty: "oct", k: base64url("x".repeat(32)) } },
      "x".repeat(32),
    ),
    "a critical extension nobody knows": token(VALID, { alg: "HS256", crit: ["b64"], b64: false }),
    "the signature cut off": `${head}.${body}`,
    "the signature empty": `${head}.${body}.`,
    "the signature changed": `${head}.${body}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`,
    "claims changed under the signature": `${head}.${base64url(JSON.stringify({ ...VALID, role: "host" }))}.${signature}`,
    "four parts": `${good}.${signature}`,
    "sixty thousand dots": ".".repeat(60_000),
    "very long": "a".repeat(200_000),
  };
  test.each(Object.entries(tokens))("%s", async (_name, value) => {
    expect(await tryToken(value)).toMatch(/^(TOKEN_INVALID|BAD_MESSAGE)$/);
  });
});

test("a guest's token does not make a host, not even of an empty room", async () => {
  const { peer, joined } = await SignalingPeer.join(server.signalingUrl, ROOM, "Guest", {
    token: token({ ...VALID, role: "guest" }),
  });
  expect(joined.participants.find(({ id }) => id === joined.self)?.role).toBe("guest");
  peer.close();
});

test("neither the secret nor a token appears in the log", async () => {
  const value = token(VALID);
  expect(await tryToken(value)).toBe("joined");
  expect(await tryToken(`${value}x`)).toBe("TOKEN_INVALID");
  expect(server.output).not.toContain(SECRET);
  expect(server.output).not.toContain(value);
});
