import type { Millis } from "../../sansio/index.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { OutgoingStream } from "./outgoing-stream.ts";
import { StreamScheduler } from "./stream-scheduler.ts";

/**
 * Messages that have not been sent, by stream, and whose turn it is. With interleaving the turn changes after every fragment;
 * without, a message that was begun is finished first, since its fragments need consecutive TSNs (RFC 9260 §6.9).
 */
export class SendQueue {
  readonly #streams = new Map<number, OutgoingStream>();
  readonly #scheduler = new StreamScheduler();
  readonly #low = new Set<number>();
  #isInterleaved = false;
  /** Without interleaving: the message that was begun. */
  #begun: OutgoingMessage | undefined;
  /** Bytes that wait, of all streams. */
  bufferedBytes = 0;
  /** Messages given up before any of them was sent. */
  expired = 0;

  /** Says what was agreed on. Before anything is sent. */
  setInterleaved(isInterleaved: boolean): void {
    this.#isInterleaved = isInterleaved;
  }

  /** The stream, made when it is not there. */
  stream(id: number): OutgoingStream {
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      stream = new OutgoingStream(id);
      this.#streams.set(id, stream);
    }
    return stream;
  }

  /** The stream if it has been used since it was last reset. */
  find(id: number): OutgoingStream | undefined {
    return this.#streams.get(id);
  }

  /** Queues a message; false when the stream holds as many as it may. */
  push(message: OutgoingMessage): boolean {
    const { stream } = message;
    if (!stream.messages.push(message)) return false;
    if (message.isCounted) stream.bufferedBytes += message.bytes.length;
    this.bufferedBytes += message.bytes.length;
    this.#scheduler.add(stream);
    return true;
  }

  /** The message from which the next fragment is to be cut, or undefined. Drops those that have expired unsent. */
  peek(now: Millis): OutgoingMessage | undefined {
    if (this.#begun !== undefined) return this.#begun;
    for (;;) {
      const message = this.#scheduler.peek()?.messages.peek();
      if (message === undefined || message.sentBytes > 0 || message.expiresAt > now) return message;
      this.expired++;
      this.drop(message);
    }
  }

  /** Whether anything waits. */
  get isEmpty(): boolean {
    return this.#scheduler.peek() === undefined;
  }

  /** `bytes` of the message that {@link peek} answered have been put into a fragment. */
  advance(message: OutgoingMessage, bytes: number): void {
    const { stream } = message;
    message.sentBytes += bytes;
    this.#scheduler.charge(stream, bytes);
    this.#release(message, bytes);
    if (message.sentBytes < message.bytes.length) {
      if (!this.#isInterleaved) this.#begun = message;
      return;
    }
    this.#begun = undefined;
    this.#shift(stream);
  }

  /** Gives up the rest of the message at the head of its stream. */
  drop(message: OutgoingMessage): void {
    const { stream } = message;
    if (this.#begun === message) this.#begun = undefined;
    this.#release(message, message.bytes.length - message.sentBytes);
    message.sentBytes = message.bytes.length;
    this.#shift(stream);
  }

  /** Drops the messages of a stream that were not begun. */
  clear(stream: OutgoingStream): void {
    const first = stream.messages.peek();
    const begun = first !== undefined && first.sentBytes > 0 ? first : undefined;
    for (let message = stream.messages.shift(); message; message = stream.messages.shift()) {
      if (message !== begun) this.#release(message, message.bytes.length);
    }
    if (begun === undefined) this.#scheduler.remove(stream);
    else stream.messages.push(begun);
  }

  /** Whether messages of the stream wait. */
  hasMessages(id: number): boolean {
    return (this.#streams.get(id)?.messages.length ?? 0) > 0;
  }

  /** Forgets a stream: it was reset. */
  forget(id: number): void {
    this.#streams.delete(id);
  }

  /** The next stream whose buffer has fallen to its threshold. */
  shiftLow(): number | undefined {
    if (this.#low.size === 0) return undefined;
    const { value } = this.#low.values().next();
    if (value !== undefined) this.#low.delete(value);
    return value;
  }

  /** Streams in use. */
  streams(): Iterable<OutgoingStream> {
    return this.#streams.values();
  }

  #release(message: OutgoingMessage, bytes: number): void {
    this.bufferedBytes -= bytes;
    if (!message.isCounted) return;
    const { stream } = message;
    const before = stream.bufferedBytes;
    stream.bufferedBytes -= bytes;
    const threshold = stream.lowThresholdBytes;
    if (before > threshold && stream.bufferedBytes <= threshold) this.#low.add(stream.id);
  }

  #shift(stream: OutgoingStream): void {
    stream.messages.shift();
    if (stream.messages.length === 0) this.#scheduler.remove(stream);
  }
}
