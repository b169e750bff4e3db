import type { ParticipantId } from "../protocol/index.ts";

/** A reliable message that the client has not acknowledged. */
export interface LogEntry {
  readonly seq: number;
  /** The message as JSON, without `seq` and `ack`. */
  readonly body: string;
  /** Who caused it, for the fair share; undefined when the server did. */
  readonly from: ParticipantId | undefined;
}

/** How much a participant may have waiting. */
export interface ResumeLogLimits {
  readonly maxMessages: number;
  /** Counted as UTF-16, two bytes per unit: the most that the text can occupy in memory. */
  readonly maxBytes: number;
}

/**
 * What became of an appended message: its number; `"overflow"` when the receiver has too much waiting; or
 * `"unfair"` when one sender alone has filled its share, so that nobody can push somebody else out of a room by
 * flooding a connection that is broken at the moment.
 */
export type AppendResult = number | "overflow" | "unfair";

/** One sender may fill this part of a log. */
const FAIR_SHARE = 0.25;

/** The reliable messages of one direction that the other side has not acknowledged, oldest first. Bounded. */
export class ResumeLog {
  readonly #limits: ResumeLogLimits;
  #entries: LogEntry[];
  #bytes = 0;
  #sent: number;

  /** @param sent - Highest number used so far, when the log continues an earlier one that had `entries` left. */
  constructor(limits: ResumeLogLimits, sent = 0, entries: readonly LogEntry[] = []) {
    this.#limits = limits;
    this.#sent = sent;
    this.#entries = [...entries];
    for (const entry of entries) this.#bytes += sizeOf(entry.body);
  }

  /** Numbers and keeps `body`. */
  append(body: string, from: ParticipantId | undefined): AppendResult {
    const size = sizeOf(body);
    if (from !== undefined && this.#isUnfair(size, from)) return "unfair";
    const { maxMessages, maxBytes } = this.#limits;
    if (this.#entries.length >= maxMessages || this.#bytes + size > maxBytes) return "overflow";
    this.#sent++;
    this.#entries.push({ seq: this.#sent, body, from });
    this.#bytes += size;
    return this.#sent;
  }

  /** Forgets what was received; false when `ack` names a number that was never sent. */
  acknowledge(ack: number): boolean {
    if (ack > this.#sent) return false;
    let count = 0;
    while (count < this.#entries.length && this.#entries[count]!.seq <= ack) {
      this.#bytes -= sizeOf(this.#entries[count]!.body);
      count++;
    }
    if (count > 0) this.#entries.splice(0, count);
    return true;
  }

  /**
   * The other side has `received`, which may be more than this log knows to have been sent: it was restored
   * from a state that is a little older than the death of the server. Numbering goes on above it.
   */
  continueAbove(received: number): void {
    this.#sent = Math.max(this.#sent, received);
    this.acknowledge(received);
  }

  /** What is waiting, oldest first. Valid until the next change. */
  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  /** Highest number used. */
  get sent(): number {
    return this.#sent;
  }

  // Only a log that already holds one share's worth is looked through.
  #isUnfair(size: number, from: ParticipantId): boolean {
    const maxMessages = this.#limits.maxMessages * FAIR_SHARE;
    const maxBytes = this.#limits.maxBytes * FAIR_SHARE;
    if (this.#entries.length < maxMessages && this.#bytes + size <= maxBytes) return false;
    let messages = 1;
    let bytes = size;
    for (const entry of this.#entries) {
      if (entry.from !== from) continue;
      messages++;
      bytes += sizeOf(entry.body);
    }
    return messages > maxMessages || bytes > maxBytes;
  }
}

function sizeOf(body: string): number {
  return body.length * 2;
}
