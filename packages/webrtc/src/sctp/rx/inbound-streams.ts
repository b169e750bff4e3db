import { add16, add32, distance16, distance32 } from "../../bytes/index.ts";

/** A message that has come whole. Its bytes are the receiver's. */
export interface SctpMessageEvent {
  readonly type: "message";
  readonly streamId: number;
  readonly ppid: number;
  readonly isUnordered: boolean;
  readonly bytes: Uint8Array;
}

/** What a stored message or fragment costs beside its bytes, so that many small ones fill the window as few large ones do. */
export const STORED_MESSAGE_COST = 128;

/** What is known of a stream from which something has come since it was last reset. */
interface InboundStream {
  /** The next SSN or MID to hand over. */
  nextId: number;
  /** Messages that have come before their turn. */
  waiting: Map<number, SctpMessageEvent> | undefined;
  /** Size of the last message in fragments: a guess for the next. */
  lastFragmentedBytes: number;
}

/** The largest first guess for a message's size, so that one large message does not make every later one expensive. */
const MAX_EXPECTED_BYTES = 1_048_576;

/**
 * Puts the messages of each stream in order (RFC 9260 §6.5, RFC 8260 §2.2.3). A stream takes memory from its first ordered
 * or fragmented message until it is reset.
 */
export class InboundStreams {
  readonly #streams = new Map<number, InboundStream>();
  readonly #isWide: boolean;
  readonly #deliver: SctpMessageEvent[];
  /** Bytes and costs of the messages that wait for their turn. */
  waitingBytes = 0;

  /**
   * @param isWide - Whether messages are numbered in 32 bits (I-DATA) rather than 16.
   * @param deliver - Where messages go whose turn it is.
   */
  constructor(isWide: boolean, deliver: SctpMessageEvent[]) {
    this.#isWide = isWide;
    this.#deliver = deliver;
  }

  /** A whole message has come. */
  accept(message: SctpMessageEvent, messageId: number): void {
    if (message.isUnordered) {
      this.#deliver.push(message);
      return;
    }
    const stream = this.#stream(message.streamId);
    const distance = this.#distance(messageId, stream.nextId);
    if (distance === 0) {
      this.#deliver.push(message);
      stream.nextId = this.#add(messageId, 1);
      if (stream.waiting !== undefined) this.#release(stream, stream.waiting);
      return;
    }
    // A number that has been used before, on a new TSN: the peer is confused, and order is what was promised.
    if (distance < 0) return;
    stream.waiting ??= new Map();
    if (stream.waiting.has(messageId)) return;
    stream.waiting.set(messageId, message);
    this.waitingBytes += message.bytes.length + STORED_MESSAGE_COST;
  }

  /** Messages up to `messageId` will not come any more (RFC 3758 §3.6): hands over what waited for them. */
  skip(streamId: number, messageId: number): void {
    const stream = this.#stream(streamId);
    if (this.#distance(messageId, stream.nextId) < 0) return;
    const waiting = stream.waiting;
    if (waiting !== undefined) {
      const passed = [...waiting.keys()].filter((id) => this.#distance(id, messageId) <= 0);
      passed.sort((a, b) => this.#distance(a, b));
      for (const id of passed) this.#hand(waiting, id);
    }
    stream.nextId = this.#add(messageId, 1);
    if (waiting !== undefined) this.#release(stream, waiting);
  }

  /** Whether an ordered message is still awaited. */
  isAwaited(streamId: number, messageId: number): boolean {
    const stream = this.#streams.get(streamId);
    return this.#distance(messageId, stream?.nextId ?? 0) >= 0;
  }

  /** Starts again from 0 (RFC 6525 §5.2.2 E3). What waited is dropped: what it waited for cannot come any more. */
  reset(streamIds: readonly number[] | "all"): void {
    const ids = streamIds === "all" ? [...this.#streams.keys()] : streamIds;
    for (const id of ids) {
      const waiting = this.#streams.get(id)?.waiting;
      for (const message of waiting?.values() ?? [])
        this.waitingBytes -= message.bytes.length + STORED_MESSAGE_COST;
      this.#streams.delete(id);
    }
  }

  /** How large the next message of a stream may be expected to be. */
  expectedBytes(streamId: number): number {
    return this.#streams.get(streamId)?.lastFragmentedBytes ?? 0;
  }

  /** Remembers the size of a message that came in fragments. */
  noteFragmented(streamId: number, bytes: number): void {
    this.#stream(streamId).lastFragmentedBytes = Math.min(bytes, MAX_EXPECTED_BYTES);
  }

  #stream(streamId: number): InboundStream {
    let stream = this.#streams.get(streamId);
    if (stream === undefined) {
      stream = { nextId: 0, waiting: undefined, lastFragmentedBytes: 0 };
      this.#streams.set(streamId, stream);
    }
    return stream;
  }

  /** Hands over the messages whose turn has come. */
  #release(stream: InboundStream, waiting: Map<number, SctpMessageEvent>): void {
    while (this.#hand(waiting, stream.nextId)) stream.nextId = this.#add(stream.nextId, 1);
    if (waiting.size === 0) stream.waiting = undefined;
  }

  #hand(waiting: Map<number, SctpMessageEvent>, id: number): boolean {
    const message = waiting.get(id);
    if (message === undefined) return false;
    waiting.delete(id);
    this.waitingBytes -= message.bytes.length + STORED_MESSAGE_COST;
    this.#deliver.push(message);
    return true;
  }

  #distance(a: number, b: number): number {
    return this.#isWide ? distance32(a, b) : distance16(a, b);
  }

  #add(value: number, step: number): number {
    return this.#isWide ? add32(value, step) : add16(value, step);
  }
}
