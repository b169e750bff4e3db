import { type IpAddress, TransportAddress } from "../bytes/index.ts";
import type {
  StreamConnectOptions,
  StreamHandler,
  StreamIo,
  StreamListener,
  StreamListenOptions,
} from "../platform/index.ts";
import type { Packet, TcpSegment } from "./packet.ts";
import type { Fabric } from "./realm.ts";
import { SystemError } from "./system-error.ts";
import { type StreamHost, type StreamOpening, VirtualStream } from "./virtual-stream.ts";

/** Connections of one host, half-open ones included; beyond, a SYN is ignored as by a full backlog. */
const MAXIMUM_CONNECTIONS = 65_536;

/** What the table needs of its host. */
export interface StreamTableHost {
  /** Whether the host has the address now. The unspecified addresses count. */
  isLocal(ip: IpAddress): boolean;
  /** The address to use towards `remote`, or undefined when there is no way there. */
  sourceFor(remote: IpAddress): IpAddress | undefined;
  sendTcp(from: TransportAddress, to: TransportAddress, bytes: Uint8Array, segment: TcpSegment): void;
  ephemeralPort(isFree: (port: number) => boolean): number;
}

interface Listener {
  readonly localAddress: TransportAddress;
  readonly certificate: string | undefined;
  readonly onConnection: (stream: StreamIo) => StreamHandler;
}

/** The TCP connections and listeners of one host. */
export class StreamTable {
  readonly #fabric: Fabric;
  readonly #host: StreamTableHost;
  readonly #streamHost: StreamHost;
  readonly #streams = new Map<string, VirtualStream>();
  readonly #listeners = new Set<Listener>();

  constructor(fabric: Fabric, host: StreamTableHost) {
    this.#fabric = fabric;
    this.#host = host;
    this.#streamHost = {
      clock: fabric.clock,
      sendTcp: (from, to, bytes, segment) => host.sendTcp(from, to, bytes, segment),
      forgetStream: (stream) =>
        void this.#streams.delete(streamKey(stream.localAddress, stream.remoteAddress)),
    };
  }

  /** As `Platform.connectStream`. */
  async connect(options: StreamConnectOptions, handler: StreamHandler): Promise<StreamIo> {
    const { address, timeoutMs, tls } = options;
    const ip = options.localAddress ?? this.#host.sourceFor(address.ip);
    if (ip === undefined) throw new SystemError("ENETUNREACH", "connect", `${address}`);
    if (!this.#host.isLocal(ip)) throw new SystemError("EADDRNOTAVAIL", "connect", `${ip}`);
    const isFree = (free: number): boolean =>
      !this.#streams.has(streamKey(new TransportAddress(ip, free), address));
    const port = options.localPort ?? this.#host.ephemeralPort(isFree);
    if (!isFree(port)) throw new SystemError("EADDRINUSE", "connect", `${ip}:${port}`);
    return new Promise((resolve, reject) => {
      const clock = this.#fabric.clock;
      const opening: StreamOpening = {
        role: "client",
        ...(tls && { judgeCertificate: (certificate) => this.#judge(certificate, tls) }),
        onOpen(stream) {
          timeout.close();
          resolve(stream);
          return handler;
        },
        onFailure(error) {
          timeout.close();
          reject(error);
        },
      };
      const stream = this.#create(new TransportAddress(ip, port), address, opening);
      const timeout = clock.createTimer(() => {
        stream.abort(new SystemError("ETIMEDOUT", "connect", `${address} after ${timeoutMs} ms`));
      });
      timeout.arm(clock.now() + timeoutMs);
      stream.start();
    });
  }

  /** As `Platform.listenStream`. */
  async listen(
    options: StreamListenOptions,
    onConnection: (stream: StreamIo) => StreamHandler,
  ): Promise<StreamListener> {
    const { address, tls } = options;
    if (!this.#host.isLocal(address)) throw new SystemError("EADDRNOTAVAIL", "listen", `${address}`);
    const isFree = (free: number): boolean => !this.#isListening(address, free);
    if (options.port !== 0 && !isFree(options.port)) {
      throw new SystemError("EADDRINUSE", "listen", `${address}:${options.port}`);
    }
    const port = options.port === 0 ? this.#host.ephemeralPort(isFree) : options.port;
    const localAddress = new TransportAddress(address, port);
    const listener: Listener = { localAddress, certificate: tls?.certificate, onConnection };
    this.#listeners.add(listener);
    return { localAddress, close: () => void this.#listeners.delete(listener) };
  }

  /** A segment has arrived. @returns why it is dropped, or undefined. */
  receive(packet: Packet): string | undefined {
    const segment = packet.segment;
    if (segment === undefined) return "not TCP";
    const stream = this.#streams.get(streamKey(packet.destination, packet.source));
    if (stream !== undefined) {
      stream.receive(packet);
      return undefined;
    }
    if (segment.flags === "RST") return "no such connection";
    const listener = segment.flags === "SYN" ? this.#listenerFor(packet.destination) : undefined;
    if (listener === undefined) {
      this.#refuse(packet, segment);
      return undefined;
    }
    if (this.#streams.size >= MAXIMUM_CONNECTIONS) return "too many connections";
    this.#accept(listener, packet);
    return undefined;
  }

  #accept(listener: Listener, packet: Packet): void {
    const opening: StreamOpening = {
      role: "server",
      certificate: listener.certificate,
      onOpen: (stream) => listener.onConnection(stream),
      // A client that never finished connecting concerns nobody here.
      onFailure: () => undefined,
    };
    this.#create(packet.destination, packet.source, opening).start();
  }

  /** RFC 9293 §3.10.7.1: what belongs to no connection is answered by a reset. */
  #refuse(packet: Packet, segment: TcpSegment): void {
    const ack = segment.sequence + (segment.flags === "ACK" ? packet.bytes.length : 1);
    const reset: TcpSegment = {
      flags: "RST",
      sequence: segment.ack,
      ack,
      isHandshake: false,
      certificate: undefined,
    };
    this.#host.sendTcp(packet.destination, packet.source, new Uint8Array(0), reset);
  }

  #create(local: TransportAddress, remote: TransportAddress, opening: StreamOpening): VirtualStream {
    const stream = new VirtualStream(this.#streamHost, local, remote, opening);
    this.#streams.set(streamKey(local, remote), stream);
    return stream;
  }

  #judge(
    certificate: string | undefined,
    tls: NonNullable<StreamConnectOptions["tls"]>,
  ): SystemError | undefined {
    if (certificate === undefined)
      return new SystemError("EPROTO", "connect", "the server does not speak TLS");
    const names = this.#fabric.trustedCertificates.get(certificate);
    if (names === undefined && tls.ca?.includes(certificate) !== true) {
      return new SystemError(
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "connect",
        `certificate of ${tls.serverName}`,
      );
    }
    if (names === undefined || names.includes(tls.serverName)) return undefined;
    return new SystemError(
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "connect",
      `the certificate is for ${names.join(", ")}, not for ${tls.serverName}`,
    );
  }

  #listenerFor(local: TransportAddress): Listener | undefined {
    let wildcard: Listener | undefined;
    for (const listener of this.#listeners) {
      const { ip, port } = listener.localAddress;
      if (port !== local.port || ip.family !== local.family) continue;
      if (ip.equals(local.ip)) return listener;
      if (ip.isUnspecified) wildcard = listener;
    }
    return wildcard;
  }

  #isListening(ip: IpAddress, port: number): boolean {
    for (const { localAddress: other } of this.#listeners) {
      if (other.port !== port || other.family !== ip.family) continue;
      if (other.ip.equals(ip) || other.ip.isUnspecified || ip.isUnspecified) return true;
    }
    return false;
  }
}

function streamKey(local: TransportAddress, remote: TransportAddress): string {
  return `${local} ${remote}`;
}
