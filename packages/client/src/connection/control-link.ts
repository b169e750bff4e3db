import { type LogFields, type Logger, Queue } from "@naru/webrtc/sansio";
import { ReliableDelivery } from "./reliable-delivery.ts";
import { isRecord, parseJson } from "./server-message.ts";

/** Longest control message: a chat message of 4000 characters, escaped, fits several times. */
const MAX_CONTROL_LENGTH = 64 * 1024;
const MAX_EVENTS = 4_096;

/** A message between two participants; what else it holds depends on its type. */
export type ControlMessage = Readonly<Record<string, unknown>> & { readonly type: string };

/**
 * Exactly-once messages between two participants, over control channels that come and go with their peer
 * connections: the same envelope as signaling. After a channel opens each side says `hello` with the number it has;
 * then the rest is sent again. Pure: texts in and out.
 */
export class ControlLink {
  readonly #delivery: ReliableDelivery = new ReliableDelivery();
  readonly #transmits: Queue<string> = new Queue(MAX_EVENTS);
  readonly #messages: Queue<ControlMessage> = new Queue(MAX_EVENTS);
  readonly #log: Logger;
  /** The other side's hello came over this channel: it is known what it has. */
  #live = false;
  #ackDue = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Sends, now or once a channel is open. False when too much is waiting: it was not taken. */
  send(message: ControlMessage): boolean {
    const text = this.#delivery.send((seq) =>
      JSON.stringify({ ...message, seq, ack: this.#delivery.received }),
    );
    if (text === undefined) return false;
    if (this.#live) {
      this.#transmits.push(text);
      this.#ackDue = false;
    }
    return true;
  }

  /** A new channel is open. */
  handleOpen(): void {
    this.#transmits.clear();
    this.#live = false;
    this.#transmits.push(JSON.stringify({ type: "hello", ack: this.#delivery.received }));
  }

  /** The channel is gone; what is not acknowledged waits for the next one. */
  handleClose(): void {
    this.#live = false;
    this.#transmits.clear();
  }

  handleText(text: string): void {
    const message = text.length > MAX_CONTROL_LENGTH ? undefined : parseJson(text);
    if (!isControlMessage(message)) {
      this.#warn("dropped what is no control message", { length: text.length });
      return;
    }
    const ack = numberOf(message["ack"]);
    if (ack !== undefined) this.#delivery.handleAck(ack);
    if (message.type === "hello") {
      if (this.#live) return;
      this.#live = true;
      for (const pending of this.#delivery.unacknowledged) this.#transmits.push(pending);
      return;
    }
    const seq = numberOf(message["seq"]);
    if (seq === undefined) return;
    const arrival = this.#delivery.handleArrival(seq);
    this.#ackDue = true;
    if (arrival === "deliver") {
      if (!this.#messages.push(message)) this.#warn("dropped a control message: too many at once", {});
    } else if (arrival === "gap") {
      // An ordered, reliable channel loses nothing: the other side breaks the rules.
      this.#warn("dropped a control message out of order", { seq });
    }
  }

  /** Acknowledges what came, if nothing carried that yet. Call a moment after messages came. */
  flushAck(): void {
    if (!this.#ackDue || !this.#live) return;
    this.#ackDue = false;
    this.#transmits.push(JSON.stringify({ type: "ack", ack: this.#delivery.received }));
  }

  pollTransmit(): string | undefined {
    return this.#transmits.shift();
  }

  pollMessage(): ControlMessage | undefined {
    return this.#messages.shift();
  }

  get isAckDue(): boolean {
    return this.#ackDue;
  }

  /** Whether messages arrive at once. */
  get isLive(): boolean {
    return this.#live;
  }

  #warn(message: string, fields: LogFields): void {
    this.#log.warn(message, fields);
  }
}

function isControlMessage(value: unknown): value is ControlMessage {
  return isRecord(value) && typeof value["type"] === "string";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
