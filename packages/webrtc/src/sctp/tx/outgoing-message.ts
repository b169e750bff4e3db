import type { Millis } from "../../sansio/index.ts";
import type { OutgoingStream } from "./outgoing-stream.ts";

/** More retransmissions than a counter of 16 bits counts: reliable. */
export const UNLIMITED_RETRANSMITS = 0x1_0000;

/** A message on its way out. Its bytes were given away by the caller, and fragments are cut from them when packets are built. */
export class OutgoingMessage {
  readonly stream: OutgoingStream;
  readonly bytes: Uint8Array;
  readonly ppid: number;
  readonly isUnordered: boolean;
  /** Whether its bytes count as the stream's buffered amount. */
  readonly isCounted: boolean;
  maxRetransmits: number;
  /** When it is not worth sending any more (RFC 3758 §4.1); `Infinity` for never. */
  expiresAt: Millis;
  /** SSN or MID, given when its first fragment is sent. */
  messageId = 0;
  /** Bytes that have been put into fragments. */
  sentBytes = 0;
  /** Number of the next fragment. */
  nextFsn = 0;
  /** Given up: none of its fragments is sent again. */
  isAbandoned = false;

  constructor(
    stream: OutgoingStream,
    bytes: Uint8Array,
    ppid: number,
    isUnordered: boolean,
    maxRetransmits: number,
    expiresAt: Millis,
    isCounted: boolean,
  ) {
    this.stream = stream;
    this.bytes = bytes;
    this.ppid = ppid;
    this.isUnordered = isUnordered;
    this.maxRetransmits = maxRetransmits;
    this.expiresAt = expiresAt;
    this.isCounted = isCounted;
  }

  /** The peer does not understand that messages are given up: this one will be delivered. */
  makeReliable(): void {
    this.maxRetransmits = UNLIMITED_RETRANSMITS;
    this.expiresAt = Number.POSITIVE_INFINITY;
  }
}
