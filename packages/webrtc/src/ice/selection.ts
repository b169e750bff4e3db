import type { Millis } from "../sansio/index.ts";
import type { IceTimings } from "./agent-options.ts";
import type { CandidatePair } from "./candidate-pair.ts";
import type { IceGeneration } from "./generation.ts";
import { followsNomination, isBetter, nominationTime, replacementTime } from "./nomination.ts";

/** Between two renominations, so that pairs that come up one after the other do not move the call each time. */
const RENOMINATION_MS: Millis = 1_000;

/** What the controlling side has to do: nominate a pair now, or look again at a moment. */
export interface NominationStep {
  readonly pair: CandidatePair | undefined;
  readonly wakeAt: Millis;
}

/** Which pair is nominated, and which one carries data. */
export class Selection {
  readonly #timings: IceTimings;
  /** The pair that was nominated last, by us or by the other side. */
  #nominee: CandidatePair | undefined;
  #nominatedAt: Millis = Number.NEGATIVE_INFINITY;
  /** Of our NOMINATION attributes, or the highest of theirs. */
  #nomination = 0;

  constructor(timings: IceTimings) {
    this.#timings = timings;
  }

  get nominee(): CandidatePair | undefined {
    return this.#nominee;
  }

  /** A new generation knows no nomination. */
  reset(): void {
    this.#nominee = undefined;
    this.#nomination = 0;
  }

  /** A nominee that has died, or that was never agreed on before the roles were changed, is none. */
  dropNominee(): void {
    this.#nominee = undefined;
  }

  /**
   * The other side controls and nominates a pair (RFC 8445 §7.3.1.5).
   *
   * @param value - Of the NOMINATION attribute, where both sides know it.
   */
  handleNomination(pair: CandidatePair, value: number | undefined, now: Millis): void {
    for (const other of pair.generation.checks.pairs) if (other !== pair) other.nominationsInARow = 0;
    pair.nominationsInARow++;
    const current = this.#nominee?.isValid === true ? this.#nominee : undefined;
    if (!followsNomination(pair, current, value, this.#nomination, this.#timings, now)) return;
    this.#nomination = Math.max(this.#nomination, value ?? 0);
    if (pair.isValid) this.setNominee(pair, now);
    else pair.isNominationDue = true;
  }

  /**
   * What the controlling side does about nomination: the first one, leaving a pair that has died, moving to a better one.
   *
   * @param best - The best valid pair of the generation.
   */
  next(generation: IceGeneration, best: CandidatePair, canRenominate: boolean, now: Millis): NominationStep {
    const nominee = this.#nominee;
    if (nominee === undefined) return stepAt(best, nominationTime(generation, best, this.#timings), now);
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const pair of generation.checks.pairs) {
      if (pair === nominee) continue;
      const at = replacementTime(nominee, pair, this.#timings);
      if (now >= at) return stepAt(pair, at, now);
      wakeAt = Math.min(wakeAt, at);
    }
    if (!canRenominate || !isBetter(best, nominee) || best.unansweredSince !== undefined) {
      return { pair: undefined, wakeAt };
    }
    const step = stepAt(best, this.#nominatedAt + RENOMINATION_MS, now);
    return { pair: step.pair, wakeAt: Math.min(step.wakeAt, wakeAt) };
  }

  /** Nominates a pair as the controlling side: its checks carry the nomination from now on. */
  nominate(pair: CandidatePair, now: Millis): void {
    pair.nomination = ++this.#nomination;
    this.setNominee(pair, now);
    // Until the other side has answered such a check, ours is not its choice.
    pair.isNominated = false;
  }

  setNominee(pair: CandidatePair, now: Millis): void {
    const before = this.#nominee;
    if (before === pair) return;
    if (before !== undefined) {
      before.leftAt = now;
      before.isNominated = false;
    }
    this.#nominee = pair;
    this.#nominatedAt = now;
    pair.isNominated = true;
  }

  /** The pair for data: the nominated one; before there is one the old generation's while it lives, else the best. */
  choose(
    generation: IceGeneration,
    best: CandidatePair | undefined,
    selected: CandidatePair | undefined,
    now: Millis,
  ): CandidatePair | undefined {
    if (this.#nominee !== undefined) return this.#nominee;
    const old = selected?.isValid === true ? selected : undefined;
    // RFC 8445 §9: a restart does not interrupt.
    const isOldGood = old?.generation !== generation && (old?.silentFor(now) ?? 0) < this.#timings.silentMs;
    if (old !== undefined && isOldGood) return old;
    // RFC 8445 §12.1: before a nomination any valid pair may carry data.
    return best ?? old;
  }
}

function stepAt(pair: CandidatePair, at: Millis, now: Millis): NominationStep {
  return now >= at ? { pair, wakeAt: Number.POSITIVE_INFINITY } : { pair: undefined, wakeAt: at };
}
