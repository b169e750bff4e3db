import type { IpAddress, TransportAddress } from "@naru/webrtc/bytes";
import type { Relay } from "./allocation.ts";
import type { PeerPolicy } from "./peer-policy.ts";

/** What may be done with a peer: nothing, send to it, or hand over to another allocation of this server. */
export type PeerVerdict = "forbidden" | "allowed" | Relay;

/**
 * Decides about single peers: the policy by address, and on top of it what is ours and may be reached all the same: the
 * relayed addresses of live allocations, and the media ports that the program around the server has registered.
 */
export class PeerGuard {
  readonly #policy: PeerPolicy;
  /** Relayed UDP addresses. */
  readonly #relays = new Map<string, Relay>();
  /** Local addresses of relayed TCP: those that listen, and those of connections to peers. */
  readonly #streams = new Set<string>();
  readonly #media = new Set<string>();
  /** How much of the above is at an IP address. */
  readonly #reachable = new Map<string, number>();
  #version = 0;

  constructor(policy: PeerPolicy) {
    this.#policy = policy;
  }

  /** Changes whenever a verdict may have changed. */
  get version(): number {
    return this.#version;
  }

  /**
   * About a peer with its port, for UDP.
   *
   * @param relaysOnly - Whether nothing may be reached but what is relayed here.
   */
  judge(peer: TransportAddress, relaysOnly: boolean): PeerVerdict {
    const relay = this.#relays.get(peer.key);
    if (relay !== undefined) return relay;
    if (peer.port === 0 || relaysOnly) return "forbidden";
    return this.#media.has(peer.key) || !this.#policy.forbids(peer.ip) ? "allowed" : "forbidden";
  }

  /** About a peer with its port, for TCP. */
  allowsStream(peer: TransportAddress, relaysOnly: boolean): boolean {
    if (peer.port === 0) return false;
    return this.#streams.has(peer.key) || (!relaysOnly && !this.#policy.forbids(peer.ip));
  }

  /**
   * About an address for which a permission is wanted. What is ours is checked again by port for each packet, so that
   * something reachable there is enough.
   */
  allowsPermission(ip: IpAddress, relaysOnly: boolean): boolean {
    return this.#reachable.has(ipKey(ip)) || (!relaysOnly && !this.#policy.forbids(ip));
  }

  addRelay(relay: Relay): void {
    this.#relays.set(relay.address.key, relay);
    this.#count(relay.address.ip, 1);
  }

  removeRelay(relay: Relay): void {
    if (this.#relays.get(relay.address.key) !== relay) return;
    this.#relays.delete(relay.address.key);
    this.#count(relay.address.ip, -1);
  }

  addStream(address: TransportAddress): void {
    this.#add(this.#streams, address);
  }

  removeStream(address: TransportAddress): void {
    this.#remove(this.#streams, address);
  }

  addMedia(address: TransportAddress): void {
    this.#add(this.#media, address);
  }

  removeMedia(address: TransportAddress): void {
    this.#remove(this.#media, address);
  }

  setOwnAddresses(addresses: readonly IpAddress[]): void {
    this.#policy.setOwnAddresses(addresses);
    this.#version++;
  }

  #add(set: Set<string>, address: TransportAddress): void {
    if (set.has(address.key)) return;
    set.add(address.key);
    this.#count(address.ip, 1);
  }

  #remove(set: Set<string>, address: TransportAddress): void {
    if (set.delete(address.key)) this.#count(address.ip, -1);
  }

  #count(ip: IpAddress, step: number): void {
    const key = ipKey(ip);
    const count = (this.#reachable.get(key) ?? 0) + step;
    if (count === 0) this.#reachable.delete(key);
    else this.#reachable.set(key, count);
    this.#version++;
  }
}

function ipKey(ip: IpAddress): string {
  return String.fromCharCode(...ip.bytes);
}
