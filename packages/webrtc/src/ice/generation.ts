import type { SocketId, TransportAddress } from "../bytes/index.ts";
import type { CryptoProvider, Hmac } from "../crypto/index.ts";
import type { Millis } from "../sansio/index.ts";
import { type StunMessage, shortTermKey, USERNAME } from "../stun/index.ts";
import { canPair, type LocalCandidate, type RemoteCandidate } from "./candidate.ts";
import { CandidatePair } from "./candidate-pair.ts";
import { CheckList } from "./check-list.ts";
import type { IceParameters, RemoteIceParameters } from "./parameters.ts";
import { peerReflexivePriority } from "./priority.ts";

/** More candidates of one side than any host has; what a peer names beyond is left out. */
export const MAX_CANDIDATES = 100;

/** Addresses of the other side that nobody named: more than its NATs have, and few enough to leave room for those it names. */
const MAX_PEER_REFLEXIVE = 30;

/** Checks of a peer whose description has not come yet (RFC 8445 §7.3): a few from each of its addresses. */
export const MAX_EARLY_CHECKS = 32;

/** Ids of one generation: no two pairs of an agent have the same. */
const MAX_IDS = 1_000_000;

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
  /** Whether we control: the priority of pairs depends on it. */
  isControlling = true;
  /** When the last pair was formed. */
  lastPairAt: Millis = Number.NEGATIVE_INFINITY;
  #nextId: number;
  readonly #counters: { dropped: number };
  #remote: RemoteIceParameters | undefined;
  #remoteKey: Hmac | undefined;
  #username = "";
  readonly #crypto: CryptoProvider;

  /** @param counters - Counts what is left out because of a maximum. */
  constructor(
    crypto: CryptoProvider,
    number: number,
    local: IceParameters,
    counters: { dropped: number } = { dropped: 0 },
  ) {
    this.#crypto = crypto;
    this.#counters = counters;
    this.number = number;
    this.#nextId = number * MAX_IDS + 1;
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

  /** Takes a candidate of ours; false when there are too many. */
  addLocal(candidate: LocalCandidate, now: Millis): boolean {
    if (this.localCandidates.length >= MAX_CANDIDATES) return this.#drop();
    this.localCandidates.push(candidate);
    for (const remote of this.remoteCandidates) this.#pair(candidate, remote, now);
    return true;
  }

  /** Takes a candidate of theirs; false when there are too many. */
  addRemote(candidate: RemoteCandidate, now: Millis): boolean {
    const known = this.#findRemote(candidate.address, candidate.protocol);
    if (known !== undefined && known.type !== "prflx") return true;
    if (known === undefined) {
      if (this.remoteCandidates.length >= MAX_CANDIDATES) return this.#drop();
      this.remoteCandidates.push(candidate);
    } else this.#replaceRemote(known, candidate);
    for (const local of this.localCandidates) this.#pair(local, candidate, now);
    return true;
  }

  /** Removes what has to do with a route; the pairs are the caller's to end. */
  removeRoute(route: SocketId): CandidatePair[] {
    for (let i = this.localCandidates.length - 1; i >= 0; i--) {
      if (this.localCandidates[i]?.route === route) this.localCandidates.splice(i, 1);
    }
    return this.checks.pairs.filter((pair) => pair.route === route);
  }

  /** The candidate that a route's packets come to. */
  localOf(route: SocketId): LocalCandidate | undefined {
    const onRoute = this.localCandidates.filter((candidate) => candidate.route === route);
    return onRoute.find(({ type }) => type === "host" || type === "relay") ?? onRoute[0];
  }

  /** Keeps a check for later; of those from one address the last one. */
  keepEarly(check: EarlyCheck): void {
    const { earlyChecks } = this;
    const index = earlyChecks.findIndex(
      ({ route, from }) => route === check.route && from.equals(check.from),
    );
    if (index !== -1) {
      const isNominating = check.isNominating || earlyChecks[index]?.isNominating === true;
      earlyChecks[index] = { ...check, isNominating };
    } else if (earlyChecks.length < MAX_EARLY_CHECKS) earlyChecks.push(check);
    else this.#counters.dropped++;
  }

  /** RFC 8445 §7.3.1.3: the pair of a check that came from where nobody was known to be; undefined without room. */
  learnPair(check: EarlyCheck, local: LocalCandidate, now: Millis): CandidatePair | undefined {
    const { protocol } = local;
    let remote = this.#findRemote(check.from, protocol);
    if (remote === undefined) {
      if (!this.#hasRoomForReflexive()) {
        this.#counters.dropped++;
        return undefined;
      }
      remote = {
        type: "prflx",
        protocol,
        tcpType: protocol === "tcp" ? (local.tcpType === "passive" ? "active" : "passive") : undefined,
        address: check.from,
        priority: check.priority,
        // RFC 8445 §7.3.1.3: different from all others.
        foundation: `prflx${this.#nextId++}`,
        hostname: undefined,
      };
      this.remoteCandidates.push(remote);
      for (const other of this.localCandidates) {
        if (other !== local && other.protocol === "udp") this.#pair(other, remote, now);
      }
    }
    return this.#addPair(local, remote, check.route, now);
  }

  /** RFC 8445 §7.2.5.3.1: packets of the pair leave from another address than its local candidate's. */
  setMapped(pair: CandidatePair, mapped: TransportAddress): void {
    const { route, local } = pair;
    let found = this.localCandidates.find(
      (candidate) => candidate.route === route && candidate.address.equals(mapped),
    );
    if (found === undefined && this.localCandidates.length < MAX_CANDIDATES) {
      found = {
        ...local,
        type: "prflx",
        address: mapped,
        priority: peerReflexivePriority(local.protocol, local.localPreference),
        foundation: `prflx${this.#nextId++}`,
        relatedAddress: local.base,
        hostname: undefined,
        // Nobody has to be told: the other side has seen it.
        isExposed: false,
      };
      this.localCandidates.push(found);
    }
    if (found === undefined) return;
    pair.local = found;
    this.#reposition(pair);
  }

  #findRemote(address: TransportAddress, protocol: string): RemoteCandidate | undefined {
    return this.remoteCandidates.find(
      (candidate) => candidate.protocol === protocol && candidate.address.equals(address),
    );
  }

  /** The checks of a candidate were faster than its description, which knows better what it is. */
  #replaceRemote(known: RemoteCandidate, candidate: RemoteCandidate): void {
    this.remoteCandidates[this.remoteCandidates.indexOf(known)] = candidate;
    for (const pair of [...this.checks.pairs]) {
      if (pair.remote !== known) continue;
      pair.remote = candidate;
      this.#reposition(pair);
    }
  }

  #reposition(pair: CandidatePair): void {
    pair.computePriority(this.isControlling);
    this.checks.reposition(pair);
  }

  /** Forms a pair if one can be (RFC 8445 §6.1.2.2). A passive TCP candidate gets its pairs when connections come. */
  #pair(local: LocalCandidate, remote: RemoteCandidate, now: Millis): void {
    if (local.tcpType === "passive" || !canPair(local, remote)) return;
    this.#addPair(local, remote, local.route, now);
  }

  #addPair(
    local: LocalCandidate,
    remote: RemoteCandidate,
    route: SocketId | undefined,
    now: Millis,
  ): CandidatePair | undefined {
    const pair = new CandidatePair(this.#nextId++, this, local, remote);
    pair.route = route;
    pair.computePriority(this.isControlling);
    const refusal = this.checks.add(pair);
    if (refusal === "full") this.#counters.dropped++;
    if (refusal !== undefined) return undefined;
    this.lastPairAt = now;
    return pair;
  }

  /** Authentic checks can be sent again by others, from anywhere: what led to nothing makes room for what may. */
  #hasRoomForReflexive(): boolean {
    const { remoteCandidates, checks } = this;
    const found = remoteCandidates.filter(({ type }) => type === "prflx");
    if (remoteCandidates.length < MAX_CANDIDATES && found.length < MAX_PEER_REFLEXIVE) return true;
    const pairsOf = (remote: RemoteCandidate): CandidatePair[] => {
      return checks.pairs.filter((pair) => pair.remote === remote);
    };
    const useless = found.find((remote) => pairsOf(remote).every(({ state }) => state === "failed"));
    if (useless === undefined) return false;
    for (const pair of pairsOf(useless)) checks.remove(pair);
    remoteCandidates.splice(remoteCandidates.indexOf(useless), 1);
    return true;
  }

  #drop(): false {
    this.#counters.dropped++;
    return false;
  }
}
