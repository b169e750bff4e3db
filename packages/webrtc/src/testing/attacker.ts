import type { TransportAddress } from "../bytes/index.ts";
import type { LinkDirection } from "./link.ts";
import type { Packet } from "./packet.ts";
import { createPacket, type Fabric, type Realm } from "./realm.ts";

/** A datagram an attacker on the path has seen. */
export interface ObservedDatagram {
  readonly atMs: number;
  readonly source: TransportAddress;
  readonly destination: TransportAddress;
  /** A copy. */
  readonly bytes: Uint8Array;
}

/** Datagrams remembered by a tap; beyond, the oldest are forgotten. */
const MAXIMUM_OBSERVED = 10_000;

/**
 * Someone who may send any datagram from any address to any other, in any realm, and sees nothing unless a wire is
 * tapped for them.
 */
export class Attacker {
  readonly name: string;
  readonly #fabric: Fabric;
  readonly #internet: Realm;
  readonly #observed: ObservedDatagram[] = [];

  constructor(fabric: Fabric, name: string, internet: Realm) {
    this.#fabric = fabric;
    this.name = name;
    this.#internet = internet;
  }

  /**
   * Sends a datagram with whatever source address.
   *
   * @param realm - Where it is put on the wire; the internet when left out.
   */
  send(bytes: Uint8Array, from: TransportAddress, to: TransportAddress, realm: Realm = this.#internet): void {
    const packet = createPacket(this.#fabric, this.name, "udp", from, to, new Uint8Array(bytes));
    realm.forward(packet, undefined);
  }

  /** Sees everything that passes in this direction of a wire from now on. */
  tap(direction: LinkDirection<Packet>): void {
    direction.tap((packet) => {
      if (packet.protocol !== "udp") return;
      const { source, destination } = packet;
      this.#observed.push({
        atMs: this.#fabric.clock.now(),
        source,
        destination,
        bytes: packet.bytes.slice(),
      });
      if (this.#observed.length > MAXIMUM_OBSERVED) this.#observed.shift();
    });
  }

  /** What was seen so far, oldest first. */
  get observed(): readonly ObservedDatagram[] {
    return this.#observed;
  }
}
