import { type IpAddress, type IpFamily, TransportAddress } from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import type {
  MulticastDns,
  NetworkInterface,
  Platform,
  PlatformTimer,
  StreamConnectOptions,
  StreamHandler,
  StreamIo,
  StreamListener,
  StreamListenOptions,
  UdpBindOptions,
  UdpHandler,
  UdpIo,
} from "../platform/index.ts";
import { InvalidStateError, type Millis, type WallClockMillis } from "../sansio/index.ts";
import { Firewall, type FirewallRules } from "./firewall.ts";
import { HostInterface, type InterfaceOptions } from "./host-interface.ts";
import { markDelivered } from "./ladder.ts";
import type { Link, LinkOptions } from "./link.ts";
import { ipPacketBytes, type Packet, type TcpSegment } from "./packet.ts";
import { createPacket, drop, type Fabric, parseIp, type Realm } from "./realm.ts";
import type { VirtualRouter } from "./router.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { StreamTable } from "./stream-table.ts";
import { SystemError } from "./system-error.ts";
import { VirtualUdpSocket } from "./virtual-udp.ts";

/** A host with one interface, or with the interfaces listed. */
export interface HostOptions {
  /** Its addresses; one IPv4 address is chosen when both this and {@link interfaces} are left out. */
  readonly addresses?: readonly string[];
  /** Behind this router instead of on the internet. */
  readonly inside?: VirtualRouter;
  /** The wire between it and its network. */
  readonly link?: LinkOptions;
  /** In place of the three above, for a host with several interfaces or none. */
  readonly interfaces?: readonly InterfaceOptions[];
  /** A firewall of its own. */
  readonly firewall?: FirewallRules;
}

/** Linux's default range of ports the system chooses from. */
const FIRST_EPHEMERAL_PORT = 32_768;
const LAST_EPHEMERAL_PORT = 60_999;

const LOOPBACK: readonly NetworkInterface[] = [
  { name: "lo", address: parseIp("127.0.0.1"), prefixLength: 8 },
  { name: "lo", address: parseIp("::1"), prefixLength: 128 },
];

/**
 * A host of the simulated network: a whole {@link Platform} in virtual time. Interfaces come and go while it runs.
 * A socket bound to an address sends through the interface that has it, and falls silent when the address is lost.
 */
export class VirtualHost implements Platform {
  readonly name: string;
  readonly random: SeededRandom;
  readonly firewall: Firewall | undefined;
  readonly #fabric: Fabric;
  readonly #internet: Realm;
  readonly #interfaces: HostInterface[] = [];
  readonly #sockets = new Map<string, VirtualUdpSocket[]>();
  readonly #streams: StreamTable;
  readonly #portRandom: SeededRandom;
  readonly #watchers = new Set<() => void>();
  #isChangeAnnounced = false;
  /** One address object for each source a wildcard socket sends from. */
  readonly #sources = new Map<string, TransportAddress>();

  constructor(fabric: Fabric, name: string, internet: Realm, options: HostOptions) {
    this.#fabric = fabric;
    this.name = name;
    this.#internet = internet;
    const random = fabric.random.fork(`host:${name}`);
    this.random = random.fork("platform");
    this.#portRandom = random.fork("ports");
    this.firewall = options.firewall && new Firewall(options.firewall);
    this.#streams = new StreamTable(fabric, {
      isLocal: (ip) => this.#isLocal(ip),
      sourceFor: (remote) => this.#sourceFor(remote),
      sendTcp: (from, to, bytes, segment) => void this.#send("tcp", from, to, bytes, segment),
      ephemeralPort: (isFree) => this.#ephemeralPort(isFree),
    });
    const { interfaces, firewall: _, ...only } = options;
    for (const one of interfaces ?? [{ name: "eth0", ...only }]) this.addInterface(one);
  }

  // What a test does to a host.

  /** Plugs in an interface. Its addresses are usable at once; those who watch are told. */
  addInterface(options: InterfaceOptions): Link<Packet> {
    if (this.#interfaces.some((existing) => existing.interfaceName === options.name)) {
      throw new RangeError(`${this.name} has an interface ${options.name} already`);
    }
    const realm = options.inside?.inside ?? this.#internet;
    const added = new HostInterface(this.#fabric, this.name, realm, options, (packet) =>
      this.#receive(packet),
    );
    this.#interfaces.push(added);
    this.#announceChange(`${added.name} is up: ${added.addresses.join(", ")}`);
    return added.link;
  }

  /** Unplugs an interface with its addresses. What is on the way to it is lost. */
  removeInterface(name: string): void {
    const removed = this.interface(name);
    this.#interfaces.splice(this.#interfaces.indexOf(removed), 1);
    removed.detach();
    this.#announceChange(`${removed.name} is down`);
  }

  /** @throws {RangeError} when there is none of that name. */
  interface(name: string): HostInterface {
    const found = this.#interfaces.find((candidate) => candidate.interfaceName === name);
    if (found === undefined) throw new RangeError(`${this.name} has no interface ${name}`);
    return found;
  }

  /** The first interface. */
  get primary(): HostInterface {
    const first = this.#interfaces[0];
    if (first === undefined) throw new RangeError(`${this.name} has no interface`);
    return first;
  }

  /** The wire of the first interface. */
  get link(): Link<Packet> {
    return this.primary.link;
  }

  /** The first address of the first interface, or the first of the given family. */
  address(family?: IpFamily): IpAddress {
    for (const { addresses } of this.#interfaces) {
      const found = addresses.find((ip) => family === undefined || ip.family === family);
      if (found !== undefined) return found;
    }
    throw new RangeError(`${this.name} has no IPv${family ?? "4 or IPv6"} address`);
  }

  // What runs on a host.

  now(): Millis {
    return this.#fabric.clock.now();
  }

  wallClock(): WallClockMillis {
    return this.#fabric.clock.wallClock();
  }

  createTimer(onTimer: () => void): PlatformTimer {
    return this.#fabric.clock.createTimer(onTimer);
  }

  /** @throws {InvalidStateError} when the network was made without a provider. */
  get crypto(): CryptoProvider {
    const crypto = this.#fabric.crypto;
    if (crypto === undefined) {
      throw new InvalidStateError("the network has no CryptoProvider: pass `crypto` to new VirtualNetwork()");
    }
    return crypto;
  }

  interfaces(): readonly NetworkInterface[] {
    return [...LOOPBACK, ...this.#interfaces.flatMap((present) => present.list())];
  }

  watchInterfaces(onChange: () => void): () => void {
    // A function of its own, so that the same callback may watch twice and leave once.
    const watcher = (): void => onChange();
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  async bindUdp(options: UdpBindOptions, handler: UdpHandler): Promise<UdpIo> {
    const { address } = options;
    if (!this.#isLocal(address)) throw new SystemError("EADDRNOTAVAIL", "bind", `${address}`);
    const isFree = (free: number): boolean => !this.#isBound(address, free);
    if (options.port !== 0 && !isFree(options.port)) {
      throw new SystemError("EADDRINUSE", "bind", `${address}:${options.port}`);
    }
    const port = options.port === 0 ? this.#ephemeralPort(isFree) : options.port;
    const host = {
      sendUdp: (from: TransportAddress, bytes: Uint8Array, to: TransportAddress) =>
        this.#send("udp", from, to, bytes),
      closeUdp: (socket: VirtualUdpSocket) => this.#unbind(socket),
    };
    const local = new TransportAddress(address, port);
    const socket = new VirtualUdpSocket(host, this.#fabric.clock, local, handler);
    const key = socketKey(address.family, port);
    this.#sockets.set(key, [...(this.#sockets.get(key) ?? []), socket]);
    return socket;
  }

  connectStream(options: StreamConnectOptions, handler: StreamHandler): Promise<StreamIo> {
    return this.#streams.connect(options, handler);
  }

  listenStream(
    options: StreamListenOptions,
    onConnection: (stream: StreamIo) => StreamHandler,
  ): Promise<StreamListener> {
    return this.#streams.listen(options, onConnection);
  }

  async resolve(hostname: string): Promise<readonly IpAddress[]> {
    const addresses = this.#fabric.names.get(hostname.toLowerCase());
    if (addresses !== undefined) return addresses;
    try {
      return [parseIp(hostname)];
    } catch {
      // Neither in the table nor an address: what a resolver answers.
      throw new SystemError("ENOTFOUND", "resolve", hostname);
    }
  }

  /** Reaches the realms that the host has an interface in. Multicast packets themselves are not simulated. */
  readonly mdns: MulticastDns = {
    resolve: async (hostname) => {
      for (const { realm } of this.#interfaces) {
        const address = realm.multicastNames.get(hostname.toLowerCase());
        if (address !== undefined) return address;
      }
      return undefined;
    },
    announce: (hostname, address) => {
      const names = this.#interfaces.find((present) => present.has(address))?.realm.multicastNames;
      names?.set(hostname.toLowerCase(), address);
      return () => void names?.delete(hostname.toLowerCase());
    },
  };

  // The way of a packet.

  #send(
    protocol: "udp" | "tcp",
    from: TransportAddress,
    to: TransportAddress,
    bytes: Uint8Array,
    segment?: TcpSegment,
  ): boolean {
    const source = from.ip.isUnspecified ? this.#wildcardSource(from, to) : from;
    if (source === undefined) return false;
    const isInternal = to.ip.isLoopback || this.#interfaces.some((present) => present.has(to.ip));
    const out = isInternal ? undefined : this.#interfaces.find((present) => present.has(source.ip));
    if (!isInternal && out === undefined) return false;
    const packet = createPacket(this.#fabric, this.name, protocol, source, to, bytes, segment);
    if (out === undefined) {
      this.#fabric.clock.schedule(this.now(), () => this.#deliver(packet));
      return true;
    }
    const why = this.firewall?.checkOutbound(packet, this.now());
    if (why === undefined) out.link.up.send(packet, ipPacketBytes(packet));
    else drop(this.#fabric, packet, `${this.name} firewall`, why);
    return true;
  }

  /** A packet from an interface. */
  #receive(packet: Packet): void {
    const why = this.firewall?.checkInbound(packet, this.now());
    if (why === undefined) this.#deliver(packet);
    else drop(this.#fabric, packet, `${this.name} firewall`, why);
  }

  #deliver(packet: Packet): void {
    if (packet.protocol === "tcp") {
      const why = this.#streams.receive(packet);
      if (why === undefined) markDelivered(packet.entry, this.now(), this.name, packet.source);
      else drop(this.#fabric, packet, this.name, why);
      return;
    }
    const socket = this.#socketFor(packet.destination);
    if (socket === undefined) {
      drop(this.#fabric, packet, this.name, "nothing bound to the port");
      return;
    }
    markDelivered(packet.entry, this.now(), this.name, packet.source);
    socket.receive(packet);
  }

  #socketFor(destination: TransportAddress): VirtualUdpSocket | undefined {
    const sockets = this.#sockets.get(socketKey(destination.family, destination.port));
    if (sockets === undefined) return undefined;
    return (
      sockets.find(({ localAddress }) => localAddress.ip.equals(destination.ip)) ??
      sockets.find(({ localAddress }) => localAddress.ip.isUnspecified)
    );
  }

  #unbind(socket: VirtualUdpSocket): void {
    const key = socketKey(socket.localAddress.family, socket.localAddress.port);
    const others = (this.#sockets.get(key) ?? []).filter((other) => other !== socket);
    if (others.length === 0) this.#sockets.delete(key);
    else this.#sockets.set(key, others);
  }

  #isBound(ip: IpAddress, port: number): boolean {
    const sockets = this.#sockets.get(socketKey(ip.family, port)) ?? [];
    return sockets.some(({ localAddress: { ip: other } }) => {
      return other.equals(ip) || other.isUnspecified || ip.isUnspecified;
    });
  }

  #isLocal(ip: IpAddress): boolean {
    if (ip.isUnspecified || ip.isLoopback) return true;
    return this.#interfaces.some((present) => present.has(ip));
  }

  /** The address a system would send from: of the interface on the same prefix, or else of the first that fits. */
  #sourceFor(remote: IpAddress): IpAddress | undefined {
    if (this.#isLocal(remote)) return remote;
    let fallback: IpAddress | undefined;
    for (const present of this.#interfaces) {
      const onLink = present.addressOnLinkWith(remote);
      if (onLink !== undefined) return onLink;
      fallback ??= present.addresses.find((ip) => ip.family === remote.family);
    }
    return fallback;
  }

  #wildcardSource(from: TransportAddress, to: TransportAddress): TransportAddress | undefined {
    const ip = this.#sourceFor(to.ip);
    if (ip === undefined) return undefined;
    const key = `${ip} ${from.port}`;
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    // Bounded: a host has few addresses and 65 535 ports at the most; a long run starts over.
    if (this.#sources.size >= 4096) this.#sources.clear();
    const source = new TransportAddress(ip, from.port);
    this.#sources.set(key, source);
    return source;
  }

  #ephemeralPort(isFree: (port: number) => boolean): number {
    const count = LAST_EPHEMERAL_PORT - FIRST_EPHEMERAL_PORT + 1;
    const start = this.#portRandom.integer(0, count - 1);
    for (let i = 0; i < count; i++) {
      const port = FIRST_EPHEMERAL_PORT + ((start + i) % count);
      if (isFree(port)) return port;
    }
    throw new SystemError("EADDRINUSE", "bind", `${this.name} has no free port`);
  }

  /** Those who watch are told in an event of their own, once for all changes of one instant. */
  #announceChange(what: string): void {
    this.#fabric.ladder.note(this.now(), what);
    if (this.#isChangeAnnounced) return;
    this.#isChangeAnnounced = true;
    this.#fabric.clock.schedule(this.now(), () => {
      this.#isChangeAnnounced = false;
      this.#fabric.clock.noteCallout();
      for (const watcher of [...this.#watchers]) watcher();
    });
  }
}

function socketKey(family: IpFamily, port: number): string {
  return `${family} ${port}`;
}
