import type { TransportAddress } from "../bytes/index.ts";
import type { CryptoProvider, Hmac } from "../crypto/index.ts";
import { type StunMessage, shortTermKey, USERNAME } from "../stun/index.ts";
import type { LocalCandidate, RemoteCandidate } from "./candidate.ts";
import { CheckList } from "./check-list.ts";
import type { IceParameters, RemoteIceParameters } from "./parameters.ts";

/** More candidates of one side than any host has; what a peer names beyond is left out. */
export const MAX_CANDIDATES = 100;

/** Checks of a peer whose description has not come yet (RFC 8445 §7.3): a few from each of its addresses. */
export const MAX_EARLY_CHECKS = 32;

/** A check that was answered and will be acted on when the other side's parameters are known. */
export interface EarlyCheck {
  readonly route: number;
  readonly from: TransportAddress;
  readonly priority: number;
  readonly isNominating: boolean;
  readonly nomination: number | undefined;
  /** The other side's user fragment, as the check had it. */
  readonly remoteFragment: string;
}

/** Everything between two restarts (RFC 8445 §9): credentials, candidates, pairs. */
export class IceGeneration {
  readonly number: number;
  readonly local: IceParameters;
  /** Over our password: requests to us, and our answers. */
  readonly localKey: Hmac;
  readonly localCandidates: LocalCandidate[] = [];
  readonly remoteCandidates: RemoteCandidate[] = [];
  readonly checks: CheckList = new CheckList();
  readonly earlyChecks: EarlyCheck[] = [];
  isLocalEnded = false;
  isRemoteEnded = false;
  /** mDNS names whose addresses are being asked for. */
  pendingNames = 0;
  #remote: RemoteIceParameters | undefined;
  #remoteKey: Hmac | undefined;
  #username = "";
  readonly #crypto: CryptoProvider;

  constructor(crypto: CryptoProvider, number: number, local: IceParameters) {
    this.#crypto = crypto;
    this.number = number;
    this.local = local;
    this.localKey = crypto.createHmac("sha-1", shortTermKey(local.password));
  }

  get remote(): RemoteIceParameters | undefined {
    return this.#remote;
  }

  set remote(remote: RemoteIceParameters | undefined) {
    this.#remote = remote;
    if (remote === undefined) return;
    this.#remoteKey = this.#crypto.createHmac("sha-1", shortTermKey(remote.password));
    // RFC 8445 §7.2.2: the fragment of the one who is asked first.
    this.#username = `${remote.usernameFragment}:${this.local.usernameFragment}`;
  }

  /** Over the other side's password: our requests, and its answers. */
  get remoteKey(): Hmac | undefined {
    return this.#remoteKey;
  }

  /** USERNAME of our requests. */
  get username(): string {
    return this.#username;
  }

  /** Whether a request is meant for this generation (RFC 8445 §7.3). @returns the fragment of its sender. */
  senderOf(request: StunMessage): string | undefined {
    const username = request.get(USERNAME);
    const prefix = `${this.local.usernameFragment}:`;
    return username?.startsWith(prefix) ? username.slice(prefix.length) : undefined;
  }

  findRemote(address: TransportAddress, protocol: string): RemoteCandidate | undefined {
    return this.remoteCandidates.find(
      (candidate) => candidate.protocol === protocol && candidate.address.equals(address),
    );
  }
}
