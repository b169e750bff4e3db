import type { SocketId, TransportAddress } from "../bytes/index.ts";
import type { Millis } from "../sansio/index.ts";
import type { CandidatePair } from "./candidate-pair.ts";
import { comparePairPriority } from "./priority.ts";

/** RFC 8445 §6.1.2.5: "SHOULD be 100". Each costs up to seven packets. */
export const MAX_PAIRS = 100;

/**
 * A frozen pair waits for another of its foundation, but not for ever: a peer that gives all its candidates one
 * foundation must not be checked one timeout after the other.
 */
const FOUNDATION_HEAD_START_MS = 500;

/** The pairs of one generation, best first (RFC 8445 §6.1.2). */
export class CheckList {
  readonly #pairs: CandidatePair[] = [];
  readonly #byKey = new Map<string, CandidatePair>();

  get pairs(): readonly CandidatePair[] {
    return this.#pairs;
  }

  /**
   * Takes a pair in its place.
   *
   * @returns why not: `redundant` when packets of another pair take the same way (RFC 8445 §6.1.2.4), `full` when there are
   *   {@link MAX_PAIRS} better ones.
   */
  add(pair: CandidatePair): "redundant" | "full" | undefined {
    const key = keyOf(pair);
    if (this.#byKey.has(key)) return "redundant";
    if (this.#pairs.length >= MAX_PAIRS && !this.#dropWorst(pair)) return "full";
    this.#byKey.set(key, pair);
    this.#insert(pair);
    return undefined;
  }

  remove(pair: CandidatePair): void {
    const index = this.#pairs.indexOf(pair);
    if (index === -1) return;
    this.#pairs.splice(index, 1);
    for (const [key, other] of this.#byKey) if (other === pair) this.#byKey.delete(key);
  }

  /** A TCP pair has got its connection. */
  setRoute(pair: CandidatePair, route: SocketId): void {
    pair.route = route;
    this.#byKey.set(keyOf(pair), pair);
  }

  /** The pair whose packets go by `route` to `address`. */
  find(route: SocketId, address: TransportAddress): CandidatePair | undefined {
    return this.#byKey.get(`${route} ${address.key}`);
  }

  /** Puts a pair whose priority has changed in its place. */
  reposition(pair: CandidatePair): void {
    const index = this.#pairs.indexOf(pair);
    if (index === -1) return;
    this.#pairs.splice(index, 1);
    this.#insert(pair);
  }

  /** After a change of role (RFC 8445 §7.3.1.1). */
  recompute(isControlling: boolean): void {
    for (const pair of this.#pairs) pair.computePriority(isControlling);
    this.#pairs.sort((a, b) => comparePairPriority(a.priority, b.priority));
  }

  /**
   * The pair for the next ordinary check (RFC 8445 §6.1.4.2): the best one that is not held back by another with the same
   * foundation; undefined when there is none.
   */
  next(now: Millis): CandidatePair | undefined {
    const held = new Set<string>();
    const freed = new Set<string>();
    for (const pair of this.#pairs) {
      if (pair.state === "succeeded") freed.add(pair.foundation);
      if (pair.state === "in-progress" && now - pair.startedAt < FOUNDATION_HEAD_START_MS)
        held.add(pair.foundation);
    }
    return this.#pairs.find(({ state, foundation }) => {
      if (state === "waiting") return true;
      return state === "frozen" && (freed.has(foundation) || !held.has(foundation));
    });
  }

  /** Whether {@link next} will have something, now or later. */
  get hasUnchecked(): boolean {
    return this.#pairs.some(({ state }) => state === "waiting" || state === "frozen");
  }

  #insert(pair: CandidatePair): void {
    const index = this.#pairs.findIndex((other) => comparePairPriority(pair.priority, other.priority) < 0);
    this.#pairs.splice(index === -1 ? this.#pairs.length : index, 0, pair);
  }

  /** RFC 8445 §6.1.2.5: the lowest go first, but never one that works or is being checked. */
  #dropWorst(than: CandidatePair): boolean {
    const worst = this.#pairs.findLast(({ state }) => state !== "succeeded" && state !== "in-progress");
    if (worst === undefined) return false;
    if (worst.state !== "failed" && comparePairPriority(than.priority, worst.priority) >= 0) return false;
    this.remove(worst);
    return true;
  }
}

function keyOf({ route, local, remote }: CandidatePair): string {
  // Before it has a connection an active TCP pair is known by where that will come from.
  return `${route ?? `tcp ${local.base.key}`} ${remote.address.key}`;
}
