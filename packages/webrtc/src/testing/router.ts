import type { IpAddress } from "../bytes/index.ts";
import { Firewall, type FirewallRules } from "./firewall.ts";
import type { Link, LinkOptions } from "./link.ts";
import { Nat, type NatOptions } from "./nat.ts";
import { ipPacketBytes, type Packet } from "./packet.ts";
import { type Attachment, createLink, drop, type Fabric, parseIp, Realm } from "./realm.ts";

/** What a router is made of; each part may be left out. */
export interface RouterOptions {
  /** Its IPv4 address outside; one is chosen when left out. */
  readonly address?: string;
  /** Behind another router (a carrier-grade NAT, a company's firewall) instead of on the internet. */
  readonly inside?: VirtualRouter;
  /** Translates IPv4. Without it IPv4 is routed as IPv6 always is: addresses inside are reachable from outside. */
  readonly nat?: NatOptions;
  readonly firewall?: FirewallRules;
  /** The wire on the outside. */
  readonly link?: LinkOptions;
  /** First three numbers of the IPv4 addresses given out inside; `192.168.1` when left out. */
  readonly subnet?: string;
}

/** A home router, a company's firewall, a carrier-grade NAT: between the realm {@link inside} and the one outside. */
export class VirtualRouter implements Attachment {
  readonly name: string;
  /** Where its hosts are. */
  readonly inside: Realm;
  /** The realm its outside is in. */
  readonly realm: Realm;
  readonly link: Link<Packet>;
  readonly nat: Nat | undefined;
  readonly firewall: Firewall | undefined;
  readonly #fabric: Fabric;
  #address: IpAddress;

  constructor(fabric: Fabric, name: string, outside: Realm, options: RouterOptions) {
    this.#fabric = fabric;
    this.name = name;
    this.realm = outside;
    this.link = createLink(fabric, () => this, name, options.link ?? {});
    this.#address = options.address === undefined ? outside.freeAddress() : parseIp(options.address, 4);
    outside.attach(this.#address, this);
    const random = fabric.random.fork(`nat:${name}`);
    this.nat = options.nat && new Nat(this.#address, options.nat, random);
    this.firewall = options.firewall && new Firewall(options.firewall);
    this.inside = new Realm(fabric, `inside ${name}`, options.subnet ?? "192.168.1");
    this.inside.gateway = {
      handleOutbound: (packet) => this.#handleOutbound(packet),
      publish: (ip, isPresent) => this.#publish(ip, isPresent),
    };
  }

  /** Its IPv4 address outside. */
  get address(): IpAddress {
    return this.#address;
  }

  /**
   * Forgets everything and gets another external address, as after a power cut or a new lease.
   *
   * @param address - The new one; one is chosen when left out.
   */
  rebind(address?: string): void {
    const next = address === undefined ? this.realm.freeAddress() : parseIp(address, 4);
    if (!next.equals(this.#address)) {
      this.realm.attach(next, this);
      this.realm.detach(this.#address);
      this.#address = next;
    }
    this.nat?.rebind(next);
    this.firewall?.forget();
    this.#fabric.ladder.note(this.#fabric.clock.now(), `${this.name} rebinds to ${next}`);
  }

  /** A packet from outside. */
  receive(packet: Packet): void {
    const why = this.#admit(packet);
    if (why === undefined) this.inside.forward(packet, undefined);
    else drop(this.#fabric, packet, this.name, why);
  }

  /** Lets a packet from outside in, translated. @returns why it is dropped, or undefined. */
  #admit(packet: Packet): string | undefined {
    const now = this.#fabric.clock.now();
    if (this.nat !== undefined && packet.destination.family === 4) {
      const why = this.nat.translateInbound(packet, now);
      if (why !== undefined) return why;
    } else if (packet.destination.ip.equals(this.#address)) {
      return "nothing listens on a router";
    }
    return this.firewall?.checkInbound(packet, now);
  }

  /** A packet from inside, for somewhere else. */
  #handleOutbound(packet: Packet): void {
    const isHairpin = this.nat !== undefined && packet.destination.ip.equals(this.#address);
    const why = isHairpin ? this.#turnBack(packet) : this.#release(packet);
    if (why !== undefined) drop(this.#fabric, packet, this.name, why);
    else if (isHairpin) this.inside.forward(packet, undefined);
    else this.link.up.send(packet, ipPacketBytes(packet));
  }

  /** Lets a packet out, translated. @returns why it is dropped, or undefined. */
  #release(packet: Packet): string | undefined {
    const now = this.#fabric.clock.now();
    const why = this.firewall?.checkOutbound(packet, now);
    if (why !== undefined || packet.destination.family === 6) return why;
    return this.nat?.translateOutbound(packet, now);
  }

  /** RFC 4787 REQ-9a: a hairpinned packet comes from the external address and port of its sender. */
  #turnBack(packet: Packet): string | undefined {
    if (this.nat === undefined || !this.nat.options.hairpins) return "does not hairpin";
    const now = this.#fabric.clock.now();
    return this.nat.translateOutbound(packet, now) ?? this.nat.translateInbound(packet, now);
  }

  #publish(ip: IpAddress, isPresent: boolean): void {
    if (this.nat !== undefined && ip.family === 4) return;
    if (isPresent) this.realm.attach(ip, this);
    else this.realm.detach(ip);
  }
}
