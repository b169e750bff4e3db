import { type RandomSource, randomBytes } from "../sansio/index.ts";

/** How one side proves to the other that it is meant (RFC 8445 §5.3). */
export interface IceParameters {
  /** 4 to 256 characters of `A–Z a–z 0–9 + /`. */
  readonly usernameFragment: string;
  /** 22 to 256 characters of the same. */
  readonly password: string;
}

/** What the other side says about itself. */
export interface RemoteIceParameters extends IceParameters {
  /** It only answers (RFC 8445 §2.5). */
  readonly isLite?: boolean;
  /** It said `renomination` in its ICE options (draft-thatcher-ice-renomination §3). */
  readonly supportsRenomination?: boolean;
}

const ICE_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** RFC 8445 §5.3 wants 24 bits; 48 keep the fragments of all agents behind one socket apart. */
const UFRAG_LENGTH = 8;
/** RFC 8445 §5.3 wants 128 bits; these are 144. */
const PASSWORD_LENGTH = 24;

/** Fresh ones. */
export function createIceParameters(random: RandomSource): IceParameters {
  return {
    usernameFragment: randomText(random, UFRAG_LENGTH),
    password: randomText(random, PASSWORD_LENGTH),
  };
}

/**
 * Refuses what cannot be ICE parameters.
 *
 * @throws {RangeError} that says which one and what it should be, without the value: it is a secret.
 */
export function checkIceParameters({ usernameFragment, password }: IceParameters): void {
  if (!/^[A-Za-z0-9+/]{4,256}$/.test(usernameFragment)) {
    throw new RangeError("a usernameFragment has 4 to 256 characters of A-Z a-z 0-9 + / (RFC 8839 §5.4)");
  }
  if (!/^[A-Za-z0-9+/]{22,256}$/.test(password)) {
    throw new RangeError("a password has 22 to 256 characters of A-Z a-z 0-9 + / (RFC 8839 §5.4)");
  }
}

function randomText(random: RandomSource, length: number): string {
  // 256 is a multiple of 64: every character is equally likely.
  return Array.from(randomBytes(random, length), (byte) => ICE_CHARACTERS[byte & 63]).join("");
}
