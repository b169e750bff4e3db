import { IpAddress, type IpFamily, type TransportAddress } from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import { type Ladder, markDropped } from "./ladder.ts";
import { Link, type LinkConditions, LinkDirection, type LinkOptions } from "./link.ts";
import {
  copyPacket,
  INITIAL_HOPS,
  ipPacketBytes,
  type Packet,
  type TcpSegment,
  type TransportProtocol,
} from "./packet.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What all parts of one simulated network share. */
export interface Fabric {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly ladder: Ladder;
  readonly crypto: CryptoProvider | undefined;
  /** Host names. */
  readonly names: Map<string, readonly IpAddress[]>;
  /** Certificates (PEM, as text) every host trusts, to the server names they are for. */
  readonly trustedCertificates: Map<string, readonly string[]>;
}

/** What is plugged into a realm: an interface of a host, or the outside of a router. */
export interface Attachment {
  /** For the ladder: `alice/eth0`, `home`. */
  readonly name: string;
  readonly realm: Realm;
  readonly link: Link<Packet>;
  /** A packet came down the link. */
  receive(packet: Packet): void;
}

/** Where packets go whose destination is not in the realm. */
export interface Gateway {
  handleOutbound(packet: Packet, from: Attachment | undefined): void;
  /** An address appeared inside (`isPresent`) or is gone; a router makes it reachable from outside if it routes it. */
  publish(ip: IpAddress, isPresent: boolean): void;
}

/** Of a /24: 2 to 254. 1 is by custom the router's. */
const HOSTS_PER_NETWORK = 253;

/** One address space: the internet, or what is behind one router. Everything plugged in reaches everything else. */
export class Realm {
  readonly name: string;
  /** The way out; undefined for the internet. */
  gateway: Gateway | undefined;
  /** Names that hosts of this realm answer to by multicast. */
  readonly multicastNames: Map<string, IpAddress> = new Map();
  readonly #fabric: Fabric;
  readonly #addresses = new Map<string, Attachment>();
  readonly #paths = new Map<Attachment, Map<Attachment, LinkDirection<Packet>>>();
  readonly #subnet: string;
  #nextIndex = 0;

  /**
   * @param subnet - The first three numbers of the IPv4 addresses it gives out, for example `192.168.1`.
   * @throws {TypeError} when these are not three numbers from 0 to 255.
   */
  constructor(fabric: Fabric, name: string, subnet: string) {
    this.#fabric = fabric;
    this.name = name;
    parseIp(`${subnet}.1`, 4);
    this.#subnet = subnet;
  }

  /**
   * An IPv4 address nobody has: the next after the last one given out, in this and the following /24 networks.
   *
   * @throws {RangeError} when all are taken.
   */
  freeAddress(): IpAddress {
    const [first, second, third] = this.#subnet.split(".").map(Number);
    const networks = 256 - third!;
    for (let tries = 0; tries < networks * HOSTS_PER_NETWORK; tries++) {
      const index = this.#nextIndex++ % (networks * HOSTS_PER_NETWORK);
      const network = third! + Math.floor(index / HOSTS_PER_NETWORK);
      const ip = parseIp(`${first}.${second}.${network}.${2 + (index % HOSTS_PER_NETWORK)}`);
      if (!this.#addresses.has(ip.toString())) return ip;
    }
    throw new RangeError(`${this.name} has given out every address from ${this.#subnet}.2 on`);
  }

  /** @throws {RangeError} when something else has the address. */
  attach(ip: IpAddress, attachment: Attachment): void {
    const key = ip.toString();
    const holder = this.#addresses.get(key);
    if (holder !== undefined)
      throw new RangeError(`${key} in ${this.name} belongs to ${holder.name} already`);
    this.#addresses.set(key, attachment);
    this.gateway?.publish(ip, true);
  }

  detach(ip: IpAddress): void {
    if (this.#addresses.delete(ip.toString())) this.gateway?.publish(ip, false);
  }

  /** Puts extra conditions on what goes from one attachment to another. */
  setPath(from: Attachment, to: Attachment, conditions: Partial<LinkConditions>): LinkDirection<Packet> {
    const name = `${from.name} → ${to.name}`;
    const random = this.#fabric.random.fork(`path:${name}`);
    const path = new LinkDirection<Packet>(
      this.#fabric.clock,
      random,
      {
        deliver: (packet) => to.link.down.send(packet, ipPacketBytes(packet)),
        drop: (packet, reason) => drop(this.#fabric, packet, name, reason),
        duplicate: copyPacket,
      },
      { delayMs: 0, ...conditions },
    );
    const paths = this.#paths.get(from) ?? new Map<Attachment, LinkDirection<Packet>>();
    paths.set(to, path);
    this.#paths.set(from, paths);
    return path;
  }

  /** Takes a packet from an attachment (or from nowhere in particular) to where it belongs. */
  forward(packet: Packet, from: Attachment | undefined): void {
    if (packet.hopsLeft-- <= 0) {
      drop(this.#fabric, packet, this.name, "too many hops");
      return;
    }
    const to = this.#addresses.get(packet.destination.ip.toString());
    if (to === undefined) {
      if (this.gateway === undefined) drop(this.#fabric, packet, this.name, "no route");
      else this.gateway.handleOutbound(packet, from);
      return;
    }
    const path = from === undefined ? undefined : this.#paths.get(from)?.get(to);
    if (path === undefined) to.link.down.send(packet, ipPacketBytes(packet));
    else path.send(packet, ipPacketBytes(packet));
  }
}

/** The wire between `attachment` and its realm. */
export function createLink(
  fabric: Fabric,
  attachment: () => Attachment,
  name: string,
  options: LinkOptions,
): Link<Packet> {
  const { up, down, ...both } = options;
  const random = fabric.random.fork(`link:${name}`);
  const direction = (
    label: string,
    deliver: (packet: Packet) => void,
    own: Partial<LinkConditions> | undefined,
  ): LinkDirection<Packet> =>
    new LinkDirection<Packet>(
      fabric.clock,
      random.fork(label),
      {
        deliver,
        drop: (packet, reason) => drop(fabric, packet, `${name} ${label}`, reason),
        duplicate: copyPacket,
      },
      { ...both, ...own },
    );
  return new Link(
    direction("up", (packet) => attachment().realm.forward(packet, attachment()), up),
    direction("down", (packet) => attachment().receive(packet), down),
  );
}

/** Makes a packet and its line on the ladder. `bytes` must never change afterwards. */
export function createPacket(
  fabric: Fabric,
  from: string,
  protocol: TransportProtocol,
  source: TransportAddress,
  destination: TransportAddress,
  bytes: Uint8Array,
  segment?: TcpSegment,
): Packet {
  const sentAt = fabric.clock.now();
  const entry = fabric.ladder.record({
    sentAt,
    from,
    to: undefined,
    protocol,
    source,
    destination,
    segment,
    bytes,
  });
  return { protocol, source, destination, bytes, segment, entry, hopsLeft: INITIAL_HOPS };
}

/** Ends a packet, and says on the ladder where and why. */
export function drop(fabric: Fabric, packet: Packet, where: string, why: string): void {
  markDropped(packet.entry, fabric.clock.now(), where, why);
}

/**
 * Reads an address that a test wrote.
 *
 * @throws {TypeError} when it is none.
 */
export function parseIp(text: string, family?: IpFamily): IpAddress {
  const ip = IpAddress.parse(text);
  if (ip === undefined || (family !== undefined && ip.family !== family)) {
    throw new TypeError(`expected an IPv${family ?? "4 or IPv6"} address, got "${text}"`);
  }
  return ip;
}
