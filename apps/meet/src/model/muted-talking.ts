import { SPEAKING_LEVEL } from "../media/audio-level.ts";

/** How long somebody has to talk before the hint comes: a cough is no speech. */
const TALK_MS = 900;
/** How long the hint stays after the last word. */
const LINGER_MS = 4_000;
/** Pauses between words that do not interrupt talking. */
const PAUSE_MS = 400;

/** Decides when "you are muted but talking" is shown. Time is an argument, in milliseconds. */
export class MutedTalkingHint {
  #since: number | undefined;
  #lastLoud: number = Number.NEGATIVE_INFINITY;
  #shownUntil: number = Number.NEGATIVE_INFINITY;

  /** Takes a loudness of 0…1; true while the hint is due. */
  handleLevel(level: number, now: number): boolean {
    if (level > SPEAKING_LEVEL) {
      this.#since ??= now;
      this.#lastLoud = now;
    } else if (now - this.#lastLoud > PAUSE_MS) {
      this.#since = undefined;
    }
    if (this.#since !== undefined && now - this.#since >= TALK_MS) this.#shownUntil = now + LINGER_MS;
    return now < this.#shownUntil;
  }
}
