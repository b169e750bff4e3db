import type { Millis, WallClockMillis } from "@naru/webrtc/sansio";
import type { PasswordSource } from "@naru/webrtc/stun";
import type { CredentialSource, TurnCredential } from "./credentials.ts";
import { Revocations } from "./revocations.ts";

/** Who may use the server now: the credentials, the calendar by which they expire, and who was revoked. */
export class Users {
  /** For authentication: expired credentials still prove who somebody is. */
  readonly passwords: PasswordSource;
  readonly #source: CredentialSource;
  readonly #revocations: Revocations;
  /** Wall clock less monotonic clock, as it was last told. */
  #wallClockOffset: number;

  /** @param maxLifetimeMs - How long a revocation is remembered: as long as a credential may be good. */
  constructor(source: CredentialSource, maxLifetimeMs: number, wallClock: WallClockMillis, now: Millis) {
    this.#source = source;
    this.#revocations = new Revocations(maxLifetimeMs);
    this.#wallClockOffset = wallClock - now;
    const usernameOf = source.usernameOf?.bind(source);
    this.passwords = {
      password: (username) => source.find(username)?.password,
      ...(usernameOf && { usernameOf }),
    };
  }

  setWallClock(wallClock: WallClockMillis, now: Millis): void {
    this.#wallClockOffset = wallClock - now;
  }

  /** The credential behind a user name that may make something new; undefined when it has expired or was revoked. */
  admit(username: string, now: Millis): TurnCredential | undefined {
    const wallClock = now + this.#wallClockOffset;
    const credential = this.#source.find(username);
    const isExpired = credential?.expiresAt !== undefined && credential.expiresAt <= wallClock;
    if (credential === undefined || isExpired) return undefined;
    return this.#revocations.has(credential.user, wallClock) ? undefined : credential;
  }

  revoke(user: string, now: Millis): void {
    this.#revocations.add(user, now + this.#wallClockOffset);
  }

  reinstate(user: string): void {
    this.#revocations.remove(user);
  }
}
