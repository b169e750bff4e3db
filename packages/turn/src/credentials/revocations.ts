import type { WallClockMillis } from "@naru/webrtc/sansio";

/** Users in each of two generations: far more than leave within the life of a credential. */
const GENERATION = 65_536;

/**
 * Who was revoked, for as long as a credential of his may still be good. A time-limited credential cannot be taken back;
 * this keeps it from being used again.
 */
export class Revocations {
  readonly #lifetimeMs: number;
  #young = new Map<string, WallClockMillis>();
  #old = new Map<string, WallClockMillis>();

  /** @param lifetimeMs - How long credentials are good at the most: what is older is forgotten. */
  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  add(user: string, now: WallClockMillis): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(user, now);
  }

  /** Lets a user in again, with the credentials he has and those he will get. */
  remove(user: string): void {
    this.#young.delete(user);
    this.#old.delete(user);
  }

  has(user: string, now: WallClockMillis): boolean {
    const revokedAt = this.#young.get(user) ?? this.#old.get(user);
    return revokedAt !== undefined && now - revokedAt < this.#lifetimeMs;
  }
}
