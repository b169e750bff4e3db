import type { Millis } from "../sansio/index.ts";
import type { IceTimings } from "./agent-options.ts";
import type { CandidatePair } from "./candidate-pair.ts";
import type { IceGeneration } from "./generation.ts";
import { comparePairPriority } from "./priority.ts";

/** A pair that has just been left is not taken again on the word of a packet that was late. */
const STALE_NOMINATION_MS = 1_000;

/** The best of the pairs that work. */
export function bestValid({ checks }: IceGeneration): CandidatePair | undefined {
  return checks.pairs.find(({ isValid }) => isValid);
}

/**
 * When the controlling side nominates `best`, the best pair that works so far (RFC 8445 §8.1.1 leaves it to us): at once when
 * nothing better can come, else when better pairs have had their time. Data flows meanwhile (§12.1).
 */
export function nominationTime(generation: IceGeneration, best: CandidatePair, timings: IceTimings): Millis {
  const valid = generation.checks.pairs.filter(({ isValid }) => isValid);
  if (!canImprove(generation, best)) return Number.NEGATIVE_INFINITY;
  const firstValid = Math.min(...valid.map(({ validAt }) => validAt));
  const firstDirect = Math.min(...valid.filter((pair) => !pair.isRelayed).map(({ validAt }) => validAt));
  return Math.min(firstDirect + timings.directWaitMs, firstValid + timings.relayWaitMs);
}

function canImprove(generation: IceGeneration, best: CandidatePair): boolean {
  if (generation.checks.pairs.some((pair) => pair.isPending && isBetter(pair, best))) return true;
  const isTrickling = !generation.isLocalEnded || !generation.isRemoteEnded || generation.pendingNames > 0;
  // A pair of two hosts is as good as it gets; for others a better candidate may be on its way.
  return isTrickling && (best.local.type !== "host" || best.remote.type !== "host");
}

/** Whether `pair` is to be preferred to `other` by priority. */
export function isBetter(pair: CandidatePair, other: CandidatePair): boolean {
  return comparePairPriority(pair.priority, other.priority) < 0;
}

/**
 * Whether the selected pair is dead and `other` lives: the one goes unanswered, and the other was answered since.
 *
 * @returns when it will be so if nothing changes; `Infinity` for never.
 */
export function replacementTime(selected: CandidatePair, other: CandidatePair, timings: IceTimings): Millis {
  const since = selected.unansweredSince;
  if (since === undefined || !other.isValid || other.lastAnswerAt < since) return Number.POSITIVE_INFINITY;
  // A pair that came up later on the same route: the other side's address has changed, as after a NAT lost its mappings.
  const hasMoved = other.route === selected.route && other.validAt > selected.selectedAt;
  return since + (hasMoved ? timings.movedMs : timings.silentMs);
}

/**
 * Whether the controlled side follows a nomination of `pair` (RFC 8445 §8.1.1 knows one only). With NOMINATION the highest
 * value wins (draft-thatcher-ice-renomination §4).
 *
 * Without it there are peers that nominate every pair that works and mean the best one (RFC 5245 §8.1.1.2), and peers
 * that nominate another pair when the first one died. So a pair that is not better than the selected one has to be nominated
 * twice while that one is not, or that one has to be silent.
 */
export function followsNomination(
  pair: CandidatePair,
  selected: CandidatePair | undefined,
  nomination: number | undefined,
  highestNomination: number,
  timings: IceTimings,
  now: Millis,
): boolean {
  if (selected === pair) return true;
  if (nomination !== undefined) {
    if (selected === undefined || nomination > highestNomination) return true;
    // The same nomination from another address: the other side's pair is the same, its NAT has moved it.
    return nomination === highestNomination && now - pair.leftAt >= STALE_NOMINATION_MS;
  }
  if (selected === undefined || !selected.isNominated || selected.generation !== pair.generation) return true;
  if (now - pair.leftAt < STALE_NOMINATION_MS) return false;
  if (comparePairPriority(pair.priority, selected.priority) <= 0) return true;
  return pair.nominationsInARow >= 2 || selected.silentFor(now) >= timings.movedMs;
}
