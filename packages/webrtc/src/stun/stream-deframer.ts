import { readUint16, readUint32 } from "../bytes/index.ts";
import { paddedLength, STUN_HEADER_BYTES, STUN_MAGIC_COOKIE } from "./header.ts";

/** Header of a ChannelData message: channel number and length (RFC 8656 §12.4). */
const CHANNEL_HEADER_BYTES = 4;

/** From here the magic cookie of a STUN message can be checked. */
const COOKIE_END = 8;

/** The longest frame there can be: a STUN message whose length field is full. */
export const MAX_STREAM_FRAME_BYTES: number = STUN_HEADER_BYTES + 0xfffc;

/** A first buffer: most messages that arrive in pieces are short. */
const FIRST_BUFFER_BYTES = 512;

/** A buffer up to here is kept for the next message; a larger one is given back. */
const KEPT_BUFFER_BYTES = 2048;

const NOTHING = new Uint8Array(0);

/** Why a stream cannot be read any further: it has to be closed, since nothing tells where the next frame begins. */
export type StreamFrameFailure = "not-a-frame" | "too-long";

/**
 * Cuts a TCP or TLS stream into STUN messages and ChannelData (RFC 8489 §6.2.2, RFC 8656 §12.5). Frames that arrive whole are lent as they
 * lie in the received bytes; one that arrives in pieces is put together in a buffer which grows with what has arrived,
 * never with what a length field promises.
 *
 * @example
 * deframer.push(bytes);
 * for (let frame = deframer.next(); frame !== undefined; frame = deframer.next()) handle(frame);
 * if (deframer.failure !== undefined) stream.destroy();
 */
export class StreamDeframer {
  #maximumFrameBytes: number;
  /** What was pushed, lent, and how far it has been read. */
  #input: Uint8Array = NOTHING;
  #position = 0;
  /** The beginning of a frame whose end has not arrived. */
  #buffer: Uint8Array = NOTHING;
  #buffered = 0;
  #failure: StreamFrameFailure | undefined;

  /** @param maximumFrameBytes - Longer frames are a failure; padding counts. */
  constructor(maximumFrameBytes: number = MAX_STREAM_FRAME_BYTES) {
    this.#maximumFrameBytes = maximumFrameBytes;
  }

  /** Changes the limit for frames to come: a client that has proved itself may send more than a stranger. */
  set maximumFrameBytes(bytes: number) {
    this.#maximumFrameBytes = bytes;
  }

  /** Why no more frames will come; undefined while all is well. */
  get failure(): StreamFrameFailure | undefined {
    return this.#failure;
  }

  /** Bytes of an unfinished frame that are held. */
  get heldBytes(): number {
    return this.#buffered;
  }

  /** Takes received bytes, lent until {@link next} has answered undefined: it must be asked until then. */
  push(bytes: Uint8Array): void {
    this.#input = bytes;
    this.#position = 0;
  }

  /**
   * The next frame: a whole STUN message, or a ChannelData message without its padding.
   *
   * @returns a view that is good until the next call of {@link next} or {@link push}; undefined when more has to arrive
   *   first, or after a {@link failure}.
   */
  next(): Uint8Array | undefined {
    if (this.#failure !== undefined) return undefined;
    return this.#buffered > 0 ? this.#completeBuffered() : this.#takeWhole();
  }

  /**
   * What was pushed and is not part of a frame that {@link next} has given: for a connection that carries no more
   * frames from now on (RFC 6062 §5.4). Lent; empty when there is nothing.
   */
  get rest(): Uint8Array {
    return this.#input.subarray(this.#position);
  }

  /** No frame is under way: the next one may lie whole in the input. */
  #takeWhole(): Uint8Array | undefined {
    const available = this.#input.length - this.#position;
    if (available === 0) return undefined;
    const start = this.#position;
    const frame = this.#frameBytes(this.#input, start, available);
    if (frame === undefined) return undefined;
    if (frame > available) {
      this.#hold(available);
      return undefined;
    }
    this.#position += frame;
    return this.#input.subarray(start, start + unpaddedBytes(this.#input, start, frame));
  }

  /** A frame is under way: moves what belongs to it behind what is held. */
  #completeBuffered(): Uint8Array | undefined {
    for (;;) {
      const frame = this.#frameBytes(this.#buffer, 0, this.#buffered);
      if (frame === undefined) return undefined;
      if (this.#buffered === frame) return this.#release(frame);
      const available = this.#input.length - this.#position;
      if (available === 0) return undefined;
      this.#hold(Math.min(available, frame - this.#buffered));
    }
  }

  #release(frame: number): Uint8Array {
    const bytes = this.#buffer.subarray(0, unpaddedBytes(this.#buffer, 0, frame));
    this.#buffered = 0;
    if (this.#buffer.length > KEPT_BUFFER_BYTES) this.#buffer = NOTHING;
    return bytes;
  }

  /**
   * Length of the frame that begins at `start`, as far as it can be told from `available` bytes: at first only the
   * header's, so that it is read bit by bit without ever reading too much. Undefined after a failure.
   */
  #frameBytes(bytes: Uint8Array, start: number, available: number): number | undefined {
    const first = bytes[start]!;
    // RFC 8656 §12: 0 to 3 is STUN, 64 to 79 a channel, in RFC 5766 §11 up to 127. Nothing else is spoken here.
    const isStun = first < 4;
    if (!isStun && first >>> 6 !== 1) return this.#fail("not-a-frame");
    if (available < CHANNEL_HEADER_BYTES) return CHANNEL_HEADER_BYTES;
    const length = readUint16(bytes, start + 2);
    const frame = isStun ? STUN_HEADER_BYTES + length : paddedLength(CHANNEL_HEADER_BYTES + length);
    if (frame > this.#maximumFrameBytes) return this.#fail("too-long");
    if (isStun && length % 4 !== 0) return this.#fail("not-a-frame");
    if (isStun && available >= COOKIE_END && readUint32(bytes, start + 4) !== STUN_MAGIC_COOKIE) {
      return this.#fail("not-a-frame");
    }
    return frame;
  }

  /** Copies `count` bytes of the input behind what is held. */
  #hold(count: number): void {
    const needed = this.#buffered + count;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, FIRST_BUFFER_BYTES, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, this.#buffered));
      this.#buffer = grown;
    }
    this.#buffer.set(this.#input.subarray(this.#position, this.#position + count), this.#buffered);
    this.#position += count;
    this.#buffered = needed;
  }

  #fail(failure: StreamFrameFailure): undefined {
    this.#failure = failure;
    this.#buffer = NOTHING;
    this.#buffered = 0;
    this.#input = NOTHING;
    return undefined;
  }
}

/** Of a whole frame at `start`, how much is not padding. */
function unpaddedBytes(bytes: Uint8Array, start: number, frame: number): number {
  return bytes[start]! < 4 ? frame : CHANNEL_HEADER_BYTES + readUint16(bytes, start + 2);
}
