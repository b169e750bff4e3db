import type { SocketId, TransportAddress } from "../bytes/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import type { Platform, StreamHandler, StreamIo } from "../platform/index.ts";
import { type AskId, type Logger, SILENT_LOGGER } from "../sansio/index.ts";
import {
  type RelayedData,
  TurnAllocation,
  type TurnAllocationEvent,
  type TurnAllocationOptions,
  type TurnConnectionEvent,
  TurnTcpAllocation,
  type TurnTcpAllocationEvent,
  type TurnTcpAllocationOptions,
} from "../turn/index.ts";
import { type TurnConnectOptions, TurnRunner } from "./turn-runner.ts";

/** An allocation to run, and how its connections are opened. */
export interface TurnDriverOptions extends TurnAllocationOptions, Omit<TurnConnectOptions, "transport"> {
  readonly log?: Logger;
}

/** What the driver of an allocation tells its owner. */
export interface TurnDriverOwner {
  /** One event of the allocation; after `closed` everything is closed. The handler may give commands. */
  handleEvent(event: Exclude<TurnAllocationEvent, TurnConnectionEvent>): void;
  /** Data from a peer. Lent for the call. */
  handleData?(data: RelayedData): void;
  /** The core threw (a bug): everything is closed. */
  handleError(error: Error): void;
}

/**
 * Runs one allocation on a platform, over UDP, TCP or TLS. With TLS the server's certificate is checked.
 *
 * @example
 * const driver = runTurnAllocation(platform, { server, transport: "udp", credentials }, {
 *   handleEvent: (event) => console.log(event),
 *   handleData: ({ peer, bytes }) => driver.send(peer, bytes.slice()),
 *   handleError: (error) => console.error(error),
 * });
 */
export class TurnDriver {
  /** The core. After commands given to it directly, {@link pump}. */
  readonly allocation: TurnAllocation;
  readonly #platform: Platform;
  readonly #runner: TurnRunner<TurnAllocationEvent>;

  /** See {@link runTurnAllocation}. */
  constructor(platform: Platform, options: TurnDriverOptions, owner: TurnDriverOwner) {
    this.#platform = platform;
    const { log = SILENT_LOGGER } = options;
    const { crypto, random } = platform;
    const allocation = new TurnAllocation({ crypto, random, log }, options);
    this.allocation = allocation;
    this.#runner = new TurnRunner<TurnAllocationEvent>(platform, allocation, connectOptionsOf(options), {
      handleInput(input, now) {
        const data = allocation.receive(input, now);
        if (data !== undefined) owner.handleData?.(data);
      },
      handleEvent: (event) => {
        if (event.type === "closed") this.#runner.release();
        owner.handleEvent(event);
      },
      handleError: (error) => owner.handleError(error),
    });
    this.#runner.turn((now) => allocation.allocate(now));
  }

  /** Sends a copy of `bytes` to a peer, at once; false when it was dropped. See `TurnAllocation.send`. */
  send(peer: TransportAddress, bytes: Uint8Array): boolean {
    const isSent = this.allocation.send(peer, bytes, this.#platform.now());
    this.#runner.pump();
    return isSent;
  }

  /** The same for a slot, which is taken over. See `TurnAllocation.sendSlot`. */
  sendSlot(peer: TransportAddress, slot: PacketSlot): boolean {
    const isSent = this.allocation.sendSlot(peer, slot, this.#platform.now());
    this.#runner.pump();
    return isSent;
  }

  /** Drains the core; for after commands given to it directly. */
  pump(): void {
    this.#runner.pump();
  }

  /** Releases the allocation; `closed` follows. */
  close(): void {
    this.#runner.turn((now) => this.allocation.close(now));
  }

  /** Closes everything at once, without a word to the server or an event. */
  destroy(): void {
    this.#runner.release();
  }
}

/**
 * Allocates on a TURN server and runs the allocation; the outcome comes as an event.
 *
 * @throws {TypeError | RangeError} when an option cannot be, or excludes another.
 */
export function runTurnAllocation(
  platform: Platform,
  options: TurnDriverOptions,
  owner: TurnDriverOwner,
): TurnDriver {
  return new TurnDriver(platform, options, owner);
}

/** A TCP allocation to run, and how its connections are opened. */
export interface TurnTcpDriverOptions
  extends TurnTcpAllocationOptions,
    Omit<TurnConnectOptions, "transport"> {
  readonly log?: Logger;
}

/** What the driver of a TCP allocation tells its owner. */
export interface TurnTcpDriverOwner {
  /** One event of the allocation, but for `connected`; after `closed` everything but the peers' streams is closed. */
  handleEvent(
    event: Exclude<TurnTcpAllocationEvent, TurnConnectionEvent | { readonly type: "connected" }>,
  ): void;
  /**
   * A connection to a peer. The stream is the owner's; what comes on it goes to the handler that is returned.
   *
   * @param connection - What `connect` gave, or the attempt that was accepted.
   */
  handleConnection(connection: AskId, peer: TransportAddress, stream: StreamIo): StreamHandler;
  /** The core threw (a bug): everything but the peers' streams is closed. */
  handleError(error: Error): void;
}

/** Runs one TCP allocation on a platform, over TCP or TLS. */
export class TurnTcpDriver {
  /** The core. After commands given to it directly, {@link pump}. */
  readonly allocation: TurnTcpAllocation;
  readonly #platform: Platform;
  readonly #runner: TurnRunner<TurnTcpAllocationEvent>;

  /** @throws {TypeError | RangeError} when an option cannot be, or excludes another. */
  constructor(platform: Platform, options: TurnTcpDriverOptions, owner: TurnTcpDriverOwner) {
    this.#platform = platform;
    const { log = SILENT_LOGGER } = options;
    const { crypto, random } = platform;
    const allocation = new TurnTcpAllocation({ crypto, random, log }, options);
    this.allocation = allocation;
    const handOver = (connection: AskId, peer: TransportAddress, socket: SocketId): void => {
      this.#runner.detach(socket, (stream) => owner.handleConnection(connection, peer, stream));
    };
    this.#runner = new TurnRunner<TurnTcpAllocationEvent>(platform, allocation, connectOptionsOf(options), {
      handleInput: (input, now) => {
        allocation.handleInput(input, now);
        // At once: the bytes behind this frame may be a peer's, and no frames.
        this.#runner.pump();
      },
      handleEvent: (event) => {
        if (event.type === "connected") {
          handOver(event.connection, event.peer, event.socket);
          return;
        }
        if (event.type === "closed") this.#runner.release();
        owner.handleEvent(event);
      },
      handleError: (error) => owner.handleError(error),
    });
    this.#runner.turn((now) => allocation.allocate(now));
  }

  /** Connects to a peer; throws like `TurnTcpAllocation.connect`. */
  connect(peer: TransportAddress): AskId {
    const id = this.allocation.connect(peer, this.#platform.now());
    this.#runner.pump();
    return id;
  }

  /** Takes the connection that a peer attempted. */
  accept(attempt: AskId): void {
    this.#runner.turn((now) => this.allocation.accept(attempt, now));
  }

  /** Drains the core; for after commands given to it directly. */
  pump(): void {
    this.#runner.pump();
  }

  /** Releases the allocation; `closed` follows. */
  close(): void {
    this.#runner.turn((now) => this.allocation.close(now));
  }

  /** Closes everything at once, without a word to the server or an event. */
  destroy(): void {
    this.#runner.release();
  }
}

function connectOptionsOf(options: TurnDriverOptions | TurnTcpDriverOptions): TurnConnectOptions {
  const { transport, ca, localAddress, connectTimeoutMs } = options;
  return { transport, ca, localAddress, connectTimeoutMs };
}
