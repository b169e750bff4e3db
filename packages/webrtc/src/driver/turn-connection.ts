import { IpAddress, type TransportAddress } from "../bytes/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import type { Platform, StreamHandler, StreamIo } from "../platform/index.ts";
import { StreamDeframer } from "../stun/index.ts";
import type { TurnTransport } from "../turn/index.ts";

/** How to reach a TURN server. */
export interface TurnConnectionOptions {
  readonly server: TransportAddress;
  readonly transport: TurnTransport;
  /** With TLS: the name the certificate has to be for. */
  readonly serverName?: string | undefined;
  /** Certificates to trust beside the system's, in PEM. */
  readonly ca?: readonly string[] | undefined;
  /** Local address to come from; the system's choice when left out. */
  readonly localAddress?: IpAddress | undefined;
  /** How long a TCP or TLS connection may take to come about. */
  readonly timeoutMs?: number | undefined;
}

/** What a connection tells its owner. Nothing is told before the connection has been returned. */
export interface TurnConnectionHandler {
  /** One datagram, or one frame of a stream. Lent for the call. */
  handleFrame(bytes: Uint8Array, from: TransportAddress): void;
  /** What has arrived has been handed over: time to flush what it brought about. */
  handleBatchEnd(): void;
  /** The connection is over. */
  handleClose(error: Error | undefined): void;
}

/** A connection to a TURN server over UDP, TCP or TLS, which carries one message at a time. */
export interface TurnConnection {
  readonly localAddress: TransportAddress;
  /** Sends a message that nobody writes to any more. Over a stream that is congested, data is lost as on any network. */
  send(bytes: Uint8Array, to: TransportAddress): void;
  /** The same for a slot, which is released once the system has taken or refused it. */
  sendSlot(slot: PacketSlot): void;
  /** Data lost because the stream had too much waiting. */
  readonly lostCount: number;
  /** Sends what is waiting, then closes; repeated calls are harmless. */
  close(): void;
  /**
   * Over TCP and TLS: from now on the stream carries no frames. It is handed to `onStream`, whose handler gets the bytes
   * behind the last frame at once. Not to be used over UDP.
   */
  detach(onStream: (stream: StreamIo) => StreamHandler): void;
}

/** A TLS handshake is four round trips of the slowest kind of path at most. */
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * What may wait in a stream before data is lost: a quarter of a second of a video call at 2 Mbit/s. More would only
 * arrive too late.
 */
const MAX_BUFFERED_BYTES = 65_536;

/** Message type of a Send indication (RFC 8656 §17). */
const SEND_INDICATION_TYPE = 0x0016;

/**
 * Opens a connection to a TURN server. With TLS the certificate is checked, for the server's name and against the
 * system's authorities and `ca`.
 *
 * @throws {Error} (rejects) with the platform's error when it cannot be opened.
 */
export async function openTurnConnection(
  platform: Platform,
  options: TurnConnectionOptions,
  handler: TurnConnectionHandler,
): Promise<TurnConnection> {
  return options.transport === "udp"
    ? openUdp(platform, options, handler)
    : openStream(platform, options, handler);
}

async function openUdp(
  platform: Platform,
  { server, localAddress }: TurnConnectionOptions,
  handler: TurnConnectionHandler,
): Promise<TurnConnection> {
  const any = IpAddress.fromBytes(new Uint8Array(server.family === 4 ? 4 : 16));
  const udp = await platform.bindUdp(
    { address: localAddress ?? any, port: 0 },
    {
      handleDatagram: (bytes, from) => handler.handleFrame(bytes, from),
      handleBatchEnd: () => handler.handleBatchEnd(),
      handleError: (error) => handler.handleClose(error),
    },
  );
  return {
    localAddress: udp.localAddress,
    send: (bytes, to) => udp.send(bytes, to),
    sendSlot: (slot) => udp.sendSlot(slot),
    get lostCount() {
      return udp.refusedCount;
    },
    close: () => udp.close(),
    detach: () => {
      throw new TypeError("a UDP socket is no stream");
    },
  };
}

async function openStream(
  platform: Platform,
  options: TurnConnectionOptions,
  handler: TurnConnectionHandler,
): Promise<TurnConnection> {
  const { server, transport, serverName, ca, localAddress, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const framed = new FramedStream(handler);
  const stream = await platform.connectStream(
    {
      address: server,
      timeoutMs,
      ...(localAddress && { localAddress }),
      ...(transport === "tls" && {
        tls: { serverName: serverName ?? server.ip.toString(), ...(ca && { ca }) },
      }),
    },
    framed,
  );
  framed.start(stream);
  return framed;
}

/** A stream that looks like a socket for messages. */
class FramedStream implements TurnConnection {
  readonly #handler: TurnConnectionHandler;
  readonly #deframer = new StreamDeframer();
  #stream: StreamIo | undefined;
  /** Who reads the stream when it carries no frames any more. */
  #raw: StreamHandler | undefined;
  #lost = 0;
  #isClosed = false;

  constructor(handler: TurnConnectionHandler) {
    this.#handler = handler;
  }

  start(stream: StreamIo): void {
    this.#stream = stream;
  }

  get localAddress(): TransportAddress {
    return this.#open().localAddress;
  }

  get lostCount(): number {
    return this.#lost;
  }

  send(bytes: Uint8Array): void {
    const stream = this.#open();
    // Requests are not repeated over a stream, so they are never the ones to be lost.
    if (stream.bufferedBytes > MAX_BUFFERED_BYTES && isData(bytes)) this.#lost++;
    else stream.write(bytes);
  }

  sendSlot(slot: PacketSlot): void {
    this.send(slot.bytes.subarray(slot.start, slot.end));
    slot.arena.release(slot);
  }

  close(): void {
    this.#isClosed = true;
    this.#stream?.close();
  }

  detach(onStream: (stream: StreamIo) => StreamHandler): void {
    const handler = onStream(this.#open());
    this.#raw = handler;
    const { rest } = this.#deframer;
    if (rest.length > 0) handler.handleData(rest);
  }

  handleData(bytes: Uint8Array): void {
    if (this.#raw !== undefined) {
      this.#raw.handleData(bytes);
      return;
    }
    if (this.#isClosed) return;
    const stream = this.#open();
    const deframer = this.#deframer;
    deframer.push(bytes);
    for (let frame = deframer.next(); frame !== undefined; frame = deframer.next()) {
      this.#handler.handleFrame(frame, stream.remoteAddress);
      // The frame may have been the last one: the stream is closed, or carries something else now.
      if (this.#isClosed || this.#raw !== undefined) return;
    }
    if (deframer.failure !== undefined) stream.destroy();
    this.#handler.handleBatchEnd();
  }

  handleDrain(): void {
    this.#raw?.handleDrain();
  }

  handleClose(error: Error | undefined): void {
    const { failure } = this.#deframer;
    if (this.#raw !== undefined) this.#raw.handleClose(error);
    else if (failure === undefined) this.#handler.handleClose(error);
    else
      this.#handler.handleClose(
        new Error(`the server sent what is neither STUN nor ChannelData (${failure})`),
      );
  }

  #open(): StreamIo {
    if (this.#stream === undefined) throw new Error("the stream is used before it is connected");
    return this.#stream;
  }
}

/** ChannelData or a Send indication: what a datagram service may lose. */
function isData(bytes: Uint8Array): boolean {
  return bytes[0]! >>> 6 === 1 || ((bytes[0]! << 8) | bytes[1]!) === SEND_INDICATION_TYPE;
}
