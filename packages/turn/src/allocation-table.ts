import type { SocketId, TransportAddress } from "@naru/webrtc/bytes";
import type { Allocation } from "./allocation.ts";

/** The allocations by 5-tuple: the server's socket, and the client's address on it. */
export class AllocationTable {
  readonly #sockets = new Map<SocketId, ClientsOfSocket>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The allocation of a client. Allocates nothing: it is asked for every packet. */
  find(socket: SocketId, address: TransportAddress): Allocation | undefined {
    const clients = this.#sockets.get(socket);
    return clients?.byObject.get(address) ?? clients?.findEqual(address);
  }

  add(allocation: Allocation): void {
    const { socket } = allocation.client;
    let clients = this.#sockets.get(socket);
    if (clients === undefined) {
      clients = new ClientsOfSocket();
      this.#sockets.set(socket, clients);
    }
    clients.add(allocation);
    this.#size++;
  }

  remove(allocation: Allocation): void {
    const { socket } = allocation.client;
    const clients = this.#sockets.get(socket);
    if (clients === undefined || !clients.remove(allocation)) return;
    this.#size--;
    if (clients.byKey.size === 0) this.#sockets.delete(socket);
  }

  *[Symbol.iterator](): Generator<Allocation> {
    for (const { byKey } of this.#sockets.values()) yield* byKey.values();
  }
}

class ClientsOfSocket {
  readonly byKey = new Map<string, Allocation>();
  /** By the address object itself, which sockets hand out again and again: found without looking into it. */
  readonly byObject = new Map<TransportAddress, Allocation>();

  findEqual(address: TransportAddress): Allocation | undefined {
    const allocation = this.byKey.get(address.key);
    if (allocation === undefined) return undefined;
    this.byObject.delete(allocation.seenAs);
    allocation.seenAs = address;
    this.byObject.set(address, allocation);
    return allocation;
  }

  add(allocation: Allocation): void {
    this.byKey.set(allocation.client.address.key, allocation);
    this.byObject.set(allocation.seenAs, allocation);
  }

  remove(allocation: Allocation): boolean {
    const { key } = allocation.client.address;
    if (this.byKey.get(key) !== allocation) return false;
    this.byObject.delete(allocation.seenAs);
    return this.byKey.delete(key);
  }
}
