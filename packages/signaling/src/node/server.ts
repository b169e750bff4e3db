import { createHash, randomFillSync } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger, Millis } from "@naru/webrtc/sansio";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { JoinTokenVerifier } from "../auth/join-token.ts";
import { type IceServer, MAX_MESSAGE_BYTES, WEBSOCKET_SUBPROTOCOL } from "../protocol/index.ts";
import { RoomRegistry } from "../room/registry.ts";
import type { ConnectionId, RegistryEvent, RegistryStats, RegistryTransmit } from "../room/registry-types.ts";
import { TokenBucket } from "../room/token-bucket.ts";
import { parseClientMessage } from "../validate/messages.ts";
import { parseSnapshot } from "../validate/snapshot.ts";
import {
  DEFAULT_SIGNALING_LIMITS,
  DEFAULT_SIGNALING_SERVER_OPTIONS,
  type SignalingLimits,
  type SignalingServerOptions,
} from "./options.ts";
import { Saver } from "./saver.ts";
import { addressGroup, checkUpgrade, hostOf, pathOf, refuseUpgrade, type UpgradeRefusal } from "./upgrade.ts";

/** Figures for operators. */
export interface SignalingStats extends RegistryStats {
  /** HTTP upgrades answered with an error: wrong origin, too many connections, no subprotocol. */
  readonly refusedUpgrades: number;
  /** Connections cut because the client did not read. */
  readonly slowConsumers: number;
  readonly bytesReceived: number;
}

/** A WebSocket and what is kept of it: no timers, no closures. */
interface Link {
  readonly id: ConnectionId;
  readonly socket: WebSocket;
  readonly group: string;
  readonly host: string | undefined;
  readonly messages: TokenBucket;
  readonly bytes: TokenBucket;
  /** The registry has closed it; what still comes is ignored. */
  isClosed: boolean;
  ignored: number;
}

/**
 * WebSocket frames larger than the largest message, up to this, are read so that the client can be told why it is
 * refused; larger ones are refused by the frame header alone (RFC 6455 §7.4.1, code 1009).
 */
const MAX_FRAME_BYTES = 2 * MAX_MESSAGE_BYTES;
/** Room for what the server writes into a signal that it passes on: `from`, `fromSeq`, `seq`, `ack`. */
const SIGNAL_MARGIN_BYTES = 1_024;
/** How long a closing handshake may take. */
const CLOSE_TIMEOUT_MS = 2_000;
/** Messages a refused client may still send before it is cut off without ceremony. */
const MAX_IGNORED_MESSAGES = 500;
/** What a message that goes to the whole room costs beyond the one that every message costs. */
const FAN_OUT_COST = 9;

/**
 * Makes a signaling server, with the rooms its store has kept.
 *
 * @throws {RangeError} (rejects) when the token secret is shorter than 32 bytes.
 * @throws {Error} (rejects) with the store's error when it cannot be read.
 *
 * @example
 * const signaling = await createSignalingServer({ store: createFileStore("rooms.json") });
 * const http = createServer();
 * http.on("upgrade", (request, socket, head) => {
 *   if (!signaling.handleUpgrade(request, socket, head)) socket.destroy();
 * });
 */
export async function createSignalingServer(options: SignalingServerOptions = {}): Promise<SignalingServer> {
  const server = new SignalingServer(options);
  await server.restore();
  return server;
}

/** The driver of a {@link RoomRegistry}: sockets, clock, one timer. Made by {@link createSignalingServer}. */
export class SignalingServer {
  readonly #options: SignalingServerOptions & typeof DEFAULT_SIGNALING_SERVER_OPTIONS;
  readonly #limits: SignalingLimits;
  readonly #log: Logger;
  readonly #registry: RoomRegistry;
  readonly #verifier: JoinTokenVerifier | undefined;
  readonly #saver: Saver | undefined;
  readonly #acceptor: WebSocketServer;
  readonly #links = new Map<ConnectionId, Link>();
  readonly #linkOf = new Map<WebSocket, Link>();
  readonly #connectionsOf = new Map<string, number>();
  readonly #listeners: SocketListeners;
  #timer: NodeJS.Timeout | undefined;
  #armedFor: Millis = Number.POSITIVE_INFINITY;
  #nextId: ConnectionId = 1;
  #requestedRevision = 0;
  #isPumping = false;
  #isDraining = false;
  #refusedUpgrades = 0;
  #slowConsumers = 0;
  #bytesReceived = 0;

  /** Use {@link createSignalingServer}, which also restores the rooms. */
  constructor(options: SignalingServerOptions) {
    this.#options = { ...DEFAULT_SIGNALING_SERVER_OPTIONS, ...options };
    this.#limits = { ...DEFAULT_SIGNALING_LIMITS, ...options.limits };
    this.#log = this.#options.logger;
    const { tokens, store } = options;
    this.#verifier = tokens === undefined ? undefined : new JoinTokenVerifier(tokens.secret);
    this.#registry = new RoomRegistry(
      {
        ...this.#limits,
        maxParticipants: this.#limits.maxParticipantsPerRoom,
        maxTotalParticipants: this.#limits.maxParticipants,
        tokens: tokens === undefined ? "ignored" : tokens.isRequired === false ? "optional" : "required",
        isDurable: store !== undefined,
        iceServersRefreshMs: this.#options.iceServersRefreshMs,
      },
      {
        crypto: { sha256: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()) },
        random: { fill: (target) => randomFillSync(target) },
        log: this.#log,
      },
    );
    this.#saver = store === undefined ? undefined : new Saver(store, this.#saveSource(), this.#log);
    // A variable, because the published types of this version do not know closeTimeout.
    const acceptorOptions = {
      noServer: true,
      clientTracking: false,
      maxPayload: MAX_FRAME_BYTES,
      maxFragments: 1_024,
      perMessageDeflate: false,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: () => WEBSOCKET_SUBPROTOCOL,
    };
    this.#acceptor = new WebSocketServer(acceptorOptions);
    this.#listeners = createListeners(this.#linkOf, {
      message: (link, data, isBinary) => this.#handleMessage(link, data, isBinary),
      heard: (link) => this.#registry.handleHeard(link.id, performance.now()),
      error: (link, error) =>
        this.#log.debug("websocket error", { connection: link.id, reason: error.message }),
      close: (link) => this.#handleClose(link),
    });
  }

  /**
   * Reads the rooms from the store; {@link createSignalingServer} has done it. Without a store, or when it holds
   * something else, the server starts empty.
   */
  async restore(): Promise<void> {
    const saved = await this.#options.store?.load();
    if (saved === undefined) return;
    try {
      const { snapshot, problems } = parseSnapshot(saved);
      this.#registry.restore(snapshot, performance.now());
      if (problems.length > 0) {
        this.#log.error("some saved rooms cannot be used; starting without them", {
          rooms: problems.length,
          reason: problems[0],
        });
        await this.#options.store?.keepUnusable?.();
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#log.error("saved rooms cannot be used; starting without them", { reason: error.message });
      await this.#options.store?.keepUnusable?.();
    }
    this.#pump();
  }

  /**
   * Takes an upgrade request of an HTTP or HTTPS server.
   *
   * @returns false, the socket untouched, when the path is not this server's. True when it was taken, or refused
   *   with an HTTP error.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (pathOf(request) !== this.#options.path) return false;
    const group = addressGroup(this.#options.clientAddress(request));
    const refusal = checkUpgrade(request, this.#options.allowedOrigins) ?? this.#checkCapacity(group);
    if (refusal !== undefined) {
      this.#refusedUpgrades++;
      refuseUpgrade(socket, refusal);
      return true;
    }
    this.#acceptor.handleUpgrade(request, socket, head, (webSocket) => {
      this.#accept(webSocket, group, hostOf(request));
    });
    return true;
  }

  /**
   * Tells every client that the server is closing; sessions may be resumed at the server that comes next. New
   * connections are refused. Resolves when the rooms are saved.
   */
  async drain(): Promise<void> {
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.#registry.drain();
      this.#pump();
    }
    await this.#saver?.flush();
  }

  /**
   * Drains, waits for the closing handshakes, then cuts what is left. The HTTP server is not touched.
   *
   * @param timeoutMs - How long it waits.
   */
  async close(timeoutMs: number = CLOSE_TIMEOUT_MS): Promise<void> {
    await this.drain();
    const deadline = performance.now() + timeoutMs;
    while (this.#links.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const { socket } of this.#links.values()) socket.terminate();
    clearTimeout(this.#timer);
    this.#acceptor.close();
  }

  /** Figures for logs and metrics, as they are now. */
  stats(): SignalingStats {
    return {
      ...this.#registry.stats,
      refusedUpgrades: this.#refusedUpgrades,
      slowConsumers: this.#slowConsumers,
      bytesReceived: this.#bytesReceived,
    };
  }

  #checkCapacity(group: string): UpgradeRefusal | undefined {
    if (this.#isDraining) return { status: 503, problem: "the server is closing" };
    if (this.#links.size >= this.#limits.maxConnections) {
      return { status: 503, problem: "the server has as many connections as it may" };
    }
    if ((this.#connectionsOf.get(group) ?? 0) >= this.#limits.maxConnectionsPerAddress) {
      return { status: 429, problem: "too many connections from this address" };
    }
    return undefined;
  }

  #accept(socket: WebSocket, group: string, host: string | undefined): void {
    const now = performance.now();
    const link: Link = {
      id: this.#nextId++,
      socket,
      group,
      host,
      messages: new TokenBucket(this.#limits.messages, now),
      bytes: new TokenBucket(this.#limits.bytes, now),
      isClosed: false,
      ignored: 0,
    };
    this.#links.set(link.id, link);
    this.#linkOf.set(socket, link);
    this.#connectionsOf.set(group, (this.#connectionsOf.get(group) ?? 0) + 1);
    socket.on("message", this.#listeners.message);
    socket.on("ping", this.#listeners.heard);
    socket.on("pong", this.#listeners.heard);
    socket.on("error", this.#listeners.error);
    socket.on("close", this.#listeners.close);
    this.#registry.handleOpen(link.id, group, now);
    this.#pump();
  }

  #handleMessage(link: Link, data: RawData, isBinary: boolean): void {
    const bytes = toBuffer(data);
    this.#bytesReceived += bytes.length;
    if (link.isClosed) {
      link.ignored++;
      if (link.ignored > MAX_IGNORED_MESSAGES) link.socket.terminate();
      return;
    }
    this.#feed(link, bytes, isBinary, performance.now());
    this.#pump();
  }

  #feed(link: Link, bytes: Buffer, isBinary: boolean, now: Millis): void {
    const { messages, bytes: byteLimit } = this.#limits;
    if (!link.messages.take(1, messages, now) || !link.bytes.take(bytes.length, byteLimit, now)) {
      this.#registry.handleViolation(link.id, "RATE_LIMITED", "too many messages or bytes", now);
      return;
    }
    if (bytes.length > MAX_MESSAGE_BYTES) {
      const problem = `expected at most ${MAX_MESSAGE_BYTES} bytes, got ${bytes.length}`;
      this.#registry.handleViolation(link.id, "MESSAGE_TOO_LARGE", problem, now);
      return;
    }
    if (isBinary) {
      this.#registry.handleViolation(link.id, "BAD_MESSAGE", "expected text, got a binary message", now);
      return;
    }
    const parsed = parseClientMessage(bytes.toString("utf8"));
    if (!parsed.isValid) {
      this.#registry.handleViolation(link.id, parsed.code, parsed.problem, now);
      return;
    }
    const { message } = parsed;
    const maxSignalBytes = MAX_MESSAGE_BYTES - SIGNAL_MARGIN_BYTES;
    if (message.type === "signal" && bytes.length > maxSignalBytes) {
      const problem = `expected a signal of at most ${maxSignalBytes} bytes, got ${bytes.length}`;
      this.#registry.handleViolation(link.id, "MESSAGE_TOO_LARGE", problem, now);
      return;
    }
    const isFannedOut = message.type === "state" || message.type === "moderate";
    if (isFannedOut && !link.messages.take(FAN_OUT_COST, messages, now)) {
      this.#registry.handleViolation(link.id, "RATE_LIMITED", "too many messages to the room", now);
      return;
    }
    this.#registry.handleMessage(link.id, message, now);
  }

  #handleClose(link: Link): void {
    this.#links.delete(link.id);
    this.#linkOf.delete(link.socket);
    const count = (this.#connectionsOf.get(link.group) ?? 1) - 1;
    if (count > 0) this.#connectionsOf.set(link.group, count);
    else this.#connectionsOf.delete(link.group);
    this.#registry.handleClosed(link.id, performance.now());
    this.#pump();
  }

  /** Carries out what the registry wants, arms its deadline, and has its changes saved. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (;;) {
      for (
        let next = this.#registry.pollTransmit();
        next !== undefined;
        next = this.#registry.pollTransmit()
      ) {
        this.#transmit(next);
      }
      const event = this.#registry.pollEvent();
      if (event === undefined) break;
      this.#handleEvent(event);
    }
    this.#isPumping = false;
    this.#arm(this.#registry.pollTimeout());
    if (this.#saver !== undefined && this.#registry.revision !== this.#requestedRevision) {
      this.#requestedRevision = this.#registry.revision;
      this.#saver.request();
    }
  }

  #transmit(transmit: RegistryTransmit): void {
    const link = this.#links.get(transmit.connection);
    if (link === undefined) return;
    const { socket } = link;
    switch (transmit.type) {
      case "text":
        socket.send(transmit.text);
        // A client that does not read must not fill the server's memory. Its session can be resumed.
        if (socket.bufferedAmount > this.#limits.maxBufferedBytes && !link.isClosed) {
          this.#slowConsumers++;
          link.isClosed = true;
          socket.terminate();
        }
        return;
      case "ping":
        socket.ping();
        return;
      case "close":
        link.isClosed = true;
        socket.close(transmit.closeCode, transmit.reason);
        // A flood is not read any more: it stays in the flooder's own buffers until the closing handshake times out.
        if (transmit.reason === "RATE_LIMITED") socket.pause();
        return;
      default:
        transmit satisfies never;
    }
  }

  #handleEvent(event: RegistryEvent): void {
    switch (event.type) {
      case "verifyToken":
        void this.#verifyToken(event);
        return;
      case "iceServers":
        this.#provideIceServers(event);
        return;
      case "left":
        this.#tell("onParticipantLeft", () => this.#options.onParticipantLeft(event.participant, event.room));
        return;
      case "report": {
        const { room, participant, report } = event;
        this.#tell("onReport", () => this.#options.onReport({ room, participant, report }));
        return;
      }
      default:
        event satisfies never;
    }
  }

  async #verifyToken(event: Extract<RegistryEvent, { type: "verifyToken" }>): Promise<void> {
    const answer = (await this.#verifier?.verify(event.token, event.room, Date.now())) ?? {
      isValid: false,
      reason: "this server takes no tokens",
    };
    this.#registry.handleToken(event.id, answer, performance.now());
    this.#pump();
  }

  #provideIceServers(event: Extract<RegistryEvent, { type: "iceServers" }>): void {
    const { id, room, participant, connection } = event;
    const context = { room, participant, host: this.#links.get(connection)?.host };
    try {
      const servers = this.#options.iceServers(context);
      if (!(servers instanceof Promise)) {
        this.#registry.handleIceServers(id, servers);
        return;
      }
      servers.then(
        (list) => this.#answerIceServers(id, list),
        (error: unknown) => this.#answerIceServers(id, this.#withoutIceServers(error)),
      );
    } catch (error) {
      this.#registry.handleIceServers(id, this.#withoutIceServers(error));
    }
  }

  #answerIceServers(id: number, servers: readonly IceServer[]): void {
    this.#registry.handleIceServers(id, servers);
    this.#pump();
  }

  // Many calls need no STUN or TURN; better a chance than none.
  #withoutIceServers(error: unknown): readonly IceServer[] {
    this.#log.error("the iceServers option failed; a participant gets none", { reason: String(error) });
    return [];
  }

  /** Calls an option that is not ours: whatever goes wrong in it stays there. */
  #tell(name: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error(`the ${name} option failed`, { reason: String(error) });
    }
  }

  #arm(deadline: Millis): void {
    if (deadline === this.#armedFor) return;
    this.#armedFor = deadline;
    clearTimeout(this.#timer);
    if (deadline === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#handleTimer(), Math.max(0, deadline - performance.now()));
    // The sockets keep the process alive as long as there is somebody to serve.
    this.#timer.unref();
  }

  #handleTimer(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#registry.handleTimeout(performance.now());
    this.#pump();
  }

  #saveSource(): ConstructorParameters<typeof Saver>[1] {
    return {
      beginSave: () => this.#registry.beginSave(),
      handleSaved: (revision) => {
        this.#registry.handleSaved(revision);
        this.#pump();
      },
    };
  }
}

/** Listeners shared by all sockets: they find their link by `this`. */
interface SocketListeners {
  message(this: WebSocket, data: RawData, isBinary: boolean): void;
  heard(this: WebSocket): void;
  error(this: WebSocket, error: Error): void;
  close(this: WebSocket): void;
}

function createListeners(
  linkOf: ReadonlyMap<WebSocket, Link>,
  handlers: {
    message(link: Link, data: RawData, isBinary: boolean): void;
    heard(link: Link): void;
    error(link: Link, error: Error): void;
    close(link: Link): void;
  },
): SocketListeners {
  return {
    message(data, isBinary) {
      const link = linkOf.get(this);
      if (link !== undefined) handlers.message(link, data, isBinary);
    },
    heard() {
      const link = linkOf.get(this);
      if (link !== undefined) handlers.heard(link);
    },
    error(error) {
      const link = linkOf.get(this);
      if (link !== undefined) handlers.error(link, error);
    },
    close() {
      const link = linkOf.get(this);
      if (link !== undefined) handlers.close(link);
    },
  };
}

function toBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}
