import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from "node:net";
import {
  checkServerIdentity,
  connect as connectTls,
  createServer as createTlsServer,
  rootCertificates,
  TLSSocket,
} from "node:tls";
import { copyBytes, IpAddress, TransportAddress } from "../bytes/index.ts";
import type {
  StreamConnectOptions,
  StreamHandler,
  StreamIo,
  StreamListener,
  StreamListenOptions,
} from "../platform/index.ts";

/** How long a closed stream may take to deliver what is waiting. */
const LINGER_MS = 5_000;

/** A client that has not finished its TLS handshake by then is not going to. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Opens a TCP connection, with TLS on it when asked for. */
export async function connectStream(
  options: StreamConnectOptions,
  handler: StreamHandler,
): Promise<StreamIo> {
  const { address, localAddress, localPort, timeoutMs, tls } = options;
  const target = {
    host: address.ip.toString(),
    port: address.port,
    ...(localAddress === undefined ? {} : { localAddress: localAddress.toString() }),
    ...(localPort === undefined ? {} : { localPort }),
  };
  const socket =
    tls === undefined
      ? connectTcp(target)
      : connectTls({
          ...target,
          // SNI has names only; the certificate is checked for either, whatever address we were led to.
          ...(IpAddress.parse(tls.serverName) === undefined ? { servername: tls.serverName } : {}),
          checkServerIdentity: (_host, certificate) => checkServerIdentity(tls.serverName, certificate),
          ...(tls.ca === undefined ? {} : { ca: [...rootCertificates, ...tls.ca] }),
          ...(tls.alpn === undefined ? {} : { ALPNProtocols: [...tls.alpn] }),
        });
  const stream = await new Promise<NodeStream>((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no connection to ${address} within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.once("error", reject);
    socket.once("close", () => clearTimeout(timer));
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      clearTimeout(timer);
      // The peer may be gone before anybody looked.
      if (socket.remoteAddress === undefined) {
        socket.destroy(new Error(`the connection to ${address} was lost at once`));
        return;
      }
      // Here and not after the await: an error that comes in between would stop the process.
      resolve(new NodeStream(socket));
    });
  });
  stream.start(handler);
  return stream;
}

/** Listens for TCP or TLS connections. */
export async function listenStream(
  options: StreamListenOptions,
  onConnection: (stream: StreamIo) => StreamHandler,
): Promise<StreamListener> {
  const { address, port, tls } = options;
  const server: Server =
    tls === undefined
      ? createTcpServer()
      : createTlsServer({
          cert: tls.certificate,
          key: tls.privateKey,
          handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        });
  server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    // The peer may be gone before anybody looked.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    adoptSocket(socket, onConnection);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address.toString(), port, ipv6Only: address.family === 6, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  // A failed accept (out of file descriptors) concerns one connection, not the listener.
  server.on("error", () => undefined);
  return {
    localAddress: toTransportAddress(server.address()),
    close: () => void server.close(),
  };
}

/**
 * Makes a stream of a connection that somebody else accepted, plain or TLS, for example on a port with several protocols.
 *
 * @param socket - Connected, and the stream's from now on. What was read of it and given back (`unshift`) comes first.
 * @throws {TypeError} when the connection is gone already: it has no addresses then.
 */
export function adoptSocket(socket: Socket, onConnection: (stream: StreamIo) => StreamHandler): void {
  const stream = new NodeStream(socket);
  stream.start(onConnection(stream));
}

class NodeStream implements StreamIo {
  readonly localAddress: TransportAddress;
  readonly remoteAddress: TransportAddress;
  readonly #socket: Socket;
  #failure: Error | undefined;
  #closing = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", (error) => {
      this.#failure = error;
    });
    socket.setNoDelay(true);
    // Waiting writes would be joined to one TLS record, and there are TURN clients (coturn's) that take a record for a
    // message. Without this method they leave one by one.
    if (socket instanceof TLSSocket) Object.defineProperty(socket, "_writev", { value: undefined });
    this.localAddress = toTransportAddress({
      address: socket.localAddress ?? "",
      port: socket.localPort ?? 0,
    });
    this.remoteAddress = toTransportAddress({
      address: socket.remoteAddress ?? "",
      port: socket.remotePort ?? 0,
    });
  }

  start(handler: StreamHandler): void {
    // A plain view: Buffers stay on this side of the platform.
    this.#socket.on("data", ({ buffer, byteOffset, length }: Uint8Array) => {
      handler.handleData(new Uint8Array(buffer, byteOffset, length));
    });
    this.#socket.on("drain", () => handler.handleDrain());
    const handleClose = (): void => handler.handleClose(this.#failure);
    if (this.#socket.closed) setImmediate(handleClose);
    else this.#socket.once("close", handleClose);
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#socket.writable) return false;
    return this.#socket.write(copyBytes(bytes));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    if (this.#closing || this.#socket.destroyed) return;
    this.#closing = true;
    this.#socket.end();
    // A peer that does not read would keep us and our memory for ever.
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once("close", () => clearTimeout(linger));
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function toTransportAddress(info: string | Pick<AddressInfo, "address" | "port"> | null): TransportAddress {
  const ip = info === null || typeof info === "string" ? undefined : IpAddress.parse(info.address);
  if (ip === undefined || info === null || typeof info === "string") {
    throw new TypeError("the system gave a TCP socket no IP address");
  }
  return new TransportAddress(ip, info.port);
}
