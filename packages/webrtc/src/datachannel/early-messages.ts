import type { SctpMessageEvent } from "../sctp/index.ts";

/** Bytes and messages that may be ahead of their channels, of all streams: what a peer sends in the first moments. */
const MAX_BYTES = 1_048_576;
const MAX_MESSAGES = 1024;

/** Messages on streams that have no channel yet: the DATA_CHANNEL_OPEN, or our side of a negotiated channel, is still to come. */
export class EarlyMessages {
  readonly #byStream = new Map<number, SctpMessageEvent[]>();
  #bytes = 0;
  #count = 0;

  /** Keeps a message; false when there is no room. */
  keep(message: SctpMessageEvent): boolean {
    if (this.#count >= MAX_MESSAGES || this.#bytes + message.bytes.length > MAX_BYTES) return false;
    const messages = this.#byStream.get(message.streamId);
    if (messages === undefined) this.#byStream.set(message.streamId, [message]);
    else messages.push(message);
    this.#bytes += message.bytes.length;
    this.#count++;
    return true;
  }

  /** Takes the messages of a stream. */
  take(streamId: number): readonly SctpMessageEvent[] {
    const messages = this.#byStream.get(streamId);
    if (messages === undefined) return [];
    this.#byStream.delete(streamId);
    for (const { bytes } of messages) this.#bytes -= bytes.length;
    this.#count -= messages.length;
    return messages;
  }

  clear(): void {
    this.#byStream.clear();
    this.#bytes = 0;
    this.#count = 0;
  }
}
