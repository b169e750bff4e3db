import type { IpAddress, TransportAddress } from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import type { Millis, RandomSource, WallClockMillis } from "../sansio/index.ts";

/**
 * Everything outside the cores: clock, timers, sockets, names, interfaces, randomness, cryptography. There are
 * two: Node (`node/`) and the simulated network (`testing/`), and whatever runs on one runs on the other.
 */
export interface Platform {
  /** The monotonic clock. The driver passes it to cores as `now`. */
  now(): Millis;
  /** The calendar clock, for certificates, tokens and NTP timestamps. */
  wallClock(): WallClockMillis;
  /**
   * A timer that is armed and re-armed for life without allocating. It is not armed yet.
   *
   * @param onTimer - Runs at or soon after the armed moment.
   */
  createTimer(onTimer: () => void): PlatformTimer;
  readonly random: RandomSource;
  readonly crypto: CryptoProvider;
  /** The addresses of this host, as they are now. */
  interfaces(): readonly NetworkInterface[];
  /**
   * Calls `onChange` whenever {@link interfaces} has become different.
   *
   * @returns a function that ends the subscription.
   */
  watchInterfaces(onChange: () => void): () => void;
  /**
   * Opens a UDP socket.
   *
   * @throws {Error} (rejects) with the platform's error when the address or port cannot be had.
   */
  bindUdp(options: UdpBindOptions, handler: UdpHandler): Promise<UdpIo>;
  /**
   * Opens a TCP connection, with TLS on it when `tls` is given.
   *
   * @throws {Error} (rejects) when it cannot be established, or its certificate is not to be trusted.
   */
  connectStream(options: StreamConnectOptions, handler: StreamHandler): Promise<StreamIo>;
  /**
   * Listens for TCP connections.
   *
   * @throws {Error} (rejects) when the address or port cannot be had.
   */
  listenStream(
    options: StreamListenOptions,
    onConnection: (stream: StreamIo) => StreamHandler,
  ): Promise<StreamListener>;
  /**
   * Addresses of a host name, in the resolver's order; an IP literal is answered as it is.
   *
   * @throws {Error} (rejects) when the name has none.
   */
  resolve(hostname: string): Promise<readonly IpAddress[]>;
  /** Names of the local network (RFC 6762), where the platform has them. */
  readonly mdns?: MulticastDns;
}

/** Multicast DNS: what `.local` names of ICE candidates need. */
export interface MulticastDns {
  /** The address of a `.local` name; undefined when nobody answers to it in time. Never rejects. */
  resolve(hostname: string): Promise<IpAddress | undefined>;
  /**
   * Answers to a `.local` name with the address from now on.
   *
   * @returns a function that ends it.
   */
  announce(hostname: string, address: IpAddress): () => void;
}

export interface PlatformTimer {
  /** (Re)arms for the moment `at`; `Infinity` disarms. Any finite distance is allowed. */
  arm(at: Millis): void;
  /** Disarms for good. */
  close(): void;
}

export interface NetworkInterface {
  /** The system's name for it, for example `eth0`. */
  readonly name: string;
  readonly address: IpAddress;
  /** Length of the network prefix in bits. */
  readonly prefixLength: number;
}

export interface UdpBindOptions {
  /** Local address to bind; the unspecified address of either family binds all interfaces. */
  readonly address: IpAddress;
  /** Local port; 0 lets the system choose. */
  readonly port: number;
  /** Sizes asked of the kernel, in bytes; the system's default when left out. */
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
}

/** What a socket tells its owner. */
export interface UdpHandler {
  /** One datagram. The bytes are lent for the call. */
  handleDatagram(bytes: Uint8Array, from: TransportAddress): void;
  /** A batch of waiting datagrams has been handed over: time to flush what they brought about. */
  handleBatchEnd(): void;
  /** The socket failed and is closed. Errors about single destinations are not reported here. */
  handleError(error: Error): void;
}

/**
 * One UDP socket. Sending never throws and never blocks: what the system refuses, or what would queue up without
 * bound, is lost and counted, as on any network.
 *
 * Node can neither set DSCP, DF or ECN per packet nor tell the local address a datagram came to, so none of it is
 * here; whoever has to know the local address binds a socket to it.
 */
export interface UdpIo {
  /** Where it is bound; its port is the one the system chose. */
  readonly localAddress: TransportAddress;
  /** Sends `bytes`, which nobody writes to any more. */
  send(bytes: Uint8Array, to: TransportAddress): void;
  /** Sends the packet in `slot` to its address, and releases the slot once the system has taken or refused it. */
  sendSlot(slot: PacketSlot): void;
  /** Bytes given to {@link send} and not yet taken by the system. */
  readonly queuedBytes: number;
  /** Datagrams refused since the socket was opened; on the packet path single ones may be missed. */
  readonly refusedCount: number;
  /** Closes, after what was sent before; repeated calls are harmless. */
  close(): void;
}

export interface StreamConnectOptions {
  readonly address: TransportAddress;
  /** Local address to connect from; the system's choice when left out. */
  readonly localAddress?: IpAddress;
  /** Local port to connect from; the system's choice when left out. */
  readonly localPort?: number;
  readonly timeoutMs: number;
  /** TLS on top of TCP: the name the certificate must be for, and certificates to trust beside the system's. */
  readonly tls?: {
    readonly serverName: string;
    readonly ca?: readonly string[];
    readonly alpn?: readonly string[];
  };
}

export interface StreamListenOptions {
  readonly address: IpAddress;
  readonly port: number;
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
}

/** What a stream tells its owner. */
export interface StreamHandler {
  /** Bytes in order, of any length. Lent for the call. */
  handleData(bytes: Uint8Array): void;
  /** Everything written so far has left: more may be written. */
  handleDrain(): void;
  /** The connection is over, by the other side or by an error. Called once, last. */
  handleClose(error: Error | undefined): void;
}

/** One TCP or TLS connection. */
export interface StreamIo {
  readonly localAddress: TransportAddress;
  readonly remoteAddress: TransportAddress;
  /**
   * Writes a copy of `bytes`.
   *
   * @returns false when the connection has more waiting than it should: hold back until `handleDrain`.
   */
  write(bytes: Uint8Array): boolean;
  /** Bytes written and not yet taken by the system. */
  readonly bufferedBytes: number;
  /**
   * Stops reading: the other side is held back once the system's buffers are full. While paused nothing is handed over, and
   * the other side's end may go unnoticed.
   */
  pause(): void;
  /** Goes on reading after {@link pause}; never hands anything over within the call. */
  resume(): void;
  /** Sends what is waiting, then closes; repeated calls are harmless. */
  close(): void;
  /** Closes at once, losing what is waiting. */
  destroy(): void;
}

export interface StreamListener {
  readonly localAddress: TransportAddress;
  close(): void;
}
