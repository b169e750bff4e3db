import type { IpAddress, SocketId, TransportAddress } from "@naru/webrtc/bytes";
import { PacketArena } from "@naru/webrtc/kernel";
import type {
  Platform,
  PlatformTimer,
  StreamHandler,
  StreamIo,
  StreamListener,
  StreamListenOptions,
  UdpBindOptions,
  UdpHandler,
  UdpIo,
} from "@naru/webrtc/platform";
import type { Logger, Millis } from "@naru/webrtc/sansio";
import type { TurnServerEvent } from "./events.ts";
import type { TurnTransmit } from "./outbox.ts";
import { ServiceStream, type ServiceStreamOwner } from "./service-stream.ts";
import { TurnServer, type TurnServerCoreOptions } from "./turn-server.ts";

export interface TurnServiceOptions extends TurnServerCoreOptions {
  readonly log: Logger;
  /** Addresses of this machine that it does not know of itself, such as the public one of a 1:1 NAT. */
  readonly ownAddresses?: readonly IpAddress[];
  /** Packets in flight, 2 KiB each. */
  readonly arenaSlots?: number;
  /** The service cannot go on: a socket failed, or there is a bug. It has closed. */
  readonly onError: (error: Error) => void;
}

/** Some milliseconds' worth at full speed: 8 MiB. */
export const DEFAULT_ARENA_SLOTS = 4096;

/** The calendar may be set while the server runs; nobody's credential depends on a second. */
const WALL_CLOCK_INTERVAL_MS: Millis = 1000;

/** Kernel buffers of a listening socket: a burst of all clients at once. */
const LISTENER_BUFFER_BYTES = 4 * 1024 * 1024;

/** Runs a {@link TurnServer} on the sockets, streams and clock of a platform. */
export class TurnService implements ServiceStreamOwner {
  readonly server: TurnServer;
  readonly #platform: Platform;
  readonly #log: Logger;
  readonly #onError: (error: Error) => void;
  readonly #timer: PlatformTimer;
  readonly #stopWatching: () => void;
  readonly #fixedOwn: readonly IpAddress[];
  /** Listening sockets that are ours, shared ones of the program around us, and relay sockets. */
  readonly #udp = new Map<SocketId, UdpIo>();
  readonly #shared = new Set<SocketId>();
  readonly #listeners = new Map<SocketId, StreamListener>();
  readonly #streams = new Map<SocketId, ServiceStream>();
  #nextId: SocketId = 1;
  #armedAt: Millis = Number.POSITIVE_INFINITY;
  #wallClockSetAt: Millis;
  #pumping = false;
  #closed = false;
  #slowStreamDrops = 0;

  /** @throws {RangeError} when an option is out of its range. */
  constructor(platform: Platform, options: TurnServiceOptions) {
    this.#platform = platform;
    this.#log = options.log;
    this.#onError = options.onError;
    const { crypto, random } = platform;
    const now = platform.now();
    this.#wallClockSetAt = now;
    const arena = new PacketArena(options.arenaSlots ?? DEFAULT_ARENA_SLOTS);
    this.server = new TurnServer(
      { crypto, random, log: options.log },
      arena,
      options,
      now,
      platform.wallClock(),
    );
    this.#fixedOwn = [
      ...(options.ownAddresses ?? []),
      ...options.relayAddresses.flatMap(({ bind, advertise }) => [bind, advertise]),
    ];
    this.#updateOwnAddresses();
    this.#stopWatching = platform.watchInterfaces(() => this.#updateOwnAddresses());
    this.#timer = platform.createTimer(() => {
      this.#armedAt = Number.POSITIVE_INFINITY;
      this.#turn(() => this.server.handleTimeout(platform.now()));
    });
  }

  /**
   * Serves clients on a UDP port.
   *
   * @returns where it is bound.
   * @throws {Error} (rejects) with the platform's error when the address or port cannot be had.
   */
  async listenUdp(options: UdpBindOptions): Promise<TransportAddress> {
    const { udp } = await this.bindListener(options);
    return udp.localAddress;
  }

  /** As {@link listenUdp}, for those who need to know the socket's id. */
  async bindListener(options: UdpBindOptions): Promise<{ readonly id: SocketId; readonly udp: UdpIo }> {
    const id = this.#nextId++;
    const udp = await this.#platform.bindUdp(
      { receiveBufferBytes: LISTENER_BUFFER_BYTES, sendBufferBytes: LISTENER_BUFFER_BYTES, ...options },
      this.#udpHandler(id, (error) => this.#fail(error)),
    );
    this.#addUdp(id, udp);
    return { id, udp };
  }

  /**
   * Serves clients on a UDP socket that the program around the server owns and shares with other protocols.
   *
   * @param udp - Stays the caller's: it is not closed here.
   * @returns what to hand each datagram to that is STUN or ChannelData by its first byte (0 to 3, 64 to 127).
   */
  attachUdp(udp: UdpIo): Pick<UdpHandler, "handleDatagram" | "handleBatchEnd"> {
    const id = this.#nextId++;
    this.#shared.add(id);
    this.#addUdp(id, udp);
    return this.#udpHandler(id, () => undefined);
  }

  /**
   * Serves clients on a TCP port, with TLS when `tls` is given.
   *
   * @throws {Error} (rejects) with the platform's error when the address or port cannot be had.
   */
  async listenStream(options: StreamListenOptions): Promise<TransportAddress> {
    const id = this.#nextId++;
    const transport = options.tls === undefined ? "tcp" : "tls";
    const listener = await this.#platform.listenStream(options, (stream) =>
      this.attachStream(stream, transport),
    );
    if (this.#closed) listener.close();
    else this.#listeners.set(id, listener);
    return listener.localAddress;
  }

  /**
   * Serves a client on a stream that somebody else accepted.
   *
   * @returns what the stream's data, drain and close go to.
   */
  attachStream(io: StreamIo, transport: "tcp" | "tls"): StreamHandler {
    const stream = new ServiceStream(this.#nextId++, "client", this);
    stream.open(io);
    this.#streams.set(stream.id, stream);
    const isTaken =
      !this.#closed &&
      this.server.handleStreamOpened(stream.id, io.remoteAddress, transport, this.#platform.now());
    if (isTaken) this.pump();
    else io.destroy();
    return stream;
  }

  /** Ends all that a user has, and lets him make nothing new; see `TurnServer.revoke`. */
  revoke(user: string): void {
    this.#turn(() => this.server.revoke(user, this.#platform.now()));
  }

  /** Messages lost because clients read their streams too slowly. */
  get slowStreamDrops(): number {
    let drops = this.#slowStreamDrops;
    for (const stream of this.#streams.values()) drops += stream.droppedCount;
    return drops;
  }

  /** Datagrams that the system refused to take. */
  get refusedDatagrams(): number {
    let refused = 0;
    for (const udp of this.#udp.values()) refused += udp.refusedCount;
    return refused;
  }

  /** Drains the server after a turn, and arms the timer. The service itself does so after what comes from below. */
  pump(): void {
    // An event may lead to another turn: the loop that is running drains that as well.
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    try {
      this.#drain();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#pumping = false;
    }
    this.#armTimer();
  }

  /** Ends all allocations and closes all that was opened here; repeated calls are harmless. */
  close(): void {
    if (this.#closed) return;
    try {
      this.server.close();
      this.#drain();
    } finally {
      // Also when the server is broken: what was opened here does not stay open.
      this.#closed = true;
      this.#stopWatching();
      this.#timer.close();
      for (const listener of this.#listeners.values()) listener.close();
      for (const stream of this.#streams.values()) stream.destroy();
      for (const [id, udp] of this.#udp) if (!this.#shared.has(id)) udp.close();
      this.#udp.clear();
      this.#listeners.clear();
    }
  }

  handleMessages(stream: ServiceStream, bytes: Uint8Array): void {
    this.#turn(() => this.server.handleStreamData(stream.id, bytes, this.#platform.now()));
  }

  handleClosed(stream: ServiceStream): void {
    this.#slowStreamDrops += stream.droppedCount;
    this.#streams.delete(stream.id);
    this.#turn(() => this.server.handleStreamClosed(stream.id, this.#platform.now()));
  }

  #udpHandler(id: SocketId, onError: (error: Error) => void): UdpHandler {
    return {
      handleDatagram: (bytes, from) => {
        try {
          this.server.handleInput({ bytes, from, socket: id }, this.#platform.now());
        } catch (error) {
          this.#fail(error instanceof Error ? error : new Error(String(error)));
        }
      },
      handleBatchEnd: () => this.pump(),
      handleError: onError,
    };
  }

  #addUdp(id: SocketId, udp: UdpIo): void {
    if (this.#closed) udp.close();
    else this.#udp.set(id, udp);
  }

  #turn(run: () => void): void {
    if (this.#closed) return;
    try {
      run();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.pump();
  }

  #drain(): void {
    for (;;) {
      for (let next = this.server.pollTransmit(); next !== undefined; next = this.server.pollTransmit()) {
        this.#transmit(next);
      }
      const event = this.server.pollEvent();
      if (event === undefined) return;
      this.#handleEvent(event);
    }
  }

  #armTimer(): void {
    if (this.#closed) return;
    const now = this.#platform.now();
    if (now - this.#wallClockSetAt >= WALL_CLOCK_INTERVAL_MS) {
      this.#wallClockSetAt = now;
      this.server.setWallClock(this.#platform.wallClock(), now);
    }
    const at = this.server.pollTimeout();
    if (at === this.#armedAt) return;
    this.#armedAt = at;
    this.#timer.arm(at);
  }

  #transmit(transmit: TurnTransmit): void {
    const udp = this.#udp.get(transmit.socket);
    if ("arena" in transmit) {
      if (udp !== undefined) {
        udp.sendSlot(transmit);
        return;
      }
      this.#streams.get(transmit.socket)?.send(transmit.bytes.subarray(transmit.start, transmit.end));
      transmit.arena.release(transmit);
      return;
    }
    if (udp !== undefined) udp.send(transmit.bytes, transmit.to);
    else this.#streams.get(transmit.socket)?.send(transmit.bytes);
  }

  #handleEvent(event: TurnServerEvent): void {
    switch (event.type) {
      case "bindRelay":
        void (event.transport === "udp" ? this.#bindUdpRelay(event) : this.#bindTcpRelay(event));
        return;
      case "closeRelay":
        this.#udp.get(event.socket)?.close();
        this.#udp.delete(event.socket);
        this.#listeners.get(event.socket)?.close();
        this.#listeners.delete(event.socket);
        return;
      case "connectPeer":
        void this.#connectPeer(event);
        return;
      case "joinStreams":
        this.#joinStreams(event);
        return;
      case "closeStream":
        this.#streams.get(event.stream)?.close();
        return;
      default:
        event satisfies never;
    }
  }

  async #bindUdpRelay({ id, address }: Extract<TurnServerEvent, { type: "bindRelay" }>): Promise<void> {
    const socket = this.#nextId++;
    try {
      const udp = await this.#platform.bindUdp(
        { address: address.ip, port: address.port },
        this.#udpHandler(socket, (error) => this.#loseRelay(socket, error)),
      );
      this.#addUdp(socket, udp);
    } catch (error) {
      this.#log.debug("a relay port cannot be bound", { port: address.port, error: String(error) });
      this.#turn(() => this.server.handleRelayFailed(id, this.#platform.now()));
      return;
    }
    this.#turn(() => this.server.handleRelayBound(id, socket, this.#platform.now()));
  }

  async #bindTcpRelay({ id, address }: Extract<TurnServerEvent, { type: "bindRelay" }>): Promise<void> {
    const socket = this.#nextId++;
    try {
      const listener = await this.#platform.listenStream({ address: address.ip, port: address.port }, (io) =>
        this.#acceptPeer(socket, io),
      );
      if (this.#closed) listener.close();
      else this.#listeners.set(socket, listener);
    } catch (error) {
      this.#log.debug("a relay port cannot be bound", { port: address.port, error: String(error) });
      this.#turn(() => this.server.handleRelayFailed(id, this.#platform.now()));
      return;
    }
    this.#turn(() => this.server.handleRelayBound(id, socket, this.#platform.now()));
  }

  #acceptPeer(socket: SocketId, io: StreamIo): StreamHandler {
    const stream = new ServiceStream(this.#nextId++, "peer", this);
    stream.open(io);
    if (this.#closed) io.destroy();
    else {
      this.#streams.set(stream.id, stream);
      this.#turn(() =>
        this.server.handlePeerAccepted(socket, stream.id, io.remoteAddress, this.#platform.now()),
      );
    }
    return stream;
  }

  async #connectPeer(ask: Extract<TurnServerEvent, { type: "connectPeer" }>): Promise<void> {
    const stream = new ServiceStream(this.#nextId++, "peer", this);
    try {
      const io = await this.#platform.connectStream(
        {
          address: ask.to,
          localAddress: ask.from.ip,
          localPort: ask.from.port,
          timeoutMs: ask.timeoutMs,
        },
        stream,
      );
      stream.open(io);
      if (this.#closed) {
        io.destroy();
        return;
      }
      this.#streams.set(stream.id, stream);
    } catch (error) {
      this.#log.debug("a peer cannot be connected to", { error: String(error) });
      this.#turn(() => this.server.handlePeerFailed(ask.id, this.#platform.now()));
      return;
    }
    this.#turn(() => this.server.handlePeerConnected(ask.id, stream.id, this.#platform.now()));
  }

  #joinStreams({ client, peer, early }: Extract<TurnServerEvent, { type: "joinStreams" }>): void {
    const [a, b] = [this.#streams.get(client), this.#streams.get(peer)];
    // One has ended a moment ago; the server hears of it and closes the other.
    if (a === undefined || b === undefined) return;
    if (early.length > 0) b.write(early);
    a.join(b);
    b.join(a);
  }

  #loseRelay(socket: SocketId, error: Error): void {
    this.#log.warn("a relay socket failed; its allocation has ended", { error: String(error) });
    this.#udp.delete(socket);
    this.#turn(() => this.server.handleRelayLost(socket, this.#platform.now()));
  }

  #updateOwnAddresses(): void {
    const present = this.#platform.interfaces().map(({ address }) => address);
    this.server.setOwnAddresses([...present, ...this.#fixedOwn]);
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.#log.error("the TURN server has stopped", { error: error.stack ?? String(error) });
    try {
      this.close();
    } catch (again) {
      this.#log.error("it did not stop in order", { error: String(again) });
    }
    this.#onError(error);
  }
}
