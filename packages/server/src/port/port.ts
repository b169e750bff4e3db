import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { addressGroup } from "../network/address-range.ts";
import { HTTP, STUN, TLS } from "./protocols.ts";
import { sniffProtocol } from "./sniff.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** Certificate chain and private key, PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface PortOptions {
  readonly identity: TlsIdentity;
  /** Receives each HTTP connection, plain or decrypted. It owns the connection from then on. */
  readonly onHttp: (connection: Duplex) => void;
  /** The same for each STUN or TURN connection; those are refused when it is left out. */
  readonly onStun?: ((connection: Socket) => void) | undefined;
  /** How many connections may be open at once; more are refused by the system. */
  readonly maxConnections: number;
  /** How many of them may come from one address (IPv6: from one /64). */
  readonly maxConnectionsPerAddress: number;
  /** Whether an address may have as many as it likes: a proxy brings everybody's. */
  readonly isUnlimited: (address: string) => boolean;
  /** How many of them may not yet have said what they want. */
  readonly maxWaiting: number;
  /** How long a connection has for its first byte and its TLS handshake together, in milliseconds. */
  readonly waitingTimeoutMs: number;
}

/** What happened on the port since it was opened. */
export interface PortStats {
  readonly open: number;
  readonly waiting: number;
  /** Connections that ran out of time before they said what they want. */
  readonly expired: number;
  /** Connections that had to make room for newer ones before they said what they want. */
  readonly evicted: number;
  /** Connections that began with no protocol known here. */
  readonly unknown: number;
  readonly tlsFailures: number;
  /** Connections refused because their address has as many as it may. */
  readonly overLimit: number;
}

/**
 * One TCP port for all that is spoken on it: the first byte of a connection tells whether it is TLS, and the first
 * byte inside TLS tells the same of what is in it.
 */
export class Port {
  readonly #tcp: Server;
  readonly #tls: TlsServer;
  readonly #waiting: WaitingRoom;
  readonly #open = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();
  /** Raw connections under TLS ones that have not said yet what they want, by {@link connectionKey}. */
  readonly #handshaking = new Map<string, Socket>();
  #unknown = 0;
  #tlsFailures = 0;
  #overLimit = 0;

  constructor(options: PortOptions) {
    this.#waiting = new WaitingRoom({ capacity: options.maxWaiting, timeoutMs: options.waitingTimeoutMs });
    this.#tls = createTlsServer({
      cert: options.identity.certificate,
      key: options.identity.privateKey,
      minVersion: "TLSv1.2",
      // RFC 7443 §3: what clients of TURN may offer. Who offers nothing is not asked.
      ALPNProtocols: ["http/1.1", "stun.turn"],
      // The waiting room counts the whole time, the handshake included.
      handshakeTimeout: 2 * options.waitingTimeoutMs,
    });
    this.#tls.on("tlsClientError", (_error, socket) => {
      this.#tlsFailures++;
      socket.destroy();
    });
    // allowHalfOpen: HTTP decides itself what the end of a request means.
    this.#tcp = createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      if (!this.#admit(socket, options)) {
        socket.destroy();
        return;
      }
      // A reset may come at any moment, also between two owners; the owner of the moment sees "close".
      socket.on("error", () => undefined);
      this.#waiting.enter(socket);
      sniffProtocol(socket, [TLS, STUN, HTTP], (protocol) => {
        switch (protocol) {
          case "tls":
            this.#beginHandshake(socket);
            return;
          case "http":
            this.#waiting.leave(socket);
            options.onHttp(socket);
            return;
          case "stun":
            this.#waiting.leave(socket);
            this.#handOverStun(socket, options);
            return;
          case undefined:
            this.#refuse(socket);
            return;
          default:
            protocol satisfies never;
        }
      });
    });
    this.#tls.on("secureConnection", (secure) => {
      secure.on("error", () => undefined);
      sniffProtocol(secure, [STUN, HTTP], (protocol) => {
        if (protocol === undefined) {
          this.#refuse(secure);
          return;
        }
        this.#endHandshake(secure);
        if (protocol === "stun") this.#handOverStun(secure, options);
        else options.onHttp(secure);
      });
    });
    this.#tcp.maxConnections = options.maxConnections;
  }

  /**
   * Opens the port.
   *
   * @param host - Address to listen on; undefined for all addresses of both families.
   * @param port - 0 lets the system choose.
   * @returns the port number.
   * @throws {Error} (rejects) the system's error, for example with the code `EADDRINUSE`.
   */
  async listen(host: string | undefined, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once("error", reject);
      const onListening = (): void => {
        this.#tcp.off("error", reject);
        resolve();
      };
      if (host === undefined) this.#tcp.listen(port, onListening);
      else this.#tcp.listen(port, host, onListening);
    });
    const address = this.#tcp.address();
    if (address === null || typeof address === "string") throw new Error("the port has no address");
    return address.port;
  }

  /** Certificate and key for the handshakes from now on. */
  setIdentity(identity: TlsIdentity): void {
    this.#tls.setSecureContext({
      cert: identity.certificate,
      key: identity.privateKey,
      minVersion: "TLSv1.2",
    });
  }

  get stats(): PortStats {
    return {
      open: this.#open.size,
      waiting: this.#waiting.size,
      expired: this.#waiting.expiredCount,
      evicted: this.#waiting.evictedCount,
      unknown: this.#unknown,
      tlsFailures: this.#tlsFailures,
      overLimit: this.#overLimit,
    };
  }

  /** Accepts no more connections; those that are open stay. Resolves when the port number is free again. */
  async stopListening(): Promise<void> {
    this.#waiting.clear();
    if (!this.#tcp.listening) return;
    // The callback comes when the last connection is gone; the number itself is free at once.
    this.#tcp.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Closes the port and every connection on it. */
  close(): void {
    if (this.#tcp.listening) this.#tcp.close();
    this.#waiting.clear();
    for (const socket of this.#open) socket.destroy();
  }

  #admit(socket: Socket, { maxConnectionsPerAddress, isUnlimited }: PortOptions): boolean {
    const address = socket.remoteAddress ?? "";
    const group = isUnlimited(address) ? undefined : addressGroup(address);
    const count = group === undefined ? 0 : (this.#perAddress.get(group) ?? 0);
    if (count >= maxConnectionsPerAddress) {
      this.#overLimit++;
      return false;
    }
    this.#open.add(socket);
    if (group !== undefined) this.#perAddress.set(group, count + 1);
    socket.once("close", () => {
      this.#open.delete(socket);
      if (group !== undefined) this.#release(group);
    });
    return true;
  }

  #release(group: string): void {
    const left = (this.#perAddress.get(group) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(group, left);
    else this.#perAddress.delete(group);
  }

  /** The raw connection keeps waiting: for its handshake and the first byte inside. */
  #beginHandshake(socket: Socket): void {
    const key = connectionKey(socket);
    this.#handshaking.set(key, socket);
    socket.once("close", () => this.#handshaking.delete(key));
    this.#tls.emit("connection", socket);
  }

  #endHandshake(secure: Socket): void {
    const key = connectionKey(secure);
    const socket = this.#handshaking.get(key);
    if (socket === undefined) return;
    this.#handshaking.delete(key);
    this.#waiting.leave(socket);
  }

  #handOverStun(connection: Socket, { onStun }: PortOptions): void {
    if (onStun === undefined) {
      this.#refuse(connection);
      return;
    }
    // TURN knows no half-open connections, which HTTP needs.
    connection.once("end", () => connection.end());
    onStun(connection);
  }

  #refuse(connection: Duplex): void {
    this.#unknown++;
    connection.destroy();
  }
}

/** The same for a TLS connection and the raw one under it. */
function connectionKey(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress}`;
}
