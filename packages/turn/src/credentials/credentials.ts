import type { WallClockMillis } from "@naru/webrtc/sansio";

/** What one user may do less than others. */
export interface UserRestrictions {
  /** Allocations at the same time, where that is fewer than the quota. */
  readonly maxAllocations: number;
  /** As `AllocationLimits.bitrateBps`, where that is less. */
  readonly bitrateBps: number;
  /** No peers but the relayed addresses of this server: for people who only try whether relaying works. */
  readonly relaysOnly: boolean;
}

/** What is known of the user whom a request names. */
export interface TurnCredential {
  readonly password: string;
  /** Who stands behind the name: quota and revocation go by this. Several names may belong to one user. */
  readonly user: string;
  /** From then on no allocation is made with it; those that live go on. Left out for never. */
  readonly expiresAt?: WallClockMillis;
  readonly restrictions?: UserRestrictions;
}

/** Where credentials come from. Asked for every request: both answers have to be quick. */
export interface CredentialSource {
  /** The credential behind a user name, expired ones too; undefined when there is none. */
  find(username: string): TurnCredential | undefined;
  /** The user name behind a USERHASH (RFC 8489 §14.4), when every name is known beforehand. */
  usernameOf?(hash: Uint8Array): string | undefined;
}

/** Asks one source after the other; the first that knows the name decides. */
export function combineCredentials(sources: readonly CredentialSource[]): CredentialSource {
  const find = (username: string): TurnCredential | undefined => {
    for (const source of sources) {
      const credential = source.find(username);
      if (credential !== undefined) return credential;
    }
    return undefined;
  };
  // Offered only when it works for all users: a client that is told to send hashes sends nothing else.
  const hashing = sources.flatMap((source) => (source.usernameOf === undefined ? [] : [source]));
  if (hashing.length === 0 || hashing.length < sources.length) return { find };
  return {
    find,
    usernameOf(hash) {
      for (const source of hashing) {
        const username = source.usernameOf?.(hash);
        if (username !== undefined) return username;
      }
      return undefined;
    },
  };
}
