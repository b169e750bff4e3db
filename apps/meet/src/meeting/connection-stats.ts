import type { ConnectionStats, RemoteParticipant } from "@naru/client";
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

/** What was measured of a connection, now and over the last minute. */
export interface StatsHistory {
  readonly current: ConnectionStats | undefined;
  /** Received bits per second, oldest first, one value a second, at most {@link HISTORY_LENGTH}. */
  readonly inbound: readonly number[];
}

/** Seconds of history. */
export const HISTORY_LENGTH = 60;

const POLL_INTERVAL_MS = 1_000;
const histories = new WeakMap<RemoteParticipant, Signal<StatsHistory>>();

/**
 * The measurements of somebody's connection, taken once a second for as long as anybody looks: rates are averages
 * since the call before, so there is one poller per connection.
 */
export function statsOf(participant: RemoteParticipant): ReadonlySignal<StatsHistory> {
  const known = histories.get(participant);
  if (known !== undefined) return known;
  let timer: ReturnType<typeof setInterval> | undefined;
  const history = signal<StatsHistory>(
    { current: undefined, inbound: [] },
    {
      watched: () => {
        timer = setInterval(() => void poll(participant, history), POLL_INTERVAL_MS);
      },
      unwatched: () => clearInterval(timer),
    },
  );
  histories.set(participant, history);
  return history;
}

async function poll(participant: RemoteParticipant, history: Signal<StatsHistory>): Promise<void> {
  if (participant.connection !== "connected") {
    history.value = { current: undefined, inbound: history.peek().inbound };
    return;
  }
  try {
    const current = await participant.stats();
    const inbound = [...history.peek().inbound, current.inboundBitrateBps ?? 0].slice(-HISTORY_LENGTH);
    history.value = { current, inbound };
  } catch {
    // The connection was closed while the browser was asked: the next poll sees that.
  }
}
