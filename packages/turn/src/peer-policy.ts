import type { IpAddress } from "@naru/webrtc/bytes";
import { type AddressRange, isInRange, parseAddressRanges } from "./address-range.ts";
import { embeddedIpv4, isSpecialAddress } from "./special-addresses.ts";

export interface PeerPolicyOptions {
  /** Networks that may be reached although they are special, for tests and private deployments: `10.1.0.0/16`. */
  readonly allow: readonly string[];
  /** Networks that may not be reached, whatever else is said: a NAT64 prefix of one's own, for example. */
  readonly deny: readonly string[];
}

export const DEFAULT_PEER_POLICY_OPTIONS: PeerPolicyOptions = { allow: [], deny: [] };

/**
 * Which addresses clients may exchange data with. By default none that leads into somebody's own network: no
 * loopback, private, link-local, carrier-grade NAT, ULA, multicast, broadcast, reserved or cloud-metadata address, and
 * none of our own, in whatever encoding. What may be reached on our own addresses is decided by port, elsewhere.
 */
export class PeerPolicy {
  readonly #allow: readonly AddressRange[];
  readonly #deny: readonly AddressRange[];
  #own: readonly IpAddress[] = [];

  /** @throws {RangeError} when one of the texts is no address or network. */
  constructor(options: PeerPolicyOptions = DEFAULT_PEER_POLICY_OPTIONS) {
    this.#allow = parseAddressRanges(options.allow);
    this.#deny = parseAddressRanges(options.deny);
  }

  /** The addresses of this machine, as others see them and as it sees itself. */
  setOwnAddresses(addresses: readonly IpAddress[]): void {
    this.#own = addresses;
  }

  /** Whether clients may not exchange data with the address. */
  forbids(ip: IpAddress): boolean {
    if (this.#forbidsLiteral(ip)) return true;
    // An address that is allowed as it stands must not be a way around to one that is not.
    return embeddedIpv4(ip).some((inner) => this.#forbidsLiteral(inner));
  }

  #forbidsLiteral(ip: IpAddress): boolean {
    if (this.#deny.some((range) => isInRange(ip, range))) return true;
    if (this.#allow.some((range) => isInRange(ip, range))) return false;
    return isSpecialAddress(ip) || this.#own.some((own) => own.equals(ip));
  }
}
