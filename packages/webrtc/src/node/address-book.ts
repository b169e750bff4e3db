import { IpAddress, TransportAddress } from "../bytes/index.ts";

/** Remote addresses remembered per socket. A flood from more of them than this only costs speed. */
const MAX_ADDRESSES = 65_536;

/**
 * The remote addresses of one socket, as objects that stay the same: cores compare and index them by identity, and no
 * text is parsed per packet.
 */
export class AddressBook {
  readonly #byHost = new Map<string, Map<number, TransportAddress>>();
  #size = 0;

  /** The address of a `host` text and `port` as `dgram` and `net` give them. */
  lookup(host: string, port: number): TransportAddress | undefined {
    const known = this.#byHost.get(host)?.get(port);
    return known ?? this.#add(host, port);
  }

  #add(host: string, port: number): TransportAddress | undefined {
    const ip = IpAddress.parse(host);
    if (ip === undefined) return undefined;
    if (this.#size >= MAX_ADDRESSES) {
      this.#byHost.clear();
      this.#size = 0;
    }
    const address = new TransportAddress(ip, port);
    let ports = this.#byHost.get(host);
    if (ports === undefined) {
      ports = new Map();
      this.#byHost.set(host, ports);
    }
    ports.set(port, address);
    this.#size++;
    return address;
  }
}
