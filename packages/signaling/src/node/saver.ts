import type { Logger } from "@naru/webrtc/sansio";
import type { RegistrySnapshot } from "../room/registry-types.ts";
import type { SnapshotStore } from "./store.ts";

/** Least time between two saves: changes within it are saved together. */
const MIN_INTERVAL_MS = 50;
/** Writing a large state as text stops everything else: it may take a fifth of the processor's time at most. */
const REST_FACTOR = 4;
const MAX_INTERVAL_MS = 1_000;
/** When the store fails. */
const RETRY_MS = 1_000;

/** What is saved, and who wants to know. */
export interface SaveSource {
  beginSave(): { readonly revision: number; readonly snapshot: RegistrySnapshot };
  handleSaved(revision: number): void;
}

/** Saves soon after a change, one save at a time. The first change after a rest is saved at once. */
export class Saver {
  readonly #store: SnapshotStore;
  readonly #source: SaveSource;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> | undefined;
  #isWanted = false;
  #earliestAt = 0;

  constructor(store: SnapshotStore, source: SaveSource, log: Logger) {
    this.#store = store;
    this.#source = source;
    this.#log = log;
  }

  /** There is something new to save. */
  request(): void {
    this.#isWanted = true;
    if (this.#timer !== undefined || this.#saving !== undefined) return;
    this.#timer = setTimeout(() => void this.#save(), Math.max(0, this.#earliestAt - performance.now()));
  }

  /** Saves what is not saved yet; resolves when that is done. */
  async flush(): Promise<void> {
    await this.#saving;
    if (this.#isWanted) await this.#save();
  }

  #save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#saving ??= this.#saveOnce().finally(() => {
      this.#saving = undefined;
      if (this.#isWanted) this.request();
    });
    return this.#saving;
  }

  async #saveOnce(): Promise<void> {
    this.#isWanted = false;
    const before = process.cpuUsage();
    const { revision, snapshot } = this.#source.beginSave();
    try {
      const saved = this.#store.save(snapshot);
      // What the store did before it first waited, it did on this thread.
      const { user, system } = process.cpuUsage(before);
      const restMs = (REST_FACTOR * (user + system)) / 1_000;
      await saved;
      this.#earliestAt = performance.now() + Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, restMs));
    } catch (error) {
      // A full disk must not stop the meetings: they go on, and would not survive a restart until this is repaired.
      this.#log.error("rooms could not be saved; a restart would lose them", { reason: String(error) });
      this.#isWanted = true;
      this.#earliestAt = performance.now() + RETRY_MS;
    }
    this.#source.handleSaved(revision);
  }
}
