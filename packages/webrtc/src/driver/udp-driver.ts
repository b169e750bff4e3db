import type { IncomingDatagram, TransportAddress } from "../bytes/index.ts";
import type { Platform, PlatformTimer, UdpBindOptions, UdpIo } from "../platform/index.ts";
import { assert, type Core } from "../sansio/index.ts";

/** What the driver's owner does with what the core puts out. */
export interface UdpDriverOwner<Transmit, Event> {
  /** Sends one transmit: `udp.send`, or `udp.sendSlot` with the arena's release. */
  transmit(udp: UdpIo, transmit: Transmit): void;
  /** Takes one event. It may give the core commands; the driver drains again afterwards. */
  handleEvent?(event: Event): void;
  /** The socket failed and is closed. */
  handleError(error: Error): void;
}

/**
 * Runs one core on one UDP socket of a platform: datagrams and time in, transmits, events and the deadline out. The only
 * place that turns the platform's clock into `now`.
 */
export class UdpDriver<Transmit, Event> {
  readonly #core: Core<IncomingDatagram, Transmit, Event>;
  readonly #owner: UdpDriverOwner<Transmit, Event>;
  readonly #timer: PlatformTimer;
  #udp: UdpIo | undefined;
  #pumping = false;

  private constructor(
    platform: Platform,
    core: Core<IncomingDatagram, Transmit, Event>,
    owner: UdpDriverOwner<Transmit, Event>,
  ) {
    this.#core = core;
    this.#owner = owner;
    this.#timer = platform.createTimer(() => {
      core.handleTimeout(platform.now());
      this.pump();
    });
  }

  /**
   * Binds the socket and starts.
   *
   * @throws {Error} (rejects) with the platform's error when the address or port cannot be had.
   */
  static async start<Transmit, Event>(
    platform: Platform,
    bind: UdpBindOptions,
    core: Core<IncomingDatagram, Transmit, Event>,
    owner: UdpDriverOwner<Transmit, Event>,
  ): Promise<UdpDriver<Transmit, Event>> {
    const driver = new UdpDriver(platform, core, owner);
    driver.#udp = await platform.bindUdp(bind, {
      handleDatagram: (bytes, from) => core.handleInput({ bytes, from }, platform.now()),
      handleBatchEnd: () => driver.pump(),
      handleError(error) {
        driver.close();
        owner.handleError(error);
      },
    });
    driver.pump();
    return driver;
  }

  /** Where the socket is bound. */
  get localAddress(): TransportAddress {
    assert(this.#udp !== undefined, "a started driver has a socket");
    return this.#udp.localAddress;
  }

  /**
   * Drains the core after a turn: every transmit before each event, then arms one timer. To be called after giving the
   * core a command; the driver calls it after what comes from below.
   */
  pump(): void {
    // An event's handler may give the core a command and pump: the loop that is running drains that as well.
    if (this.#pumping || this.#udp === undefined) return;
    this.#pumping = true;
    try {
      for (;;) {
        this.#drainTransmits(this.#udp);
        const event = this.#core.pollEvent();
        if (event === undefined) break;
        this.#owner.handleEvent?.(event);
      }
    } finally {
      this.#pumping = false;
    }
    this.#timer.arm(this.#core.pollTimeout());
  }

  /** Closes socket and timer; repeated calls are harmless. */
  close(): void {
    this.#timer.close();
    this.#udp?.close();
    this.#udp = undefined;
  }

  #drainTransmits(udp: UdpIo): void {
    for (
      let transmit = this.#core.pollTransmit();
      transmit !== undefined;
      transmit = this.#core.pollTransmit()
    ) {
      this.#owner.transmit(udp, transmit);
    }
  }
}
