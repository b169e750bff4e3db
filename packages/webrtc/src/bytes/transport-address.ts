import { IpAddress, type IpFamily } from "./ip-address.ts";

/**
 * An IP address and a port. Immutable. Sockets hand out the same object for the same remote address while they
 * remember it, which makes {@link equals} fast; a `Map` is keyed by {@link key}.
 */
export class TransportAddress {
  readonly ip: IpAddress;
  /** 0 to 65535. */
  readonly port: number;
  #text: string | undefined;
  #key: string | undefined;

  constructor(ip: IpAddress, port: number) {
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new RangeError(`a port is an integer from 0 to 65535, got ${port}`);
    }
    this.ip = ip;
    this.port = port;
  }

  /** Reads `192.0.2.1:3478` or `[2001:db8::1]:3478`; undefined when the text is neither. */
  static parse(text: string): TransportAddress | undefined {
    const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
    if (match === null) return undefined;
    const ip = IpAddress.parse(match[1] ?? match[2]!);
    const port = Number(match[3]);
    if (ip === undefined || port > 65535 || (ip.family === 6) !== (match[1] !== undefined)) return undefined;
    return new TransportAddress(ip, port);
  }

  get family(): IpFamily {
    return this.ip.family;
  }

  equals(other: TransportAddress): boolean {
    return this === other || (this.port === other.port && this.ip.equals(other.ip));
  }

  /** Equal for equal addresses, whatever zone they were seen in: the `Map` key. Made once per object. */
  get key(): string {
    this.#key ??= String.fromCharCode(...this.ip.bytes, this.port);
    return this.#key;
  }

  /** `192.0.2.1:3478` or `[2001:db8::1]:3478`. */
  toString(): string {
    this.#text ??= this.ip.family === 4 ? `${this.ip}:${this.port}` : `[${this.ip}]:${this.port}`;
    return this.#text;
  }
}
