import type { RandomSource } from "../sansio/index.ts";

/**
 * A random source that is the same every time for the same seed: xoshiro128** (Blackman and Vigna, "Scrambled
 * linear pseudorandom number generators"). Good statistics, four words of state, and no secret whatsoever: never
 * for keys outside a simulation.
 *
 * A part of a simulation takes its own source by {@link fork}. A fork depends on the seed and on the label only,
 * not on what was drawn before, so that a new consumer does not shift the numbers of the others.
 */
export class SeededRandom implements RandomSource {
  /** The seed this source was made from; a fork's is the path of labels that led to it. */
  readonly seed: string;
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  constructor(seed: string | number) {
    this.seed = `${seed}`;
    this.#s0 = hashText(this.seed, 0x811c9dc5);
    this.#s1 = hashText(this.seed, 0x9e3779b9);
    this.#s2 = hashText(this.seed, 0x7f4a7c15);
    // The all-zero state is the one from which the generator never leaves.
    this.#s3 = hashText(this.seed, 0xf39cc060) | 1;
  }

  /** A generator in a given state: what the published reference values are stated for. */
  static fromState(s0: number, s1: number, s2: number, s3: number): SeededRandom {
    const random = new SeededRandom(0);
    random.#s0 = s0 | 0;
    random.#s1 = s1 | 0;
    random.#s2 = s2 | 0;
    random.#s3 = s3 | 0;
    return random;
  }

  /** An independent source for the consumer called `label`. The same label gives the same source again. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${label}`);
  }

  fill<T extends Uint8Array>(target: T): T {
    let word = 0;
    for (let i = 0; i < target.length; i++) {
      if ((i & 3) === 0) word = this.uint32();
      target[i] = word & 0xff;
      word >>>= 8;
    }
    return target;
  }

  /** A uniform unsigned 32-bit integer. */
  uint32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#s1, 5), 7), 9) >>> 0;
    const t = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= t;
    this.#s3 = rotateLeft(this.#s3, 11);
    return scrambled;
  }

  /** A uniform number in [0, 1) with 32 bits of resolution. */
  unit(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A uniform integer in [minimum, maximum], both included. */
  integer(minimum: number, maximum: number): number {
    return minimum + Math.floor(this.unit() * (maximum - minimum + 1));
  }

  /** True with the given probability. Draws nothing for 0 and for 1. */
  chance(probability: number): boolean {
    if (probability <= 0) return false;
    return probability >= 1 || this.unit() < probability;
  }
}

/** FNV-1a over the UTF-16 units from a start value, then the finalizer of MurmurHash3 to spread every bit. */
export function hashText(text: string, start = 0x811c9dc5): number {
  let hash = start | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
