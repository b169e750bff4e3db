import type { IncomingDatagram, OutgoingDatagram, SocketId, TransportAddress } from "../bytes/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import type { Platform, PlatformTimer, UdpBindOptions, UdpIo } from "../platform/index.ts";
import type { Core } from "../sansio/index.ts";

/** What a core puts out for a UDP socket: an owned datagram, or a slot of the packet arena. */
export type UdpTransmit = OutgoingDatagram | PacketSlot;

/** What the driver tells its owner. */
export interface UdpDriverOwner<Event> {
  /** One event of the core. The handler may give the core commands, and may close the driver. */
  handleEvent?(event: Event): void;
  /** A socket failed, or the core threw (a bug): the driver has closed. */
  handleError(error: Error): void;
}

/**
 * Runs one core on UDP sockets of a platform: datagrams and time in; transmits, events and the deadline out. The only
 * place that turns the platform's clock into `now`, and the wall between cores: whatever goes wrong in one ends that
 * one.
 */
export class UdpDriver<Event = never> {
  readonly #platform: Platform;
  readonly #core: Core<IncomingDatagram, UdpTransmit, Event>;
  readonly #owner: UdpDriverOwner<Event>;
  readonly #timer: PlatformTimer;
  readonly #sockets = new Map<SocketId, UdpIo>();
  #nextSocket: SocketId = 1;
  #pumping = false;
  #closed = false;

  constructor(
    platform: Platform,
    core: Core<IncomingDatagram, UdpTransmit, Event>,
    owner: UdpDriverOwner<Event>,
  ) {
    this.#platform = platform;
    this.#core = core;
    this.#owner = owner;
    this.#timer = platform.createTimer(() => {
      this.#guard(() => core.handleTimeout(platform.now()));
      this.pump();
    });
  }

  /**
   * Opens a socket for the core.
   *
   * @returns the id that the core's datagrams carry.
   * @throws {Error} (rejects) with the platform's error when the address or port cannot be had.
   */
  async bind(options: UdpBindOptions): Promise<SocketId> {
    const id = this.#nextSocket++;
    const udp = await this.#platform.bindUdp(options, {
      handleDatagram: (bytes, from) => {
        this.#guard(() => this.#core.handleInput({ bytes, from, socket: id }, this.#platform.now()));
      },
      handleBatchEnd: () => this.pump(),
      handleError: (error) => this.#fail(error),
    });
    if (this.#closed) udp.close();
    else this.#sockets.set(id, udp);
    return id;
  }

  /** Where a socket is bound; undefined when there is no such socket (any more). */
  localAddress(socket: SocketId): TransportAddress | undefined {
    return this.#sockets.get(socket)?.localAddress;
  }

  /** Closes one socket; what the core sends by it from now on is lost. */
  closeSocket(socket: SocketId): void {
    this.#sockets.get(socket)?.close();
    this.#sockets.delete(socket);
  }

  /**
   * Drains the core after a turn: every transmit before each event, then arms one timer. To be called after giving the
   * core a command; the driver itself calls it after what comes from below.
   */
  pump(): void {
    // An event's handler may give the core a command and pump: the loop that is running drains that as well.
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    this.#guard(() => this.#drain());
    this.#pumping = false;
    if (!this.#closed) this.#guard(() => this.#timer.arm(this.#core.pollTimeout()));
  }

  /** Sends what the core has waiting, then closes timer and sockets; repeated calls are harmless. */
  close(): void {
    if (this.#closed) return;
    this.#guard(() => this.#drainTransmits());
    this.#release();
  }

  #release(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer.close();
    for (const udp of this.#sockets.values()) udp.close();
    this.#sockets.clear();
  }

  #drain(): void {
    while (!this.#closed) {
      this.#drainTransmits();
      const event = this.#core.pollEvent();
      if (event === undefined) return;
      this.#owner.handleEvent?.(event);
    }
  }

  #drainTransmits(): void {
    for (
      let transmit = this.#core.pollTransmit();
      transmit !== undefined;
      transmit = this.#core.pollTransmit()
    ) {
      this.#transmit(transmit);
    }
  }

  #transmit(transmit: UdpTransmit): void {
    const udp = this.#sockets.get(transmit.socket);
    if ("arena" in transmit) {
      if (udp === undefined) transmit.arena.release(transmit);
      else udp.sendSlot(transmit);
      return;
    }
    udp?.send(transmit.bytes, transmit.to);
  }

  #guard(turn: () => void): void {
    try {
      turn();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    // Without draining: a core that threw is not asked for anything any more.
    this.#release();
    this.#owner.handleError(error);
  }
}
