import { SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { createJoinToken, JoinTokenVerifier } from "./join-token.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const OTHER = "another secret of more than 32 bytes!";
const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1_000;
const verifier = new JoinTokenVerifier(SECRET);

function verify(token: string, room = "otter"): ReturnType<JoinTokenVerifier["verify"]> {
  return verifier.verify(token, room, NOW);
}

function sign(claims: Record<string, unknown>, secret = SECRET, alg = "HS256"): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}

describe("join tokens", () => {
  it("let their bearer into their room, with what they grant", async () => {
    const token = await createJoinToken(
      SECRET,
      { room: "otter", name: "Mina", role: "host", subject: "user-7" },
      { wallClock: NOW },
    );
    expect(await verify(token)).toEqual({ isValid: true, name: "Mina", role: "host", subject: "user-7" });
    const plain = await createJoinToken(SECRET, { room: "otter" }, { wallClock: NOW });
    expect(await verify(plain)).toEqual({ isValid: true });
  });

  it("are refused when they say too little, the wrong thing, or nothing that was signed", async () => {
    const exp = SECONDS + 60;
    const good = await sign({ room: "otter", exp });
    expect((await verify(good)).isValid).toBe(true);
    const [header, , signature] = good.split(".");
    const forged = `${header}.${btoa(JSON.stringify({ room: "otter", exp, role: "host" }))}.${signature}`;
    const bad: Record<string, string> = {
      "another secret": await sign({ room: "otter", exp }, OTHER),
      "another algorithm": await sign(
        { room: "otter", exp },
        "0123456789abcdef0123456789abcdef0123456789abcdef",
        "HS384",
      ),
      "another algorithm, the same secret": await sign({ room: "otter", exp }, SECRET.repeat(2), "HS512"),
      none: new UnsecuredJWT({ room: "otter", exp }).encode(),
      forged,
      expired: await sign({ room: "otter", exp: SECONDS - 6 }),
      "not yet valid": await sign({ room: "otter", exp, nbf: SECONDS + 30 }),
      "without end": await sign({ room: "otter" }),
      "without room": await sign({ exp }),
      "another room": await sign({ room: "badger", exp }),
      "many rooms": await sign({ room: ["otter"], exp }),
      "a bad name": await sign({ room: "otter", exp, name: "a\u202eb" }),
      "a name that is none": await sign({ room: "otter", exp, name: 5 }),
      "a bad role": await sign({ room: "otter", exp, role: "admin" }),
      "a bad subject": await sign({ room: "otter", exp, sub: "x".repeat(300) }),
      "a subject that is a number": await sign({ room: "otter", exp, sub: 7 }),
      empty: "",
      nonsense: "a.b.c",
      "dots only": ".".repeat(10_000),
    };
    for (const [what, token] of Object.entries(bad)) {
      expect([what, (await verify(token)).isValid]).toEqual([what, false]);
    }
  });

  it("say why they are refused without repeating what is in them", async () => {
    expect(await verify(await sign({ room: "otter", exp: SECONDS - 60 }))).toEqual({
      isValid: false,
      reason: "the token has expired",
    });
    const other = await verify(await sign({ room: "secret-room", exp: SECONDS + 60 }));
    expect(JSON.stringify(other)).not.toContain("secret-room");
  });

  it("are not made from weak secrets, without life, or for impossible rooms", async () => {
    await expect(createJoinToken("short", { room: "r" })).rejects.toThrow(RangeError);
    await expect(createJoinToken(SECRET, { room: "r" }, { expiresInSeconds: 0 })).rejects.toThrow(RangeError);
    await expect(createJoinToken(SECRET, { room: "\u0000" })).rejects.toThrow(TypeError);
    expect(() => new JoinTokenVerifier("short")).toThrow(/32 bytes/);
  });
});
