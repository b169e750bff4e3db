import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import type { ParticipantRole } from "../protocol/index.ts";
import type { TokenAnswer } from "../room/registry-types.ts";
import { parseName } from "../validate/names.ts";

/** RFC 7518 §3.2: a key of the size of the hash output or larger must be used with HS256. */
export const MIN_SECRET_BYTES = 32;

/** Clocks of the issuer and the server may differ by this much. */
const CLOCK_TOLERANCE_S = 5;

/** What a join token allows. */
export interface JoinTokenClaims {
  /** The only room it is good for. */
  readonly room: string;
  /** Name the participant will have; without it, the one the client gives. */
  readonly name?: string;
  /**
   * `host` makes a host and passes the lobby; `guest` never becomes a host but by a host. Without it, the room
   * decides: the first one in is host.
   */
  readonly role?: ParticipantRole;
  /** Whom it is for, in the operator's terms: a participant who is removed stays out of the room by it. */
  readonly subject?: string;
}

/** How long a token is good for joining; a session once joined lasts beyond it. */
export interface JoinTokenLifetime {
  /** Seconds from now. An hour by default: long enough to open an invitation, short enough to leak little. */
  readonly expiresInSeconds?: number;
  /** Now, in milliseconds since 1970, for tests. */
  readonly wallClock?: number;
}

/**
 * Makes a join token: a JWT (RFC 7519) signed with HS256.
 *
 * @param secret - The operator's secret, at least 32 bytes; text counts as UTF-8.
 * @throws {RangeError} when the secret is too short or the lifetime is not positive.
 * @throws {TypeError} when the room or the name is not acceptable to the server.
 *
 * @example
 * const token = await createJoinToken(secret, { room: "brave-otter-42", name: "Mina", role: "host" });
 */
export async function createJoinToken(
  secret: string | Uint8Array,
  claims: JoinTokenClaims,
  lifetime: JoinTokenLifetime = {},
): Promise<string> {
  const { expiresInSeconds = 3_600, wallClock = Date.now() } = lifetime;
  if (!(expiresInSeconds > 0)) {
    throw new RangeError(`a join token lives for a positive number of seconds, got ${expiresInSeconds}`);
  }
  const room = parseName(claims.room);
  if (room === undefined) throw new TypeError("a room name has 1 to 64 visible characters");
  const payload: JWTPayload & { name?: string; role?: ParticipantRole } = { room };
  if (claims.name !== undefined) {
    const name = parseName(claims.name);
    if (name === undefined) throw new TypeError("a participant's name has 1 to 64 visible characters");
    payload.name = name;
  }
  if (claims.role !== undefined) payload.role = claims.role;
  if (claims.subject !== undefined) payload.sub = claims.subject;
  const issuedAt = Math.floor(wallClock / 1_000);
  return await new SignJWT(payload)
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.ceil(expiresInSeconds))
    .sign(keyOf(secret));
}

/** Verifies join tokens made with one secret. */
export class JoinTokenVerifier {
  readonly #key: Uint8Array;

  /** @throws {RangeError} when the secret is shorter than 32 bytes. */
  constructor(secret: string | Uint8Array) {
    this.#key = keyOf(secret);
  }

  /** Whether `token` lets its bearer into `room` at `wallClock` (milliseconds since 1970). Never rejects. */
  async verify(token: string, room: string, wallClock: number): Promise<TokenAnswer> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        // RFC 8725 §3.1: the algorithm is the server's choice; `none` and all others are refused.
        algorithms: ["HS256"],
        requiredClaims: ["exp", "room"],
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(wallClock),
      });
      return answerFor(payload, room);
    } catch (error) {
      return { isValid: false, reason: reasonFor(error) };
    }
  }
}

function answerFor(payload: JWTPayload, room: string): TokenAnswer {
  const { room: allowed, name, role, sub } = payload;
  if (typeof allowed !== "string" || parseName(allowed) !== room) {
    return { isValid: false, reason: "the token is for another room" };
  }
  const visibleName = typeof name === "string" ? parseName(name) : undefined;
  if (name !== undefined && visibleName === undefined) {
    return { isValid: false, reason: "the token's name is not acceptable" };
  }
  if (role !== undefined && role !== "host" && role !== "guest") {
    return { isValid: false, reason: "the token's role is neither host nor guest" };
  }
  // RFC 7519 §4.1.2: a string. Other issuers have been seen to put a number here, and the library lets it pass.
  if (sub !== undefined && (typeof sub !== "string" || sub.length > 256)) {
    return { isValid: false, reason: "the token's subject is no text of at most 256 characters" };
  }
  return {
    isValid: true,
    ...(visibleName === undefined ? {} : { name: visibleName }),
    ...(role === undefined ? {} : { role }),
    ...(sub === undefined ? {} : { subject: sub }),
  };
}

function reasonFor(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "the token has expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `the token's claim ${error.claim} is missing or not valid`;
  }
  return "the token is not one of this server's";
}

function keyOf(secret: string | Uint8Array): Uint8Array {
  const key = typeof secret === "string" ? new TextEncoder().encode(secret) : Uint8Array.from(secret);
  if (key.length < MIN_SECRET_BYTES) {
    throw new RangeError(
      `a token secret needs at least ${MIN_SECRET_BYTES} bytes, got ${key.length}; make one with: openssl rand -base64 32`,
    );
  }
  return key;
}
