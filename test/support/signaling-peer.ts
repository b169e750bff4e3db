/**
 * A client that speaks the signaling protocol by itself, message by message, so that a test can say what no client
 * of ours would.
 */
import { once } from "node:events";
import type { ClientMessage, JoinedMessage, ServerMessage } from "@naru/signaling/protocol";
import { PROTOCOL_VERSION, WEBSOCKET_SUBPROTOCOL } from "@naru/signaling/protocol";
import WebSocket from "ws";

/** How the connection ended. */
export interface PeerClose {
  readonly code: number;
  readonly reason: string;
}

/** A received message with its envelope, of any type the server may send. */
export type ReceivedMessage = ServerMessage & { readonly seq?: number; readonly ack?: number };

const WAIT_MS = 10_000;

export class SignalingPeer {
  /** Everything received, in order. */
  readonly received: ReceivedMessage[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  #close: PeerClose | undefined;
  #sent = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const message: ReceivedMessage = JSON.parse(String(data));
      this.received.push(message);
      this.#wake();
    });
    socket.on("close", (code, reason) => {
      this.#close = { code, reason: reason.toString() };
      this.#wake();
    });
    // A server that resets a hostile connection is what some tests are after; `close` follows.
    socket.on("error", () => undefined);
  }

  /** Connects to a signaling endpoint; nothing is said yet. */
  static async connect(url: string, headers: Readonly<Record<string, string>> = {}): Promise<SignalingPeer> {
    const socket = new WebSocket(url, WEBSOCKET_SUBPROTOCOL, { headers, rejectUnauthorized: false });
    const peer = new SignalingPeer(socket);
    await once(socket, "open", { signal: AbortSignal.timeout(WAIT_MS) });
    return peer;
  }

  /** Connects and joins a room. */
  static async join(
    url: string,
    room: string,
    name: string,
    more: Partial<Extract<ClientMessage, { type: "join" }>> = {},
  ): Promise<{ peer: SignalingPeer; joined: JoinedMessage }> {
    const peer = await SignalingPeer.connect(url);
    peer.send({ type: "join", version: PROTOCOL_VERSION, room, name, ...more });
    return { peer, joined: await peer.next("joined") };
  }

  /** How the connection ended; undefined while it is open. */
  get closed(): PeerClose | undefined {
    return this.#close;
  }

  /** Sends a message as it is, without a number. */
  send(message: ClientMessage): void {
    this.sendText(JSON.stringify(message));
  }

  /** Sends a message that is numbered, as all but join, resume, ping and ack are. */
  sendReliable(message: ClientMessage): void {
    this.sendText(JSON.stringify({ ...message, seq: ++this.#sent }));
  }

  /** Sends any text. */
  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** Sends any bytes in a binary frame. */
  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes, { binary: true });
  }

  /** The first message of that type among those received and those to come. */
  async next<T extends ServerMessage["type"]>(
    type: T,
    matches: (message: Extract<ReceivedMessage, { type: T }>) => boolean = () => true,
    timeoutMs = WAIT_MS,
  ): Promise<Extract<ReceivedMessage, { type: T }>> {
    let found: Extract<ReceivedMessage, { type: T }> | undefined;
    const isIt = (message: ReceivedMessage): message is Extract<ReceivedMessage, { type: T }> =>
      message.type === type;
    await this.#until(
      () => {
        found = this.received.filter(isIt).find(matches);
        return found !== undefined;
      },
      `a "${type}" message`,
      timeoutMs,
    );
    if (found === undefined) throw new Error("unreachable");
    return found;
  }

  /** The `pong` to a `ping` sent now, in ms. */
  async ping(): Promise<number> {
    const before = this.received.filter((message) => message.type === "pong").length;
    const started = performance.now();
    this.send({ type: "ping" });
    await this.#until(
      () => this.received.filter((message) => message.type === "pong").length > before,
      "a pong",
      WAIT_MS,
    );
    return performance.now() - started;
  }

  /** Waits for the end of the connection. */
  async end(timeoutMs = WAIT_MS): Promise<PeerClose> {
    await this.#until(() => this.#close !== undefined, "the end of the connection", timeoutMs, true);
    return this.#close ?? { code: 0, reason: "" };
  }

  /** Ends the connection with a closing handshake. */
  close(): void {
    this.#socket.close();
  }

  /** Ends the TCP connection at once, as a lost network would. */
  terminate(): void {
    this.#socket.terminate();
  }

  async #until(isTrue: () => boolean, what: string, timeoutMs: number, endIsFine = false): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!isTrue()) {
      if (this.#close !== undefined && !endIsFine) {
        const { code, reason } = this.#close;
        throw new Error(`waited for ${what}, but the connection ended with ${code} ${reason}`);
      }
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`waited ${timeoutMs} ms for ${what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left);
        const waiting = this.#waiting;
        function done(): void {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        }
        waiting.add(done);
      });
    }
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}
