import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { describe, expect, it } from "vitest";
import { Saver } from "./saver.ts";

/** A store whose saves end when the test says so. */
class SlowStore {
  readonly endings: ((error?: Error) => void)[] = [];
  #waiting: (() => void)[] = [];

  load(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  save(): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.endings.push((error) => (error === undefined ? resolve() : reject(error)));
    });
    for (const wake of this.#waiting.splice(0)) wake();
    return done;
  }

  async begun(count: number): Promise<void> {
    while (this.endings.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

function create(): { readonly store: SlowStore; readonly saver: Saver; readonly saved: number[] } {
  const store = new SlowStore();
  const saved: number[] = [];
  let revision = 0;
  const source = {
    beginSave: () => ({ revision: ++revision, snapshot: { version: 1 as const, rooms: [] } }),
    handleSaved: (done: number) => saved.push(done),
  };
  return { store, saver: new Saver(store, source, SILENT_LOGGER), saved };
}

describe("saver", () => {
  it("runs one save at a time, and saves again what changed meanwhile", async () => {
    const { store, saver, saved } = create();
    saver.request();
    saver.request();
    await store.begun(1);
    saver.request();
    expect([store.endings.length, saved]).toEqual([1, []]);
    store.endings[0]?.();
    await store.begun(2);
    expect(saved).toEqual([1]);
    store.endings[1]?.();
    await saver.flush();
    expect(saved).toEqual([1, 2]);
    expect(store.endings).toHaveLength(2);
  });

  it("tries again after a failure, and does not hold up the meetings for it", async () => {
    const { store, saver, saved } = create();
    saver.request();
    await store.begun(1);
    store.endings[0]?.(new Error("ENOSPC"));
    const flushed = saver.flush();
    await store.begun(2);
    expect(saved).toEqual([1]);
    store.endings[1]?.();
    await flushed;
    expect(saved).toEqual([1, 2]);
  });
});
