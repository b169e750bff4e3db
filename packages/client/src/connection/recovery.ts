import { type Millis, Queue, TimerTable } from "@naru/webrtc/sansio";

/** Limits and pauses of the repair of one connection. */
export interface RecoveryOptions {
  /** The polite side acts at once, the other a little later, so that usually only one of them does. */
  readonly polite: boolean;
  /** A path that was lost often comes back by itself. */
  readonly disconnectedWaitMs: Millis;
  /** Whoever leaves says farewell first, and the server tells that they left a moment later. */
  readonly farewellWaitMs: Millis;
  /** How much longer the side that is not polite waits. */
  readonly courtesyMs: Millis;
  /** Until the first connection, from the first description on. Browsers call ICE failed after 11 to 15 s. */
  readonly establishTimeoutMs: Millis;
  /** Until the path works again after an ICE restart. */
  readonly restartTimeoutMs: Millis;
  /** ICE restarts before the peer connection is rebuilt. */
  readonly maxRestarts: number;
  /** Peer connections that are built before the connection is given up. */
  readonly maxRebuilds: number;
  /** A connection that held this long counts its attempts anew. */
  readonly stableAfterMs: Millis;
}

export const DEFAULT_RECOVERY_OPTIONS: Omit<RecoveryOptions, "polite"> = {
  disconnectedWaitMs: 1_500,
  farewellWaitMs: 2_000,
  courtesyMs: 1_500,
  establishTimeoutMs: 15_000,
  restartTimeoutMs: 8_000,
  maxRestarts: 2,
  maxRebuilds: 3,
  stableAfterMs: 10_000,
};

export type RecoveryAction =
  | { readonly type: "restartIce"; readonly reason: string }
  /** Throw the peer connection away, tell the other side, build a new one. */
  | { readonly type: "rebuild"; readonly reason: string }
  /** Every attempt is used up. */
  | { readonly type: "giveUp" };

/** What the peer connection is doing, as far as repair is concerned. */
export type LinkState =
  | "connecting"
  | "connected"
  | "disconnected"
  | "failed"
  | "securityFailed"
  /** A description was refused: the two sides do not agree on where they are. */
  | "refused"
  /** A peer connection is gone, ours or the other side's: only a new one helps. */
  | "gone";

type Timer = "establish" | "wait" | "farewell" | "restart" | "stable";
type Wanted = { readonly type: "restartIce" | "rebuild"; readonly reason: string };

/**
 * Decides when a connection is repaired, and how: wait, ICE restart, new peer connection, give up. Repair needs the
 * server, so while signaling is broken it waits, and does not count; media that flows is never touched by that.
 * Pure: states and time in, actions out.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #timers: TimerTable<Timer> = new TimerTable([
    "establish",
    "wait",
    "farewell",
    "restart",
    "stable",
  ]);
  readonly #actions: Queue<RecoveryAction> = new Queue(16);
  #state: LinkState = "connecting";
  #signalingUp = true;
  #wanted: Wanted | undefined;
  #restarts = 0;
  #rebuilds = 0;
  #givenUp = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  // Commands

  /** The first peer connection was built. */
  start(now: Millis): void {
    this.#timers.set("establish", now + this.#options.establishTimeoutMs);
  }

  /** The user asks for another try. */
  retry(now: Millis): void {
    if (this.#state === "connected" && !this.#givenUp) return;
    this.#startOver();
    this.#want({ type: "rebuild", reason: "tried again by hand" }, now);
  }

  // Inputs

  handleState(state: LinkState, now: Millis): void {
    const before = this.#state;
    this.#state = state;
    if (state === "connected") {
      this.#timers.stopAll();
      this.#wanted = undefined;
      this.#givenUp = false;
      this.#timers.set("stable", now + this.#options.stableAfterMs);
      return;
    }
    if (this.#givenUp || state === before) return;
    this.#timers.stop("stable");
    switch (state) {
      case "connecting":
        break;
      case "disconnected":
        this.#waitForPath(now + this.#options.disconnectedWaitMs);
        break;
      case "failed":
        this.#waitForPath(now);
        break;
      case "securityFailed":
        this.#want({ type: "rebuild", reason: "the DTLS handshake failed" }, now);
        break;
      case "refused":
        this.#want({ type: "rebuild", reason: "a description was refused" }, now);
        break;
      case "gone":
        this.#timers.stop("wait");
        this.#timers.set("farewell", now + this.#options.farewellWaitMs);
        break;
      default:
        state satisfies never;
    }
  }

  /** Whether messages reach the other side: our connection to the server, and theirs. */
  handleSignaling(up: boolean, now: Millis): void {
    if (up === this.#signalingUp) return;
    this.#signalingUp = up;
    if (!up) return;
    // What was due in the meantime gets its time again: the messages are only now under way.
    if (this.#state === "connecting" && !this.#givenUp && this.#wanted === undefined) {
      this.#timers.set("establish", now + this.#options.establishTimeoutMs);
    }
    // Both sides have waited for this moment: the polite one still acts first.
    const isLost = this.#state === "disconnected" || this.#state === "failed";
    if (isLost && !this.#givenUp && !this.#isRunning("wait")) this.#waitForPath(now);
    this.#act(now);
    this.handleTimeout(now);
  }

  /**
   * The server was away, and a relay on the way may have gone with it. Nobody notices that for some seconds; where the relay
   * still works, an ICE restart beside it costs nothing. Both sides hear of it, and the polite one acts.
   */
  handleRelayDoubtful(now: Millis): void {
    if (!this.#options.polite || this.#givenUp || this.#wanted !== undefined) return;
    if (this.#state !== "connecting")
      this.#want({ type: "restartIce", reason: "the relay may be gone" }, now);
  }

  /** This device has another network: the old path is probably gone, even if nobody noticed yet. */
  handleNetworkChange(now: Millis): void {
    if (this.#givenUp) {
      this.#startOver();
      this.#want({ type: "rebuild", reason: "the network changed" }, now);
      return;
    }
    if (this.#state === "connecting" && this.#restarts + this.#rebuilds === 0) return;
    this.#restarts = 0;
    this.#want({ type: "restartIce", reason: "the network changed" }, now);
  }

  /** The other side restarted ICE: what we were about to repair is being repaired, and a second time would disturb. */
  handlePeerRestart(now: Millis): void {
    if (!this.#isRunning("wait")) return;
    this.#timers.stop("wait");
    this.#timers.set("restart", now + this.#options.restartTimeoutMs);
  }

  /** The other side built a new peer connection, and so did we. */
  handlePeerRebuilt(now: Millis): void {
    this.#givenUp = false;
    this.#wanted = undefined;
    this.#state = "connecting";
    this.#timers.stopAll();
    this.#timers.set("establish", now + this.#options.establishTimeoutMs);
  }

  handleTimeout(now: Millis): void {
    for (let timer = this.#timers.expire(now); timer !== undefined; timer = this.#timers.expire(now)) {
      switch (timer) {
        case "establish":
          this.#want({ type: "rebuild", reason: "the connection was not up in time" }, now);
          break;
        case "wait":
          // Without signaling there is nobody to restart with; its return is waited for, and begins the wait anew.
          if (this.#signalingUp) this.#want({ type: "restartIce", reason: "the path was lost" }, now);
          break;
        case "farewell":
          this.#want({ type: "rebuild", reason: "the peer connection was closed" }, now);
          break;
        case "restart":
          // A restart under a path that still works changes no state.
          if (this.#state === "connected") break;
          this.#want({ type: "restartIce", reason: "the ICE restart did not help" }, now);
          break;
        case "stable":
          this.#restarts = 0;
          this.#rebuilds = 0;
          break;
        default:
          timer satisfies never;
      }
    }
  }

  // Outputs

  pollAction(): RecoveryAction | undefined {
    return this.#actions.shift();
  }

  pollTimeout(): Millis {
    return this.#timers.next();
  }

  get isGivenUp(): boolean {
    return this.#givenUp;
  }

  // Inside

  /** Repairs the path from then on, a little later on the side that is not polite. */
  #waitForPath(at: Millis): void {
    // While a restart is under way it is the old path that fails; the restart has a time of its own.
    if (this.#isRunning("restart")) return;
    this.#timers.set("wait", at + (this.#options.polite ? 0 : this.#options.courtesyMs));
  }

  #isRunning(timer: Timer): boolean {
    return this.#timers.deadline(timer) !== Number.POSITIVE_INFINITY;
  }

  #startOver(): void {
    this.#givenUp = false;
    this.#restarts = 0;
    this.#rebuilds = 0;
    this.#timers.stopAll();
  }

  #want(wanted: Wanted, now: Millis): void {
    // A rebuild does everything that a restart does.
    if (this.#wanted?.type !== "rebuild") this.#wanted = wanted;
    this.#act(now);
  }

  #act(now: Millis): void {
    const wanted = this.#wanted;
    if (wanted === undefined || !this.#signalingUp) return;
    this.#wanted = undefined;
    this.#timers.stop("wait");
    if (wanted.type === "restartIce" && this.#restarts < this.#options.maxRestarts) {
      this.#restarts++;
      this.#timers.set("restart", now + this.#options.restartTimeoutMs);
      this.#actions.push(wanted);
      return;
    }
    this.#timers.stopAll();
    if (this.#rebuilds >= this.#options.maxRebuilds) {
      this.#givenUp = true;
      this.#actions.push({ type: "giveUp" });
      return;
    }
    this.#rebuilds++;
    this.#restarts = 0;
    this.#state = "connecting";
    this.#timers.set("establish", now + this.#options.establishTimeoutMs);
    this.#actions.push({ type: "rebuild", reason: wanted.reason });
  }
}
