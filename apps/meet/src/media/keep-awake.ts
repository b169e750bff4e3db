/** Keeps the screen from going dark during a call: a phone that sleeps stops its camera. */
export class KeepAwake {
  readonly #wakeLock: Pick<WakeLock, "request"> | undefined;
  #lock: Pick<WakeLockSentinel, "release" | "released"> | undefined;
  #done = false;

  /** @param wakeLock - `navigator.wakeLock`; undefined in insecure contexts and older browsers. */
  constructor(wakeLock: Pick<WakeLock, "request"> | undefined) {
    this.#wakeLock = wakeLock;
  }

  /** Asks for the lock if it is not held. The browser takes it whenever the page is hidden: ask again when it is seen. */
  async hold(): Promise<void> {
    if (this.#done || this.#isHeld()) return;
    try {
      const lock = await this.#wakeLock?.request("screen");
      // Asked twice, or over meanwhile: one lock is enough, and none afterwards.
      if (this.#done || this.#isHeld()) void lock?.release();
      else this.#lock = lock;
    } catch {
      // Low on battery, or hidden again: the call goes on, and the screen as the system wants.
    }
  }

  /** Gives the lock back for good. */
  release(): void {
    this.#done = true;
    this.#lock?.release().catch(() => undefined);
  }

  #isHeld(): boolean {
    return this.#lock?.released === false;
  }
}
