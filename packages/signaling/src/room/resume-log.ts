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

/** Why a message was not appended. */
export interface AppendRefusal {
  /**
   * Who has filled the log; undefined when the receiver's own mistakes have. It is that one who has to go, so that
   * nobody, and no group, can push somebody else out of a room by flooding a connection that does not acknowledge
   * at the moment.
   */
  readonly culprit: ParticipantId | undefined;
}

/** What became of an appended message: its number, or why there is none. */
export type AppendResult = number | AppendRefusal;

/** More than a server sends one participant between its last save and its death; a client that claims more lies. */
const MAX_LOST = 100_000;

/** One sender may fill this part of a log. */
const FAIR_SHARE = 0.25;

/**
 * Takes the place of a message whose sender was expelled: numbers have no gaps. Its type is unknown to every client,
 * and such messages are counted and ignored.
 */
const WITHDRAWN = '{"type":"withdrawn"}';

/** Places without a message may be this many times as many as messages: about 1 MB, some 60 senders expelled at once. */
const MAX_WITHDRAWN = 16;

/** The reliable messages of one direction that the other side has not acknowledged, oldest first. Bounded. */
export class ResumeLog {
  readonly #limits: ResumeLogLimits;
  #entries: LogEntry[];
  /** Of messages, withdrawn ones left out. */
  #messages = 0;
  #bytes = 0;
  #sent: number;
  /**
   * Set between the restart of a server and the first resume: entries numbered above it have never been sent, and
   * get their final numbers when the client says what it has.
   */
  #restoredSent: number | undefined;

  /** @param restored - What {@link sent} and {@link entries} were in the log that this one continues. */
  constructor(
    limits: ResumeLogLimits,
    restored?: { readonly sent: number; readonly entries: readonly LogEntry[] },
  ) {
    this.#limits = limits;
    this.#entries = [...(restored?.entries ?? [])];
    this.#restoredSent = restored?.sent;
    this.#sent = Math.max(restored?.sent ?? 0, this.#entries.at(-1)?.seq ?? 0);
    for (const entry of this.#entries) this.#count(entry, 1);
  }

  /** Numbers and keeps `body`. */
  append(body: string, from: ParticipantId | undefined): AppendResult {
    const size = sizeOf(body);
    if (from !== undefined && this.#isUnfair(size, from)) return { culprit: from };
    const { maxMessages, maxBytes } = this.#limits;
    if (this.#entries.length >= maxMessages * MAX_WITHDRAWN) return { culprit: undefined };
    if (this.#messages >= maxMessages || this.#bytes + size > maxBytes) return { culprit: this.#largest() };
    this.#sent++;
    const entry: LogEntry = { seq: this.#sent, body, from };
    this.#entries.push(entry);
    this.#count(entry, 1);
    return this.#sent;
  }

  /** Makes room by forgetting what `from` has sent; the numbers stay. */
  withdraw(from: ParticipantId): void {
    this.#entries = this.#entries.map((entry) => {
      if (entry.from !== from) return entry;
      this.#count(entry, -1);
      return { seq: entry.seq, body: WITHDRAWN, from: undefined };
    });
  }

  /** Forgets what was received; false when `ack` names a number that was never sent. */
  acknowledge(ack: number): boolean {
    if (ack > this.#sent) return false;
    let count = 0;
    while (count < this.#entries.length && this.#entries[count]!.seq <= ack) {
      this.#count(this.#entries[count]!, -1);
      count++;
    }
    if (count > 0) this.#entries.splice(0, count);
    return true;
  }

  /**
   * A client is back and has `received`; false when it claims what was never sent.
   *
   * After a restart it may have more than this log knows of, because the state that was restored is a little older
   * than the death of the server. Then numbering goes on above what it has.
   */
  resume(received: number): boolean {
    const restoredSent = this.#restoredSent;
    if (restoredSent === undefined) return this.acknowledge(received);
    if (received > restoredSent + MAX_LOST) return false;
    this.#restoredSent = undefined;
    const fresh = this.#entries.filter((entry) => entry.seq > restoredSent);
    this.#sent = restoredSent;
    this.acknowledge(Math.min(received, restoredSent));
    const kept = this.#entries.filter((entry) => entry.seq <= restoredSent);
    this.#sent = Math.max(restoredSent, received);
    this.#entries = [...kept, ...fresh.map((entry) => ({ ...entry, seq: ++this.#sent }))];
    return true;
  }

  /** What is waiting, oldest first. Valid until the next change. */
  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  /** Highest number that may have been sent; what waits above it has not been. */
  get sent(): number {
    return this.#restoredSent ?? this.#sent;
  }

  #count(entry: LogEntry, sign: 1 | -1): void {
    if (entry.body === WITHDRAWN) return;
    this.#messages += sign;
    this.#bytes += sign * sizeOf(entry.body);
  }

  /** Who has the largest part of the limits in use: by number or by size, whichever is more. */
  #largest(): ParticipantId | undefined {
    const { maxMessages, maxBytes } = this.#limits;
    const parts = new Map<ParticipantId | undefined, { messages: number; bytes: number }>();
    let culprit: ParticipantId | undefined;
    let largest = 0;
    for (const { from, body } of this.#entries) {
      if (body === WITHDRAWN) continue;
      const part = parts.get(from) ?? { messages: 0, bytes: 0 };
      parts.set(from, part);
      part.messages++;
      part.bytes += sizeOf(body);
      const share = Math.max(part.messages / maxMessages, part.bytes / maxBytes);
      if (share <= largest) continue;
      largest = share;
      culprit = from;
    }
    return culprit;
  }

  // Only a log that already holds one share's worth is looked through.
  #isUnfair(size: number, from: ParticipantId): boolean {
    const maxMessages = this.#limits.maxMessages * FAIR_SHARE;
    const maxBytes = this.#limits.maxBytes * FAIR_SHARE;
    if (this.#messages < maxMessages && this.#bytes + size <= maxBytes) return false;
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
