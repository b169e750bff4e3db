import { randomBytes } from "node:crypto";
import {
  type CredentialSource,
  type IssuedCredential,
  SharedSecret,
  type TurnCredential,
} from "@naru/turn/core";
import type { CryptoProvider } from "@naru/webrtc/crypto";

/**
 * How long a credential makes allocations. Those that live are not ended by it, only by their participant's leaving, and a
 * call that lasts is given new ones half-way.
 */
export const PARTICIPANT_CREDENTIAL_MS = 3_600_000;

/** Long enough for a check of every path on a slow line. */
export const CHECK_CREDENTIAL_MS = 60_000;

/** The doctor's, who has the secret: it makes its credentials itself. */
const DOCTOR_PREFIX = "doctor-";
const CHECK_PREFIX = "check-";

/**
 * What strangers may do who check their network: two ends on each of a few interfaces, at the rate of a voice, and nobody to
 * talk to but other relayed addresses of this server.
 */
const CHECK_RESTRICTIONS = { maxAllocations: 16, bitrateBps: 128_000, relaysOnly: true };

/**
 * The users of the relay: participants, each for as long as it is in a room, and people who check their network. The
 * passwords follow from the secret, so that nothing is stored but who is there.
 */
export class TurnCredentials implements CredentialSource {
  readonly #secret: SharedSecret;
  readonly #participants = new Set<string>();

  /** @throws {RangeError} when the secret is too short. */
  constructor(crypto: CryptoProvider, secret: string) {
    this.#secret = new SharedSecret(crypto, secret);
  }

  /** For a participant, until {@link end}. */
  issueForParticipant(participant: string): IssuedCredential {
    this.#participants.add(participant);
    return this.#secret.issue(participant, Date.now() + PARTICIPANT_CREDENTIAL_MS);
  }

  /** From now on no credential of the participant is good. */
  end(participant: string): void {
    this.#participants.delete(participant);
  }

  /** For somebody who checks the network, whoever that is. */
  issueForCheck(): IssuedCredential & { readonly user: string } {
    const user = CHECK_PREFIX + randomBytes(9).toString("base64url");
    return { ...this.#secret.issue(user, Date.now() + CHECK_CREDENTIAL_MS), user };
  }

  find(username: string): TurnCredential | undefined {
    const credential = this.#secret.find(username);
    if (credential === undefined) return undefined;
    const { user } = credential;
    if (user.startsWith(CHECK_PREFIX)) return { ...credential, restrictions: CHECK_RESTRICTIONS };
    return this.#participants.has(user) || user.startsWith(DOCTOR_PREFIX) ? credential : undefined;
  }
}

/** For the doctor, which is a program of its own with the same secret. */
export function issueForDoctor(crypto: CryptoProvider, secret: string): IssuedCredential {
  const user = DOCTOR_PREFIX + randomBytes(9).toString("base64url");
  return new SharedSecret(crypto, secret).issue(user, Date.now() + CHECK_CREDENTIAL_MS);
}
