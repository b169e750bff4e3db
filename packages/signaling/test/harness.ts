import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket } from "ws";
import { createSignalingServer, type SignalingServer, type SignalingServerOptions } from "../src/index.ts";
import type {
  ClientMessage,
  Envelope,
  ErrorMessage,
  JoinedMessage,
  ParticipantState,
  PeerSignal,
  ServerMessage,
} from "../src/protocol/index.ts";

type Incoming = ServerMessage & Envelope;
type OfType<T extends Incoming["type"]> = Extract<Incoming, { readonly type: T }>;

const WAIT_MS = 5_000;

/** A signaling server behind an HTTP server on loopback. */
export interface TestServer {
  readonly signaling: SignalingServer;
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
  /** Ends it as SIGKILL would, as far as one process can: every socket destroyed, nothing said, nothing saved. */
  kill(): void;
}

export async function startServer(options: SignalingServerOptions = {}, port = 0): Promise<TestServer> {
  const signaling = await createSignalingServer(options);
  const http = createServer();
  const sockets = new Set<{ destroy(): void }>();
  http.on("connection", (socket) => sockets.add(socket));
  http.on("upgrade", (request, socket, head) => {
    if (!signaling.handleUpgrade(request, socket, head)) socket.destroy();
  });
  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
  const bound = portOf(http.address());
  return {
    signaling,
    url: `ws://127.0.0.1:${bound}/signal`,
    port: bound,
    async close() {
      await signaling.close();
      http.close();
      for (const socket of sockets) socket.destroy();
    },
    kill() {
      http.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A client that speaks the protocol by hand. */
export class TestClient {
  readonly socket: WebSocket;
  readonly messages: Incoming[] = [];
  /** Whether reliable messages are acknowledged as they come. */
  acknowledges = true;
  received = 0;
  #seq = 0;
  #wake: (() => void)[] = [];
  #closed: Closed | undefined;

  constructor(url: string, headers: IncomingHttpHeaders = {}, protocol = "naru.v1") {
    this.socket = new WebSocket(url, [protocol], { headers });
    this.socket.on("message", (data) => this.#receive(String(data)));
    this.socket.on("error", () => undefined);
    this.socket.on("close", (code, reason) => {
      this.#closed = { code, reason: reason.toString() };
      this.#wakeAll();
    });
  }

  /** Resolves when the connection is open. */
  async opened(): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) {
      await new Promise((resolve, reject) => {
        this.socket.once("open", resolve);
        this.socket.once("error", reject);
      });
    }
    return this;
  }

  raw(text: string | Uint8Array): void {
    this.socket.send(text);
  }

  send(message: ClientMessage & Envelope): void {
    this.raw(JSON.stringify(message));
  }

  /** Sends a reliable message with the next number, and answers the number. */
  sendReliable(message: ClientMessage): number {
    this.#seq++;
    this.send({ ...message, seq: this.#seq });
    return this.#seq;
  }

  signal(to: string, text: string): number {
    return this.sendReliable({ type: "signal", to, signal: reset(text) });
  }

  /** Removes and returns the first message of `type`, waiting for it if need be. */
  async next<T extends Incoming["type"]>(
    type: T,
    accept: (message: OfType<T>) => boolean = () => true,
  ): Promise<OfType<T>> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      for (const [index, message] of this.messages.entries()) {
        if (!isOfType(message, type) || !accept(message)) continue;
        this.messages.splice(index, 1);
        return message;
      }
      if (this.#closed !== undefined) {
        throw new Error(`closed (${this.#closed.code} ${this.#closed.reason}) while waiting for ${type}`);
      }
      if (performance.now() > deadline) throw new Error(`no ${type} within ${WAIT_MS} ms`);
      await this.#change(deadline - performance.now());
    }
  }

  /** The fatal error and how the connection closed. */
  async refusal(): Promise<{ readonly error: ErrorMessage | undefined; readonly closed: Closed }> {
    const closed = await this.closed();
    return { error: this.messages.find(isFatal), closed };
  }

  async closed(): Promise<Closed> {
    const deadline = performance.now() + WAIT_MS;
    while (this.#closed === undefined) {
      if (performance.now() > deadline) throw new Error(`not closed within ${WAIT_MS} ms`);
      await this.#change(deadline - performance.now());
    }
    return this.#closed;
  }

  #receive(text: string): void {
    const message: Incoming = JSON.parse(text);
    if (message.seq !== undefined) {
      if (message.seq <= this.received) return;
      this.received = message.seq;
      if (this.acknowledges) this.send({ type: "ack", ack: message.seq });
    }
    this.messages.push(message);
    this.#wakeAll();
  }

  async #change(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake.push(resolve);
      timer = setTimeout(resolve, Math.max(1, timeoutMs));
    });
    clearTimeout(timer);
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

export interface JoinOptions {
  readonly room?: string;
  readonly name?: string;
  readonly token?: string;
  readonly state?: ParticipantState;
}

/** Connects and sends `join`. */
export async function knock(url: string, options: JoinOptions = {}): Promise<TestClient> {
  const client = await new TestClient(url).opened();
  client.send({ type: "join", version: 1, room: "r", name: "n", ...options });
  return client;
}

/** Connects and joins. */
export async function join(url: string, options: JoinOptions = {}): Promise<[TestClient, JoinedMessage]> {
  const client = await knock(url, options);
  return [client, await client.next("joined")];
}

/** Connects and sends `resume`. */
export async function resume(url: string, session: string, received = 0): Promise<TestClient> {
  const client = await new TestClient(url).opened();
  client.received = received;
  client.send({ type: "resume", version: 1, session, received });
  return client;
}

export function reset(reason: string): PeerSignal {
  return { kind: "reset", reason };
}

function isOfType<T extends Incoming["type"]>(message: Incoming, type: T): message is OfType<T> {
  return message.type === type;
}

function isFatal(message: Incoming): message is OfType<"error"> {
  return message.type === "error" && message.fatal;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error(`expected a port, got ${address}`);
  return address.port;
}
