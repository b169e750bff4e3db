import { createHmac } from "node:crypto";
import { nodeCrypto } from "@naru/webrtc/node";
import { userHash } from "@naru/webrtc/stun";
import { describe, expect, test } from "vitest";
import { combineCredentials } from "./credentials.ts";
import { Revocations } from "./revocations.ts";
import { SharedSecret } from "./shared-secret.ts";
import { createStaticUsers } from "./static-users.ts";

const SECRET = "north wind and south wind";

describe("time-limited credentials", () => {
  const secret = new SharedSecret(nodeCrypto, SECRET);

  test("are what other servers with the same secret expect", () => {
    const { username, credential, expiresAt } = secret.issue("alice", 1_700_000_000_500);
    expect(username).toBe("1700000000:alice");
    expect(credential).toBe(createHmac("sha1", SECRET).update(username).digest("base64"));
    expect(expiresAt).toBe(1_700_000_000_000);
  });

  test.each([
    ["1700000000:alice", "alice"],
    ["1700000000:room:alice", "room:alice"],
    ["1700000000", "1700000000"],
    ["1700000000:", ""],
  ])("%s belongs to %j", (username, user) => {
    expect(secret.find(username)).toEqual({
      password: createHmac("sha1", SECRET).update(username).digest("base64"),
      user,
      expiresAt: 1_700_000_000_000,
    });
  });

  test.each([
    "alice",
    "",
    "alice:1700000000",
    "-1:alice",
    "1e9:alice",
    "1700000000 :alice",
    "17000000000000:a",
  ])("%j is not one", (username) => {
    expect(secret.find(username)).toBeUndefined();
  });

  test("need a secret that cannot be guessed, and a user", () => {
    expect(() => new SharedSecret(nodeCrypto, "short")).toThrow(RangeError);
    expect(() => secret.issue("", 0)).toThrow(TypeError);
    expect(() => secret.issue("a\nb", 0)).toThrow(TypeError);
    expect(() => secret.issue("x".repeat(600), 0)).toThrow(RangeError);
  });

  test.each([1, 2, 3, 20, 31, 32, 33])("a MAC of any length is right in base64, %s", (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 37);
    const fixed = {
      ...nodeCrypto,
      createHmac: () => ({
        size: length,
        compute: (_b: Uint8Array, _s: number, _e: number, target: Uint8Array, offset: number) =>
          target.set(bytes, offset),
      }),
    };
    expect(new SharedSecret(fixed, SECRET).issue("a", 0).credential).toBe(
      Buffer.from(bytes).toString("base64"),
    );
  });
});

describe("static users", () => {
  const users = createStaticUsers(nodeCrypto, "naru", { alice: "secret", 한글: "비밀번호" });

  test("are found by name and by hash, and nobody else is", () => {
    expect(users.find("alice")).toEqual({ password: "secret", user: "alice" });
    expect(users.find("한글")?.password).toBe("비밀번호");
    expect(users.usernameOf?.(userHash(nodeCrypto, "한글", "naru"))).toBe("한글");
    expect(users.usernameOf?.(userHash(nodeCrypto, "alice", "other"))).toBeUndefined();
    for (const name of ["mallory", "__proto__", "constructor", "toString"])
      expect(users.find(name)).toBeUndefined();
  });

  test("need names and passwords", () => {
    expect(() => createStaticUsers(nodeCrypto, "naru", { "": "x" })).toThrow(TypeError);
    expect(() => createStaticUsers(nodeCrypto, "naru", { x: "" })).toThrow(TypeError);
  });
});

describe("several sources", () => {
  const users = createStaticUsers(nodeCrypto, "naru", { alice: "secret" });
  const secret = new SharedSecret(nodeCrypto, SECRET);

  test("are asked in their order", () => {
    const both = combineCredentials([users, secret]);
    expect(both.find("alice")?.password).toBe("secret");
    expect(both.find("1700000000:bob")?.user).toBe("bob");
    expect(both.find("bob")).toBeUndefined();
  });

  test("offer hashes of names when all of them know theirs, and only then", () => {
    expect(combineCredentials([users]).usernameOf?.(userHash(nodeCrypto, "alice", "naru"))).toBe("alice");
    expect(combineCredentials([users, secret]).usernameOf).toBeUndefined();
    expect(combineCredentials([]).usernameOf).toBeUndefined();
  });
});

describe("revocations", () => {
  test("are kept as long as a credential may be good", () => {
    const revocations = new Revocations(1000);
    revocations.add("alice", 5000);
    expect([5000, 5999, 6000].map((now) => revocations.has("alice", now))).toEqual([true, true, false]);
    revocations.remove("alice");
    expect(revocations.has("alice", 5000)).toBe(false);
  });

  test("take bounded memory, the oldest being forgotten first", () => {
    const revocations = new Revocations(1e9);
    for (let i = 0; i < 200_000; i++) revocations.add(`u${i}`, 0);
    expect(revocations.has("u199999", 1)).toBe(true);
    expect(revocations.has("u134500", 1)).toBe(true);
    expect(revocations.has("u0", 1)).toBe(false);
  });
});
