import type { Millis } from "../sansio/index.ts";
import type { IceParameters } from "./parameters.ts";

export type IceRole = "controlling" | "controlled";

/** When an agent does what. */
export interface IceTimings {
  /** Ta: between two checks that open new ways. */
  readonly paceMs: Millis;
  /** The least wait before a check is repeated; doubled each time. */
  readonly rtoMs: Millis;
  /** How often a check is sent at most. */
  readonly maxSends: number;
  /** From the first valid direct pair to the nomination, while a better pair is pending. */
  readonly directWaitMs: Millis;
  /** The same when the best valid pair is relayed. */
  readonly relayWaitMs: Millis;
  /** Between two checks of the selected pair. */
  readonly livenessMs: Millis;
  /** The same while one of them is unanswered. */
  readonly retryMs: Millis;
  /** Between two checks of a valid pair that is not selected. */
  readonly backupMs: Millis;
  /** The selected pair is given up for another that answers after so long without an answer. */
  readonly silentMs: Millis;
  /** The same for a pair on the same route that came up later: the other side, or its NAT, has moved. */
  readonly movedMs: Millis;
  /** The state becomes `disconnected` so long after the last answer. */
  readonly disconnectedMs: Millis;
  /** Nothing is sent so long after the last answer. */
  readonly consentMs: Millis;
  /** The state becomes `failed` so long after checking began, with nothing valid. */
  readonly failMs: Millis;
}

export const DEFAULT_ICE_TIMINGS: IceTimings = {
  // RFC 8445 §14.2 recommends 50 and allows 5. A home router opens fifty mappings a second without complaint, and the
  // usual ten pairs are all under way within a fifth of a second.
  paceMs: 20,
  // RFC 8445 §14.3 wants 500 at least. Browsers repeat the checks of a pair that never worked twenty times a second; a
  // quarter of a second is above nearly every round trip and saves half a second for each packet lost.
  rtoMs: 250,
  // At 0, 0.25, 0.75, 1.75, 3.75, 7.75 s: the last one before `failMs`.
  maxSends: 6,
  directWaitMs: 100,
  relayWaitMs: 500,
  // A NAT that forgets its mapping is noticed by the next check, which opens a new one.
  livenessMs: 2_000,
  retryMs: 500,
  // Below the 30 seconds after which the hastiest NATs forget a mapping (RFC 4787 REQ-5 wants two minutes).
  backupMs: 10_000,
  silentMs: 1_500,
  movedMs: 300,
  disconnectedMs: 5_000,
  // RFC 7675 §5.1.
  consentMs: 30_000,
  // People look at a screen that says "connecting" no longer; with the candidates' own delay it is 15 seconds.
  failMs: 14_500,
};

export interface IceAgentOptions {
  readonly role: IceRole;
  /** Of the first generation; made up when left out. */
  readonly parameters?: IceParameters;
  /** Only answers, never asks: for a host with a public address (RFC 8445 §2.5). */
  readonly isLite?: boolean;
  /** Whether we said `renomination` in our ICE options; true when left out. */
  readonly supportsRenomination?: boolean;
  readonly timings?: Partial<IceTimings>;
}
