import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createParticipantId, createSessionSecret, equalHashes, parseSession } from "./secrets.ts";

let filled = 0;
const random = {
  fill<T extends Uint8Array>(target: T): T {
    filled += target.length;
    target.fill(filled);
    return target;
  },
};
const crypto = {
  sha256: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest()),
};

describe("session secrets", () => {
  it("have 256 random bits, and only their hash is kept", () => {
    filled = 0;
    const { session, hash } = createSessionSecret("0011223344556677", random, crypto);
    expect(filled).toBe(32);
    const secret = session.slice(17);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(hash).toBe(createHash("sha256").update(secret).digest("hex"));
  });

  it("are read back as id and hash", () => {
    const id = createParticipantId(random);
    const { session, hash } = createSessionSecret(id, random, crypto);
    expect(parseSession(session, crypto)).toEqual({ id, hash });
  });

  it("are refused in every other shape", () => {
    const { session } = createSessionSecret("0011223344556677", random, crypto);
    for (const bad of [
      "",
      ".",
      "x",
      session.slice(1),
      `${session}0`,
      `${session.slice(0, -1)}G`,
      "__proto__.x",
    ]) {
      expect(parseSession(bad, crypto)).toBeUndefined();
    }
  });

  it("compare equal only when every character is", () => {
    expect(equalHashes("abcd", "abcd")).toBe(true);
    expect(equalHashes("abcd", "abce")).toBe(false);
    expect(equalHashes("abcd", "bbcd")).toBe(false);
    expect(equalHashes("abcd", "abc")).toBe(false);
  });
});
