import { Queue } from "../../sansio/index.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";

/** Messages that wait on one stream: what an application can queue in a turn and still be meaning it. */
const MAX_QUEUED_MESSAGES = 1_048_576;

/** The weight of a stream about which nothing was said: normal priority (RFC 8831 §6.4). */
const NORMAL_WEIGHT = 256;

/** One outgoing stream that has been used since it was last reset. */
export class OutgoingStream {
  readonly id: number;
  readonly messages: Queue<OutgoingMessage> = new Queue(MAX_QUEUED_MESSAGES);
  /** Share of the association's capacity, relative to other streams (RFC 8260 §3.6). */
  weight: number = NORMAL_WEIGHT;
  /** Bytes that wait to be sent for the first time. */
  bufferedBytes = 0;
  /** An event is due when {@link bufferedBytes} falls to this. */
  lowThresholdBytes = 0;
  nextSsn = 0;
  nextOrderedMid = 0;
  nextUnorderedMid = 0;
  /** Bytes sent over weight: the stream with the least is next. */
  virtualTime = 0;
  /** Place in the scheduler's heap; −1 outside. */
  heapIndex = -1;

  constructor(id: number) {
    this.id = id;
  }

  /** Starts the numbers again (RFC 6525 §5.2.7 H4). */
  resetNumbers(): void {
    this.nextSsn = 0;
    this.nextOrderedMid = 0;
    this.nextUnorderedMid = 0;
  }
}
