import type { Millis } from "../sansio/index.ts";

/** What an association did since it was made. */
export interface SctpCounters {
  packetsReceived: number;
  packetsSent: number;
  /** Packets that were no SCTP, or for somebody else. */
  malformed: number;
  badChecksum: number;
  badTag: number;
  /** Chunks out of place: of another state, or with a content that makes no sense. */
  ignoredChunks: number;
  /** Packets not sent because the arena had no slot; they are sent later. */
  arenaFull: number;
}

/** Counters at the start. */
export function createCounters(): SctpCounters {
  return {
    packetsReceived: 0,
    packetsSent: 0,
    malformed: 0,
    badChecksum: 0,
    badTag: 0,
    ignoredChunks: 0,
    arenaFull: 0,
  };
}

/** Numbers of an association, as of a moment. */
export interface SctpStatistics {
  readonly smoothedRttMs: Millis | undefined;
  readonly congestionWindowBytes: number;
  readonly peerWindowBytes: number;
  readonly flightBytes: number;
  /** What packets may measure now. */
  readonly packetBytes: number;
  readonly retransmittedChunks: number;
  readonly abandonedMessages: number;
  /** How often the window was reduced. */
  readonly congestionEvents: number;
  readonly duplicateChunks: number;
  readonly refusedChunks: number;
}
