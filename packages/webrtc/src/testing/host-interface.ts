import type { IpAddress } from "../bytes/index.ts";
import type { NetworkInterface } from "../platform/index.ts";
import type { Link, LinkOptions } from "./link.ts";
import type { Packet } from "./packet.ts";
import { type Attachment, createLink, drop, type Fabric, parseIp, type Realm } from "./realm.ts";
import type { VirtualRouter } from "./router.ts";

/** An interface of a host, its addresses and its wire. */
export interface InterfaceOptions {
  /** For example `eth0` or `wlan0`. */
  readonly name: string;
  /** IPv4 and IPv6; one IPv4 address is chosen when left out. */
  readonly addresses?: readonly string[];
  /** Behind this router instead of on the internet. */
  readonly inside?: VirtualRouter;
  readonly link?: LinkOptions;
}

const IPV4_PREFIX_LENGTH = 24;
const IPV6_PREFIX_LENGTH = 64;

/** An interface of a host: addresses in one realm, behind one link. */
export class HostInterface implements Attachment {
  /** `host/interface`, as the ladder calls it. */
  readonly name: string;
  readonly interfaceName: string;
  readonly realm: Realm;
  readonly link: Link<Packet>;
  readonly addresses: readonly IpAddress[];
  readonly #fabric: Fabric;
  readonly #onPacket: (packet: Packet) => void;
  #isAttached = true;

  constructor(
    fabric: Fabric,
    hostName: string,
    realm: Realm,
    options: InterfaceOptions,
    onPacket: (packet: Packet) => void,
  ) {
    this.#fabric = fabric;
    this.name = `${hostName}/${options.name}`;
    this.interfaceName = options.name;
    this.realm = realm;
    this.#onPacket = onPacket;
    this.addresses = options.addresses?.map((text) => parseIp(text)) ?? [realm.freeAddress()];
    this.link = createLink(fabric, () => this, this.name, options.link ?? {});
    for (const ip of this.addresses) realm.attach(ip, this);
  }

  /** One entry for each address, as an operating system lists them. */
  list(): readonly NetworkInterface[] {
    return this.addresses.map((address) => {
      return { name: this.interfaceName, address, prefixLength: prefixLengthOf(address) };
    });
  }

  has(ip: IpAddress): boolean {
    return this.addresses.some((own) => own.equals(ip));
  }

  /** Its address in the same prefix as `remote`, if there is one. */
  addressOnLinkWith(remote: IpAddress): IpAddress | undefined {
    return this.addresses.find((own) => {
      if (own.family !== remote.family) return false;
      const prefixBytes = prefixLengthOf(own) / 8;
      return own.bytes.every((byte, index) => index >= prefixBytes || byte === remote.bytes[index]);
    });
  }

  receive(packet: Packet): void {
    if (this.#isAttached) this.#onPacket(packet);
    else drop(this.#fabric, packet, this.name, "interface is gone");
  }

  /** Unplugs it: its addresses are free again. */
  detach(): void {
    this.#isAttached = false;
    for (const ip of this.addresses) this.realm.detach(ip);
  }
}

function prefixLengthOf(ip: IpAddress): number {
  return ip.family === 4 ? IPV4_PREFIX_LENGTH : IPV6_PREFIX_LENGTH;
}
