import type { IncomingDatagram, IpAddress, SocketId } from "../bytes/index.ts";
import type { Platform, PlatformTimer, StreamHandler, StreamIo } from "../platform/index.ts";
import type { AskId, Core, Millis } from "../sansio/index.ts";
import type { TurnConnectionEvent, TurnTransmit, TurnTransport } from "../turn/index.ts";
import { openTurnConnection, type TurnConnection } from "./turn-connection.ts";

/** How the connections to the TURN server are opened. */
export interface TurnConnectOptions {
  readonly transport: TurnTransport;
  /** Certificates to trust beside the system's, in PEM. */
  readonly ca?: readonly string[] | undefined;
  /** Local address to come from; the system's choice when left out. */
  readonly localAddress?: IpAddress | undefined;
  /** How long a TCP or TLS connection may take to come about; 10 seconds when left out. */
  readonly connectTimeoutMs?: number | undefined;
}

/** What the cores of both kinds of allocation are to whoever runs them. */
interface TurnCore<Event> extends Core<IncomingDatagram, TurnTransmit, Event | TurnConnectionEvent> {
  handleConnected(id: AskId, socket: SocketId, now: Millis): void;
  handleConnectFailure(id: AskId, detail: string, now: Millis): void;
  handleConnectionLost(socket: SocketId, detail: string | undefined, now: Millis): void;
}

/** What the runner tells the driver that it is part of. */
interface TurnRunnerOwner<Event> {
  handleInput(input: IncomingDatagram, now: Millis): void;
  handleEvent(event: Exclude<Event, TurnConnectionEvent>): void;
  /** The core threw: a bug. Everything is closed. */
  handleError(error: Error): void;
}

/**
 * Runs the core of an allocation on a platform: opens and closes the connections it asks for, moves messages, events and
 * the deadline. Like `UdpDriver` it is the wall between cores: what goes wrong in one ends that one.
 */
export class TurnRunner<Event extends { readonly type: string }> {
  readonly #platform: Platform;
  readonly #core: TurnCore<Event>;
  readonly #options: TurnConnectOptions;
  readonly #owner: TurnRunnerOwner<Event>;
  readonly #timer: PlatformTimer;
  readonly #connections = new Map<SocketId, TurnConnection>();
  #nextSocket: SocketId = 1;
  #isPumping = false;
  #isReleased = false;

  constructor(
    platform: Platform,
    core: TurnCore<Event>,
    options: TurnConnectOptions,
    owner: TurnRunnerOwner<Event>,
  ) {
    this.#platform = platform;
    this.#core = core;
    this.#options = options;
    this.#owner = owner;
    this.#timer = platform.createTimer(() => this.turn((now) => core.handleTimeout(now)));
  }

  /** Gives the core something, then drains it. */
  turn(body: (now: Millis) => void): void {
    if (this.#isReleased) return;
    this.#guard(() => body(this.#platform.now()));
    this.pump();
  }

  /** Drains the core: every transmit before each event, then arms the timer. */
  pump(): void {
    // An event's handler may give the core a command and pump: the loop that is running drains that as well.
    if (this.#isPumping || this.#isReleased) return;
    this.#isPumping = true;
    this.#guard(() => this.#drain());
    this.#isPumping = false;
    if (!this.#isReleased) this.#guard(() => this.#timer.arm(this.#core.pollTimeout()));
  }

  /** Closes timer and connections, after what was sent before. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#timer.close();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  /** Takes a stream from the core, which is done with it; it is nobody's here any more. */
  detach(socket: SocketId, onStream: (stream: StreamIo) => StreamHandler): void {
    const connection = this.#connections.get(socket);
    this.#connections.delete(socket);
    connection?.detach(onStream);
  }

  #drain(): void {
    while (!this.#isReleased) {
      for (let out = this.#core.pollTransmit(); out !== undefined; out = this.#core.pollTransmit()) {
        this.#transmit(out);
      }
      const event = this.#core.pollEvent();
      if (event === undefined) return;
      if (isConnectEvent(event)) void this.#connect(event);
      else if (isDisconnectEvent(event)) this.#disconnect(event.socket);
      else if (isOwn(event)) this.#owner.handleEvent(event);
    }
  }

  #transmit(transmit: TurnTransmit): void {
    const connection = this.#connections.get(transmit.socket);
    if (!("arena" in transmit)) connection?.send(transmit.bytes, transmit.to);
    else if (connection === undefined) transmit.arena.release(transmit);
    else connection.sendSlot(transmit);
  }

  async #connect({
    id,
    server,
    serverName,
  }: Extract<TurnConnectionEvent, { type: "connect" }>): Promise<void> {
    const socket = this.#nextSocket++;
    const { connectTimeoutMs, ...options } = this.#options;
    try {
      const connection = await openTurnConnection(
        this.#platform,
        { ...options, server, serverName, timeoutMs: connectTimeoutMs },
        {
          handleFrame: (bytes, from) => {
            this.#guard(() => this.#owner.handleInput({ bytes, from, socket }, this.#platform.now()));
          },
          handleBatchEnd: () => this.pump(),
          handleClose: (error) => {
            this.#connections.delete(socket);
            this.turn((now) => this.#core.handleConnectionLost(socket, error?.message, now));
          },
        },
      );
      if (this.#isReleased) {
        connection.close();
        return;
      }
      this.#connections.set(socket, connection);
      this.turn((now) => this.#core.handleConnected(id, socket, now));
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.turn((now) => this.#core.handleConnectFailure(id, detail, now));
    }
  }

  #disconnect(socket: SocketId): void {
    const connection = this.#connections.get(socket);
    this.#connections.delete(socket);
    connection?.close();
  }

  #guard(body: () => void): void {
    if (this.#isReleased) return;
    try {
      body();
    } catch (error) {
      this.release();
      this.#owner.handleError(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function isConnectEvent(event: {
  readonly type: string;
}): event is Extract<TurnConnectionEvent, { type: "connect" }> {
  return event.type === "connect";
}

function isDisconnectEvent(event: {
  readonly type: string;
}): event is Extract<TurnConnectionEvent, { type: "disconnect" }> {
  return event.type === "disconnect";
}

function isOwn<Event extends { readonly type: string }>(
  event: Event | TurnConnectionEvent,
): event is Exclude<Event, TurnConnectionEvent> {
  return event.type !== "connect" && event.type !== "disconnect";
}
