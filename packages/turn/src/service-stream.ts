import { copyBytes, type SocketId, type TransportAddress } from "@naru/webrtc/bytes";
import type { StreamHandler, StreamIo } from "@naru/webrtc/platform";

/** Whose connection it is. */
export type StreamSide = "client" | "peer";

/** What a stream tells the service. */
export interface ServiceStreamOwner {
  /** Bytes of a client that are messages; lent for the call. */
  handleMessages(stream: ServiceStream, bytes: Uint8Array): void;
  handleClosed(stream: ServiceStream): void;
}

/** What may wait for a client that reads slowly: half a second at 4 Mbit/s. What comes on top is lost, as by UDP. */
const MAX_WAITING_BYTES = 256 * 1024;

/** What a peer may have sent before anybody reads: pausing comes at once, so that this is hardly ever anything. */
const MAX_EARLY_BYTES = 256 * 1024;

/**
 * A stream with its id: it carries messages of a client, or once it is joined to another one its bytes as they are
 * (RFC 6062 §5.4), no faster than that one takes them.
 */
export class ServiceStream implements StreamHandler {
  readonly id: SocketId;
  readonly side: StreamSide;
  readonly #owner: ServiceStreamOwner;
  #io: StreamIo | undefined;
  #partner: ServiceStream | undefined;
  readonly #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #dropped = 0;

  constructor(id: SocketId, side: StreamSide, owner: ServiceStreamOwner) {
    this.id = id;
    this.side = side;
    this.#owner = owner;
  }

  /** The connection is there. A peer is not read before somebody wants what he says. */
  open(io: StreamIo): void {
    this.#io = io;
    if (this.side === "peer" && this.#partner === undefined) io.pause();
  }

  get remoteAddress(): TransportAddress | undefined {
    return this.#io?.remoteAddress;
  }

  /** Messages that were lost because the client reads too slowly. */
  get droppedCount(): number {
    return this.#dropped;
  }

  /** Sends a message, or loses it when too much is waiting. */
  send(bytes: Uint8Array): void {
    if (this.#io === undefined || this.#io.bufferedBytes + bytes.length > MAX_WAITING_BYTES) this.#dropped++;
    else this.#io.write(bytes);
  }

  /** From now on everything goes to `partner` and comes from it. */
  join(partner: ServiceStream): void {
    this.#partner = partner;
    for (const bytes of this.#early.splice(0)) this.#forward(partner, bytes);
    this.#earlyBytes = 0;
    this.#io?.resume();
  }

  /** Bytes for the other end, as they are. */
  write(bytes: Uint8Array): boolean {
    return this.#io?.write(bytes) ?? false;
  }

  handleData(bytes: Uint8Array): void {
    if (this.#partner !== undefined) {
      this.#forward(this.#partner, bytes);
      return;
    }
    if (this.side === "client") {
      this.#owner.handleMessages(this, bytes);
      return;
    }
    this.#io?.pause();
    if (this.#earlyBytes + bytes.length > MAX_EARLY_BYTES) {
      this.destroy();
      return;
    }
    this.#early.push(copyBytes(bytes));
    this.#earlyBytes += bytes.length;
  }

  handleDrain(): void {
    this.#partner?.resume();
  }

  handleClose(): void {
    this.#owner.handleClosed(this);
  }

  resume(): void {
    this.#io?.resume();
  }

  close(): void {
    this.#io?.close();
  }

  destroy(): void {
    this.#io?.destroy();
  }

  #forward(partner: ServiceStream, bytes: Uint8Array): void {
    if (!partner.write(bytes)) this.#io?.pause();
  }
}
