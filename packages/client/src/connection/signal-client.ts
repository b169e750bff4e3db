import { SIGNALING_PATH, WEBSOCKET_SUBPROTOCOL } from "@naru/signaling/protocol";
import type { Logger } from "@naru/webrtc/sansio";
import type { ClientPlatform, ClientTimer } from "../platform/platform.ts";
import {
  type ReliableMessage,
  SignalSession,
  type SignalSessionEvent,
  type SignalSessionOptions,
} from "./signal-session.ts";

/** What the client tells its owner; sockets are its own business. */
export type SignalClientEvent = Exclude<SignalSessionEvent, { readonly type: "openSocket" | "closeSocket" }>;

export interface SignalClientOptions extends SignalSessionOptions {
  /** Gets what the next `join` needs; the socket is opened after it. */
  readonly prepareJoin?: (() => Promise<void>) | undefined;
}

/** Runs a {@link SignalSession} on WebSockets of the platform. */
export class SignalClient {
  readonly #platform: ClientPlatform;
  readonly #url: string;
  readonly #session: SignalSession;
  readonly #onEvent: (event: SignalClientEvent) => void;
  readonly #log: Logger;
  readonly #prepareJoin: (() => Promise<void>) | undefined;
  /** Of the newest attempt; undefined once it is over. */
  #preparing: Promise<void> | undefined;
  #socket: WebSocket | undefined;
  #timer: ClientTimer | undefined;
  #pumping = false;

  constructor(
    platform: ClientPlatform,
    url: string,
    options: SignalClientOptions,
    onEvent: (event: SignalClientEvent) => void,
  ) {
    this.#platform = platform;
    this.#url = url;
    this.#session = new SignalSession(options);
    this.#onEvent = onEvent;
    this.#log = options.log;
    this.#prepareJoin = options.prepareJoin;
  }

  connect(): void {
    this.#session.connect(this.#platform.now());
    this.#pump();
  }

  /** False when it was not taken: too much is waiting, or the session is over. */
  send(message: ReliableMessage): boolean {
    const taken = this.#session.send(message);
    this.#pump();
    return taken;
  }

  reconnectNow(): void {
    this.#session.reconnectNow(this.#platform.now());
    this.#pump();
  }

  leave(): void {
    this.#session.leave();
    this.#pump();
  }

  get isConnected(): boolean {
    return this.#session.state === "connected";
  }

  #open(): void {
    this.#closeSocket();
    if (this.#prepareJoin === undefined || this.#session.session !== undefined) {
      this.#openSocket();
      return;
    }
    const preparing = this.#prepareJoin();
    this.#preparing = preparing;
    const then = (run: () => void): void => {
      if (this.#preparing !== preparing) return;
      run();
      this.#pump();
    };
    preparing.then(
      () => then(() => this.#openSocket()),
      (error: unknown) => {
        this.#log.error("no token for joining", { error: String(error) });
        then(() => this.#session.handleClose(1006, "", this.#platform.now()));
      },
    );
  }

  #openSocket(): void {
    const socket = this.#createSocket();
    if (socket === undefined) return;
    this.#socket = socket;
    // Events of a socket that was given up are nobody's any more.
    const feed = (input: () => void): void => {
      if (this.#socket !== socket) return;
      input();
      this.#pump();
    };
    socket.onopen = () => feed(() => this.#session.handleOpen(this.#platform.now()));
    socket.onmessage = (event) => {
      const data: unknown = event.data;
      if (typeof data === "string") feed(() => this.#session.handleMessage(data, this.#platform.now()));
    };
    socket.onclose = (event) =>
      feed(() => {
        this.#socket = undefined;
        this.#session.handleClose(event.code, event.reason, this.#platform.now());
      });
  }

  #createSocket(): WebSocket | undefined {
    try {
      return this.#platform.createWebSocket(this.#url, WEBSOCKET_SUBPROTOCOL);
    } catch (error) {
      // For example ws: from a page of https:. Trying again does not help, but it is the session that gives up.
      this.#log.error("the browser does not open this WebSocket", { url: this.#url, error: String(error) });
      this.#session.handleClose(1006, "", this.#platform.now());
      return undefined;
    }
  }

  #closeSocket(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#preparing = undefined;
    socket?.close(1000);
  }

  #pump(): void {
    // A listener may send: what it adds is drained by the turn that called it.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#drain();
    } finally {
      this.#pumping = false;
      this.#arm();
    }
  }

  #drain(): void {
    for (;;) {
      for (let text = this.#session.pollTransmit(); text !== undefined; text = this.#session.pollTransmit()) {
        if (this.#socket?.readyState === 1) this.#socket.send(text);
      }
      const event = this.#session.pollEvent();
      if (event === undefined) return;
      if (event.type === "openSocket") this.#open();
      else if (event.type === "closeSocket") this.#closeSocket();
      else this.#onEvent(event);
    }
  }

  #arm(): void {
    this.#timer?.cancel();
    const due = this.#session.pollTimeout();
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#platform.setTimer(() => {
      this.#session.handleTimeout(this.#platform.now());
      this.#pump();
    }, due - this.#platform.now());
  }
}

/**
 * The address of the signaling endpoint.
 *
 * @param url - `http(s)://` or `ws(s)://`, with or without a path; default the page's origin.
 * @throws {TypeError} When it is no such address.
 */
export function signalingUrl(url: string | URL | undefined, origin: string | undefined): string {
  const base = url ?? origin;
  if (base === undefined) throw new TypeError("url: outside a page the address of the server must be given");
  const parsed = new URL(base);
  if (!/^(https?|wss?):$/.test(parsed.protocol)) {
    throw new TypeError(`url: expected http, https, ws or wss, got ${JSON.stringify(parsed.protocol)}`);
  }
  parsed.protocol = parsed.protocol.replace("http", "ws");
  if (parsed.pathname === "/") parsed.pathname = SIGNALING_PATH;
  parsed.hash = "";
  return parsed.href;
}
