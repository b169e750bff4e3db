import type { Millis } from "@naru/webrtc/sansio";
import type { ParticipantId } from "../protocol/index.ts";
import { type AppendResult, type LogEntry, ResumeLog, type ResumeLogLimits } from "./resume-log.ts";
import { type RateLimit, TokenBucket } from "./token-bucket.ts";

/** What a numbered message from the client is: to be handled, seen already, or proof that one before it was lost. */
export type Arrival = "new" | "duplicate" | "gap";

/** The numbers and the log of one session, as they survive the server. */
export interface SessionSnapshot {
  readonly secretHash: string;
  readonly received: number;
  readonly sent: number;
  readonly log: readonly { readonly seq: number; readonly body: string; readonly from?: ParticipantId }[];
}

/** Highest number either side may use: far above what a session can send, far below where doubles lose count. */
export const MAX_SEQ = 0x7fff_ffff;

/** A network that flaps every few seconds is fine; a loop of resumes, each told to the whole room, is not. */
const RESUME_LIMIT: RateLimit = { perSecond: 1, burst: 20 };

/** Looks, a second apart, after which what was sent before them should be acknowledged: a client takes 250 ms. */
const LOOKS_TO_ACKNOWLEDGE = 8;

/**
 * Exact delivery in both directions between the server and one participant, over any number of connections.
 *
 * Three numbers of received messages: *received* has been handled; *captured* was handled when the state now being
 * saved was taken; *durable* has been saved, and only that is acknowledged.
 */
export class Session {
  /** SHA-256 of the secret, hexadecimal. */
  readonly secretHash: string;
  readonly #log: ResumeLog;
  #received: number;
  #captured: number;
  #durable: number;
  /** Highest acknowledgement sent on the present connection. */
  #acknowledged = 0;
  #looks = 0;
  /** What had been sent when acknowledgements were looked after last. */
  #sentBefore = 0;
  #isDeaf = false;
  /** Made by the first resume: most sessions never need it. */
  #resumes: TokenBucket | undefined;

  constructor(secretHash: string, limits: ResumeLogLimits, restored?: SessionSnapshot) {
    this.secretHash = secretHash;
    this.#log = new ResumeLog(
      limits,
      restored && {
        sent: restored.sent,
        entries: restored.log.map((entry) => ({ ...entry, from: entry.from })),
      },
    );
    this.#received = restored?.received ?? 0;
    this.#captured = this.#received;
    this.#durable = this.#received;
  }

  /** Numbers a message to the client and keeps it until acknowledged. */
  append(body: string, from: ParticipantId | undefined): AppendResult {
    return this.#log.append(body, from);
  }

  /** Forgets what `from` has sent and this client has not acknowledged. */
  withdraw(from: ParticipantId): void {
    this.#log.withdraw(from);
  }

  /** Looks after the acknowledgements; once a second while there is a connection, and only then. */
  look(): void {
    this.#looks++;
    if (this.#looks % LOOKS_TO_ACKNOWLEDGE !== 0) return;
    const oldest = this.#log.entries[0];
    this.#isDeaf = oldest !== undefined && oldest.seq <= this.#sentBefore;
    this.#sentBefore = this.#log.sent;
  }

  /** True when the client has had a connection for seconds and acknowledged too little: its full log is its own doing. */
  get isDeaf(): boolean {
    return this.#isDeaf;
  }

  /** Counts a resume; false when there were too many lately. */
  mayResume(now: Millis): boolean {
    this.#resumes ??= new TokenBucket(RESUME_LIMIT, now);
    return this.#resumes.take(1, RESUME_LIMIT, now);
  }

  /** The client is back and has `received`; false when it claims what was never sent. */
  resume(received: number): boolean {
    this.#acknowledged = 0;
    return this.#log.resume(received);
  }

  /** The text of a kept message, with its number and the acknowledgement that is due. */
  envelope(entry: { readonly seq: number; readonly body: string }): string {
    const ack = this.takeAck();
    const head = ack === undefined ? `{"seq":${entry.seq},` : `{"seq":${entry.seq},"ack":${ack},`;
    return head + entry.body.slice(1);
  }

  /** The acknowledgement to send now, or undefined when the client has it already. */
  takeAck(): number | undefined {
    if (this.#durable <= this.#acknowledged) return undefined;
    this.#acknowledged = this.#durable;
    return this.#durable;
  }

  /** The client has everything up to `ack`; false when that was never sent. */
  handleAck(ack: number): boolean {
    return this.#log.acknowledge(ack);
  }

  /** A numbered message came. It counts as received when the answer is `"new"`. */
  handleSeq(seq: number): Arrival {
    if (seq <= this.#received) return "duplicate";
    if (seq !== this.#received + 1) return "gap";
    this.#received = seq;
    return "new";
  }

  /** The state is being taken for saving. */
  capture(): void {
    this.#captured = this.#received;
  }

  /** What was captured has been saved (or nothing is ever saved). True when everything received is now durable. */
  commit(): boolean {
    this.#durable = this.#captured;
    return this.#durable === this.#received;
  }

  /** Messages the client has not acknowledged, oldest first. Valid until the next change. */
  get unacknowledged(): readonly LogEntry[] {
    return this.#log.entries;
  }

  /** What a new connection is told of the messages received. */
  get durable(): number {
    return this.#durable;
  }

  /** As data, to survive the server. */
  snapshot(): SessionSnapshot {
    return {
      secretHash: this.secretHash,
      received: this.#received,
      sent: this.#log.sent,
      log: this.#log.entries.map(({ seq, body, from }) =>
        from === undefined ? { seq, body } : { seq, body, from },
      ),
    };
  }
}
