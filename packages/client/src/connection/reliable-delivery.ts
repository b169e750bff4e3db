/** What to do with a numbered message that arrived. */
export type Arrival =
  /** New, and next in order. */
  | "deliver"
  /** Seen before: drop it. */
  | "duplicate"
  /** One before it is missing: the connection cannot be trusted any more, resume. */
  | "gap";

/** Limits of what waits for an acknowledgement. */
export interface ReliableDeliveryOptions {
  readonly maxPendingMessages: number;
  readonly maxPendingBytes: number;
}

/** Enough for half a minute without a server; a chat that is written to a dead link stays small. */
export const DEFAULT_RELIABLE_DELIVERY_OPTIONS: ReliableDeliveryOptions = {
  maxPendingMessages: 1_024,
  maxPendingBytes: 4 * 1024 * 1024,
};

interface Pending {
  readonly seq: number;
  readonly text: string;
}

/**
 * Exactly-once delivery in order over connections that break: one instance for each session, over all its
 * connections. Messages are numbered from 1 and kept until acknowledged; after a reconnection both sides say what
 * they have, and the rest is sent again. Signaling and the links between participants use the same rules.
 */
export class ReliableDelivery {
  readonly #options: ReliableDeliveryOptions;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #sent = 0;
  #received = 0;

  constructor(options: ReliableDeliveryOptions = DEFAULT_RELIABLE_DELIVERY_OPTIONS) {
    this.#options = options;
  }

  /**
   * Numbers a message and keeps it.
   *
   * @param encode - Makes the text from the number.
   * @returns The text to send; undefined when too much is waiting: the message was not taken.
   */
  send(encode: (seq: number) => string): string | undefined {
    if (this.#pending.length >= this.#options.maxPendingMessages) return undefined;
    const text = encode(this.#sent + 1);
    if (this.#pendingBytes + text.length > this.#options.maxPendingBytes) return undefined;
    this.#sent++;
    this.#pending.push({ seq: this.#sent, text });
    this.#pendingBytes += text.length;
    return text;
  }

  /** The other side has everything up to `seq`. Numbers that were never sent are ignored. */
  handleAck(seq: number): void {
    if (seq > this.#sent) return;
    while (this.#pending[0] !== undefined && this.#pending[0].seq <= seq) {
      this.#pendingBytes -= this.#pending.shift()?.text.length ?? 0;
    }
  }

  /** Judges the number of a message that arrived, and counts it when it is to be delivered. */
  handleArrival(seq: number): Arrival {
    if (seq <= this.#received) return "duplicate";
    if (seq !== this.#received + 1) return "gap";
    this.#received = seq;
    return "deliver";
  }

  /** Forgets everything: a new session begins. */
  reset(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#sent = 0;
    this.#received = 0;
  }

  /** Everything to send again after a reconnection, oldest first. */
  get unacknowledged(): readonly string[] {
    return this.#pending.map((pending) => pending.text);
  }

  /** Highest number received in order. */
  get received(): number {
    return this.#received;
  }
}
