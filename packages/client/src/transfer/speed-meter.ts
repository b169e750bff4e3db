import type { Millis } from "@naru/webrtc/sansio";

/** Long enough to be calm, short enough to be true. */
const WINDOW_MS = 3_000;
const MAX_SAMPLES = 64;

/** Bytes per second over the last seconds. */
export class SpeedMeter {
  #samples: { readonly at: Millis; readonly bytes: number }[] = [];

  /** @param bytes - In all so far. */
  record(bytes: number, now: Millis): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && now - last.at < WINDOW_MS / MAX_SAMPLES) return;
    this.#samples.push({ at: now, bytes });
    // The sample before the window is its left edge.
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? now) < now - WINDOW_MS) this.#samples.shift();
  }

  bytesPerSecond(bytes: number, now: Millis): number {
    const first = this.#samples[0];
    if (first === undefined || now <= first.at) return 0;
    return Math.max(0, Math.round(((bytes - first.bytes) * 1_000) / (now - first.at)));
  }

  /** Begins anew: after a pause the average over it would mean nothing. */
  reset(): void {
    this.#samples = [];
  }
}
