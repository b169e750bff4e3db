import { expect, test } from "vitest";
import { KeepAwake } from "./keep-awake.ts";

/** A browser's locks, and how many of them are held. */
class Locks {
  requests = 0;
  readonly #held: Lock[] = [];

  async request(): Promise<Lock> {
    this.requests++;
    const lock = new Lock();
    this.#held.push(lock);
    return lock;
  }

  /** The page was hidden. */
  takeAll(): void {
    for (const lock of this.#held) void lock.release();
  }

  get held(): number {
    return this.#held.filter((lock) => !lock.released).length;
  }
}

class Lock extends EventTarget {
  released = false;
  readonly type = "screen";
  onrelease: null = null;

  async release(): Promise<undefined> {
    this.released = true;
    return undefined;
  }
}

test("the lock is asked for once, and again after the browser took it", async () => {
  const locks = new Locks();
  const awake = new KeepAwake(locks);
  await Promise.all([awake.hold(), awake.hold()]);
  await awake.hold();
  expect(locks.held).toBe(1);
  locks.takeAll();
  await awake.hold();
  expect(locks.held).toBe(1);
});

test("after the call nothing is held, not even what was asked for at its end", async () => {
  const locks = new Locks();
  const awake = new KeepAwake(locks);
  await awake.hold();
  locks.takeAll();
  const late = awake.hold();
  awake.release();
  await late;
  expect(locks.held).toBe(0);
  await awake.hold();
  expect(locks.requests).toBe(2);
});

test("browsers without the lock, and refusals, are lived with", async () => {
  await new KeepAwake(undefined).hold();
  const refusing = { request: () => Promise.reject(new DOMException("low battery", "NotAllowedError")) };
  await expect(new KeepAwake(refusing).hold()).resolves.toBeUndefined();
});
