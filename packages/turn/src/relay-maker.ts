import { type IpAddress, type IpFamily, type SocketId, TransportAddress } from "@naru/webrtc/bytes";
import type { AskId, RandomSource } from "@naru/webrtc/sansio";
import { type PortParity, PortPool, type PortRange } from "./port-pool.ts";

/** An address of this machine on which relayed addresses are made. */
export interface RelayAddress {
  /** Sockets are bound to it. */
  readonly bind: IpAddress;
  /** What peers see of it: another one behind a 1:1 NAT, as clouds have them. Of the same family. */
  readonly advertise: IpAddress;
}

/** A relayed address that is wanted. */
export interface RelayWish {
  readonly family: IpFamily;
  readonly parity: PortParity;
}

/** A socket that was made. */
export interface BoundRelay {
  readonly family: IpFamily;
  readonly socket: SocketId;
  readonly address: TransportAddress;
}

/** What became of one wish; undefined when no port could be had. `reserved` is the upper one of a pair. */
export interface GrantedRelay {
  readonly relay: BoundRelay;
  readonly reserved: BoundRelay | undefined;
}

/** A socket to make: the question that goes out. */
export interface BindAsk {
  readonly id: AskId;
  readonly transport: "udp" | "tcp";
  readonly address: TransportAddress;
}

/** What one answer led to. */
export type RelayProgress<Context> =
  /** Further sockets to make, or none: others are still under way. */
  | { readonly type: "waiting"; readonly asks: readonly BindAsk[] }
  /** The answers are complete: one entry for each wish. */
  | {
      readonly type: "done";
      readonly context: Context;
      readonly granted: readonly (GrantedRelay | undefined)[];
    }
  /** Nobody waits for this socket. */
  | { readonly type: "unknown" };

interface Order<Context> {
  readonly context: Context;
  readonly transport: "udp" | "tcp";
  readonly items: readonly Item[];
}

/** One wish under way. */
interface Item {
  readonly wish: RelayWish;
  readonly place: RelayAddress;
  attempts: number;
  /** The port, or the lower one of a pair. */
  port: number;
  /** For each port the socket, once it is bound. */
  sockets: (SocketId | undefined)[];
  unanswered: number;
  state: "pending" | "bound" | "failed";
}

/** Ports that something else holds are rare in the range for relays: after so many the machine has none to give. */
const MAX_ATTEMPTS = 8;

/** Makes relayed addresses: chooses ports, asks for sockets, and tries others where a port turns out to be taken. */
export class RelayMaker<Context> {
  readonly #places: readonly RelayAddress[];
  readonly #pools = new Map<string, PortPool>();
  readonly #asked = new Map<
    AskId,
    { readonly order: Order<Context>; readonly item: Item; readonly index: number }
  >();
  /** Sockets of attempts that failed half-way: to be closed by the owner. */
  readonly discarded: SocketId[] = [];
  #nextId: AskId = 1;

  /** @throws {RangeError} when the range of ports is wrong, or a family has two addresses. */
  constructor(places: readonly RelayAddress[], ports: PortRange, random: RandomSource) {
    this.#places = places;
    for (const { bind, advertise } of places) {
      if (bind.family !== advertise.family) {
        throw new RangeError(`a relay address is advertised in its own family, got ${bind} as ${advertise}`);
      }
      for (const transport of ["udp", "tcp"] as const) {
        const key = poolKey(transport, bind.family);
        if (this.#pools.has(key))
          throw new RangeError(`there is one relay address of each family, got ${bind} too`);
        this.#pools.set(key, new PortPool(ports, random));
      }
    }
  }

  /** Whether relayed addresses of a family can be made here. */
  supports(family: IpFamily): boolean {
    return this.#places.some(({ bind }) => bind.family === family);
  }

  /** Where sockets of a family are bound. */
  placeOf(family: IpFamily): RelayAddress | undefined {
    return this.#places.find(({ bind }) => bind.family === family);
  }

  /** Begins to fulfil wishes; families have to be supported. What comes of it is told by {@link handleBound} and {@link handleFailed}. */
  begin(context: Context, transport: "udp" | "tcp", wishes: readonly RelayWish[]): RelayProgress<Context> {
    const items = wishes.flatMap((wish): Item[] => {
      const place = this.placeOf(wish.family);
      if (place === undefined) return [];
      return [{ wish, place, attempts: 0, port: 0, sockets: [], unanswered: 0, state: "pending" }];
    });
    const order: Order<Context> = { context, transport, items };
    return this.#progress(
      order,
      items.flatMap((item) => this.#attempt(order, item)),
    );
  }

  /** A socket was made as asked. */
  handleBound(id: AskId, socket: SocketId): RelayProgress<Context> {
    const asked = this.#take(id);
    if (asked === undefined) return UNKNOWN;
    asked.item.sockets[asked.index] = socket;
    return this.#settle(asked.order, asked.item);
  }

  /** It could not be made: something else has the port. */
  handleFailed(id: AskId): RelayProgress<Context> {
    const asked = this.#take(id);
    return asked === undefined ? UNKNOWN : this.#settle(asked.order, asked.item);
  }

  /** Takes a port for a connection to a peer; undefined when there is none. */
  takePort(transport: "udp" | "tcp", family: IpFamily): number | undefined {
    return this.#pools.get(poolKey(transport, family))?.take("any");
  }

  /** The port of a socket that was closed can be given out again. */
  release(transport: "udp" | "tcp", family: IpFamily, port: number): void {
    this.#pools.get(poolKey(transport, family))?.release(port);
  }

  #take(id: AskId): { order: Order<Context>; item: Item; index: number } | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked !== undefined) asked.item.unanswered--;
    return asked;
  }

  /** All sockets of an item have been answered for, or one of a pair is still out. */
  #settle(order: Order<Context>, item: Item): RelayProgress<Context> {
    if (item.unanswered > 0) return this.#progress(order, []);
    if (item.sockets.every((socket) => socket !== undefined)) {
      item.state = "bound";
      return this.#progress(order, []);
    }
    for (const [index, socket] of item.sockets.entries()) {
      if (socket !== undefined) this.discarded.push(socket);
      this.release(order.transport, item.wish.family, item.port + index);
    }
    return this.#progress(order, this.#attempt(order, item));
  }

  #attempt(order: Order<Context>, item: Item): readonly BindAsk[] {
    const { family, parity } = item.wish;
    const port =
      item.attempts++ < MAX_ATTEMPTS
        ? this.#pools.get(poolKey(order.transport, family))?.take(parity)
        : undefined;
    if (port === undefined) {
      item.state = "failed";
      return [];
    }
    const count = parity === "pair" ? 2 : 1;
    item.port = port;
    item.sockets = new Array<SocketId | undefined>(count).fill(undefined);
    item.unanswered = count;
    return Array.from({ length: count }, (_, index) => {
      const id = this.#nextId++;
      this.#asked.set(id, { order, item, index });
      return { id, transport: order.transport, address: new TransportAddress(item.place.bind, port + index) };
    });
  }

  #progress(order: Order<Context>, asks: readonly BindAsk[]): RelayProgress<Context> {
    if (order.items.some(({ state }) => state === "pending")) return { type: "waiting", asks };
    return { type: "done", context: order.context, granted: order.items.map(grantOf) };
  }
}

const UNKNOWN = { type: "unknown" } as const;

function poolKey(transport: "udp" | "tcp", family: IpFamily): string {
  return `${transport}${family}`;
}

function grantOf(item: Item): GrantedRelay | undefined {
  const [lower, upper] = item.sockets.map((socket, index) =>
    socket === undefined ? undefined : boundRelay(item, socket, index),
  );
  return item.state === "bound" && lower !== undefined ? { relay: lower, reserved: upper } : undefined;
}

function boundRelay(item: Item, socket: SocketId, index: number): BoundRelay {
  const address = new TransportAddress(item.place.advertise, item.port + index);
  return { family: item.wish.family, socket, address };
}
