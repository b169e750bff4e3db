import { IpAddress, TransportAddress } from "../bytes/index.ts";

/** Addresses in each of the two generations. */
const GENERATION = 16_384;

/**
 * Remote addresses of a process as objects, so that no text is parsed per packet and equal ones are mostly the same
 * object. It is a cache: what has not been seen for two generations is forgotten, however many ports one host uses.
 */
export class AddressBook {
  #young = new Map<string, Map<number, TransportAddress>>();
  #old = new Map<string, Map<number, TransportAddress>>();
  #youngSize = 0;

  /** The address of a `host` text and `port` as `dgram` and `net` give them; undefined when the text is no address. */
  lookup(host: string, port: number): TransportAddress | undefined {
    const young = this.#young.get(host)?.get(port);
    if (young !== undefined) return young;
    const address = this.#old.get(host)?.get(port) ?? createAddress(host, port);
    if (address !== undefined) this.#keep(host, address);
    return address;
  }

  #keep(host: string, address: TransportAddress): void {
    if (this.#youngSize >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSize = 0;
    }
    let ports = this.#young.get(host);
    if (ports === undefined) {
      ports = new Map();
      this.#young.set(host, ports);
    }
    ports.set(address.port, address);
    this.#youngSize++;
  }
}

function createAddress(host: string, port: number): TransportAddress | undefined {
  const ip = IpAddress.parse(host);
  return ip && new TransportAddress(ip, port);
}
