import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export interface HttpServerOptions {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** Takes over a connection that asks to become a WebSocket; false when its path is no WebSocket endpoint. */
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
}

/** Largest request head, in bytes: several times what browsers send. */
const MAX_HEADER_BYTES = 16_384;
const MAX_HEADERS = 100;
/** How long a client may take for the head of a request, in milliseconds. */
const HEADERS_TIMEOUT_MS = 10_000;
/** The same for a whole request. Bodies are not read: no route takes one. */
const REQUEST_TIMEOUT_MS = 15_000;
/** How long a connection may stay open between two requests, in milliseconds. */
const KEEP_ALIVE_MS = 30_000;
/** Requests of one connection that may wait for their answers. Browsers never have more than one. */
const MAX_PIPELINED = 64;
/** How often the time limits are looked after, in milliseconds. */
const CHECK_INTERVAL_MS = 2_000;
/** An answer nobody reads any more is given up after this silence, in milliseconds. */
const IDLE_TIMEOUT_MS = 60_000;

/** HTTP/1.1 on connections that somebody else accepts: hand each to {@link HttpServer.handleConnection}. */
export class HttpServer {
  readonly #server: Server;
  /** Requests under way, by connection. */
  readonly #underWay = new WeakMap<Duplex, number>();

  constructor(options: HttpServerOptions) {
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: CHECK_INTERVAL_MS,
        insecureHTTPParser: false,
        requireHostHeader: true,
      },
      (request, response) => {
        if (this.#admit(request, response)) options.onRequest(request, response);
      },
    );
    this.#server.maxHeadersCount = MAX_HEADERS;
    this.#server.timeout = IDLE_TIMEOUT_MS;
    this.#server.on("upgrade", (request, socket, head) => {
      socket.on("error", () => undefined);
      if (request.headers.upgrade?.toLowerCase() !== "websocket") {
        refuseUpgrade(socket, "400 Bad Request", "Only WebSocket upgrades are known here\n");
        return;
      }
      if (!options.onUpgrade(request, socket, head)) refuseUpgrade(socket, "404 Not Found", "Not found\n");
    });
    // A client may close its side after its last request and wait for the answer (RFC 9112 §9.6 speaks of the
    // half-closed connection). Node has the switch, its types do not.
    Reflect.set(this.#server, "httpAllowHalfOpen", true);
    // The server itself never listens; this starts the supervision of time limits, which listening would.
    this.#server.emit("listening");
  }

  /** Serves a connection, from its first byte. */
  handleConnection(connection: Duplex): void {
    this.#server.emit("connection", connection);
  }

  /** Ends all connections but those that have become WebSockets. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** One segment can carry thousands of requests, which would all be handled before anybody else's. */
  #admit(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request;
    if (socket.destroyed) return false;
    const underWay = (this.#underWay.get(socket) ?? 0) + 1;
    if (underWay > MAX_PIPELINED) {
      socket.destroy();
      return false;
    }
    this.#underWay.set(socket, underWay);
    response.once("close", () => this.#underWay.set(socket, (this.#underWay.get(socket) ?? 1) - 1));
    return true;
  }
}

function refuseUpgrade(socket: Duplex, status: string, body: string): void {
  const head = [
    `HTTP/1.1 ${status}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "X-Content-Type-Options: nosniff",
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
