/**
 * Where unpredictable bytes come from: a cryptographic generator in production, a seeded one in the
 * simulated network, so that a failing run is replayed by its seed.
 */
export interface RandomSource {
  /** Fills `target` and returns it. */
  fill<T extends Uint8Array>(target: T): T;
}

/** `length` fresh random bytes, the caller's to keep. */
export function randomBytes(random: RandomSource, length: number): Uint8Array {
  return random.fill(new Uint8Array(length));
}

/** A uniform unsigned 32-bit integer. */
export function randomUint32(random: RandomSource): number {
  const bytes = random.fill(new Uint8Array(4));
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
}

/** A uniform number in [0, 1) with 32 bits of resolution: jitter and simulated chance, not keys. */
export function randomUnit(random: RandomSource): number {
  return randomUint32(random) / 0x1_0000_0000;
}
