import type { SocketId } from "@naru/webrtc/bytes";
import type { Millis, WheelEntry } from "@naru/webrtc/sansio";
import { MAX_STREAM_FRAME_BYTES, StreamDeframer } from "@naru/webrtc/stun";
import type { Client } from "./allocation.ts";
import type { Deadlines } from "./deadlines.ts";
import { placeOf } from "./quota.ts";

export interface ClientStreamsOptions {
  /** Streams of clients at the same time. */
  readonly total: number;
  /** From one address (an IPv6 /64 counts as one). */
  readonly perAddress: number;
  /** A stream without an allocation has so long between two messages. */
  readonly idleTimeoutMs: Millis;
}

/** As many as allocations, and as much time as a slow client needs to find its password. */
export const DEFAULT_CLIENT_STREAMS_OPTIONS: ClientStreamsOptions = {
  total: 16_384,
  perAddress: 1024,
  idleTimeoutMs: 30_000,
};

/** The longest message a stranger needs to send: an Allocate request with every text as long as it may be. */
const STRANGER_FRAME_BYTES = 4096;

/** One TCP or TLS connection of a client. */
export interface ClientStream {
  readonly client: Client;
  readonly deframer: StreamDeframer;
  readonly entry: WheelEntry;
  /** It has an allocation: it may send large frames and be silent for long. */
  isTrusted: boolean;
}

/** The streams of clients, with their limits. */
export class ClientStreams {
  readonly #options: ClientStreamsOptions;
  readonly #deadlines: Deadlines;
  readonly #streams = new Map<SocketId, ClientStream>();
  readonly #places = new Map<string, number>();
  readonly #onIdle: (stream: ClientStream) => void;

  /** @param onIdle - A stream without an allocation has been silent for too long. */
  constructor(options: ClientStreamsOptions, deadlines: Deadlines, onIdle: (stream: ClientStream) => void) {
    this.#options = options;
    this.#deadlines = deadlines;
    this.#onIdle = onIdle;
  }

  get size(): number {
    return this.#streams.size;
  }

  get(stream: SocketId): ClientStream | undefined {
    return this.#streams.get(stream);
  }

  /** Takes a stream in; undefined when there are too many. */
  add(client: Client, now: Millis): ClientStream | undefined {
    const place = placeOf(client.address.ip);
    const count = this.#places.get(place) ?? 0;
    if (this.#streams.size >= this.#options.total || count >= this.#options.perAddress) return undefined;
    this.#places.set(place, count + 1);
    const stream: ClientStream = {
      client,
      deframer: new StreamDeframer(STRANGER_FRAME_BYTES),
      entry: { onDeadline: () => this.#onIdle(stream) },
      isTrusted: false,
    };
    this.#streams.set(client.socket, stream);
    this.touch(stream, now);
    return stream;
  }

  /** Something sensible came. */
  touch(stream: ClientStream, now: Millis): void {
    if (!stream.isTrusted) this.#deadlines.arm(stream.entry, now + this.#options.idleTimeoutMs);
  }

  /** It has an allocation now, or has none any more. */
  setTrusted(stream: ClientStream, isTrusted: boolean, now: Millis): void {
    if (stream.isTrusted === isTrusted) return;
    stream.isTrusted = isTrusted;
    stream.deframer.maximumFrameBytes = isTrusted ? MAX_STREAM_FRAME_BYTES : STRANGER_FRAME_BYTES;
    if (isTrusted) this.#deadlines.disarm(stream.entry);
    else this.touch(stream, now);
  }

  /** Forgets a stream: it was closed, or carries no more messages. */
  remove(id: SocketId): ClientStream | undefined {
    const stream = this.#streams.get(id);
    if (stream === undefined) return undefined;
    this.#streams.delete(id);
    this.#deadlines.disarm(stream.entry);
    const place = placeOf(stream.client.address.ip);
    const count = (this.#places.get(place) ?? 1) - 1;
    if (count === 0) this.#places.delete(place);
    else this.#places.set(place, count);
    return stream;
  }
}
