import { distance16, distance32 } from "../../bytes/index.ts";
import { encodeForwardTsn, type SkippedMessage } from "../chunk/forward-tsn.ts";
import { encodeIForwardTsn } from "../chunk/i-forward-tsn.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";

/** Streams told in one FORWARD TSN: with 8 bytes each they fit the smallest packet. */
const MAX_STREAMS = 128;

/** The last message given up on each stream, until the peer knows. */
export class SkippedMessages {
  readonly #isInterleaved: boolean;
  readonly #byStream = new Map<number, SkippedMessage>();

  constructor(isInterleaved: boolean) {
    this.#isInterleaved = isInterleaved;
  }

  /** Remembers a message; false when no more streams fit. */
  add(message: OutgoingMessage): boolean {
    // RFC 3758 §3.2: unordered messages have no number in DATA, so they are not told.
    if (!this.#isInterleaved && message.isUnordered) return true;
    const { isUnordered, messageId } = message;
    const streamId = message.stream.id;
    const key = streamId * 2 + (isUnordered ? 1 : 0);
    const known = this.#byStream.get(key);
    if (known === undefined && this.#byStream.size >= MAX_STREAMS) return false;
    if (known === undefined || this.#distance(messageId, known.messageId) > 0) {
      this.#byStream.set(key, { streamId, isUnordered, messageId });
    }
    return true;
  }

  /** The peer has acknowledged up to a TSN: when that is all, there is nothing more to tell. */
  forget(cumulativeTsnAck: number, advancedAckPoint: number): void {
    if (this.#byStream.size > 0 && distance32(cumulativeTsnAck, advancedAckPoint) >= 0)
      this.#byStream.clear();
  }

  /** A whole FORWARD TSN or I-FORWARD-TSN chunk. */
  encode(newCumulativeTsn: number): Uint8Array {
    const chunk = { newCumulativeTsn, skipped: [...this.#byStream.values()] };
    return this.#isInterleaved ? encodeIForwardTsn(chunk) : encodeForwardTsn(chunk);
  }

  #distance(a: number, b: number): number {
    return this.#isInterleaved ? distance32(a, b) : distance16(a, b);
  }
}
