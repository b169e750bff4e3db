import type { PlatformTimer } from "../platform/index.ts";
import type { Millis } from "../sansio/index.ts";

/** `setTimeout` fires at once for anything longer. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * One Node timer that is moved rather than made anew. Moving it later costs nothing: it fires early, sees that, and
 * goes back to sleep; only moving it earlier touches Node's timer lists.
 */
export function createNodeTimer(now: () => Millis, onTimer: () => void): PlatformTimer {
  let deadline = Number.POSITIVE_INFINITY;
  /** When the Node timer will fire, `Infinity` while there is none. */
  let firesAt = Number.POSITIVE_INFINITY;
  let handle: NodeJS.Timeout | undefined;
  let closed = false;

  function sleep(): void {
    firesAt = deadline;
    if (deadline === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(0, Math.ceil(deadline - now())), LONGEST_DELAY_MS);
    handle = setTimeout(wake, delay);
  }

  function wake(): void {
    handle = undefined;
    firesAt = Number.POSITIVE_INFINITY;
    if (now() < deadline) {
      sleep();
      return;
    }
    deadline = Number.POSITIVE_INFINITY;
    onTimer();
  }

  return {
    arm(at) {
      if (closed) return;
      deadline = at;
      if (at >= firesAt) return;
      clearTimeout(handle);
      sleep();
    },
    close() {
      closed = true;
      clearTimeout(handle);
    },
  };
}
