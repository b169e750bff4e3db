import { type SocketId, TransportAddress } from "../src/bytes/index.ts";
import {
  IceAgent,
  type IceAgentEvent,
  type IceAgentOptions,
  type LocalCandidate,
  writeLocalCandidate,
} from "../src/ice/index.ts";
import { nodeCrypto } from "../src/node/index.ts";
import { type Millis, SILENT_LOGGER } from "../src/sansio/index.ts";
import { SeededRandom } from "../src/testing/index.ts";

/** One of the two sides of a bench. */
export class IceSide {
  readonly agent: IceAgent;
  readonly events: IceAgentEvent[] = [];
  /** Where each route is. */
  readonly routes = new Map<SocketId, TransportAddress>();
  /** What others see of a route, where that is something else. */
  readonly mapped = new Map<SocketId, TransportAddress>();

  constructor(name: string, options: IceAgentOptions) {
    const random = new SeededRandom(name);
    this.agent = new IceAgent({ crypto: nodeCrypto, random, log: SILENT_LOGGER }, options);
  }

  /** States in order. */
  get states(): string[] {
    return this.events.flatMap((event) => (event.type === "stateChange" ? [event.state] : []));
  }
}

interface Flight {
  readonly at: Millis;
  readonly bytes: Uint8Array;
  readonly from: TransportAddress;
  readonly to: TransportAddress;
}

/** Two agents, a clock, and a wire between their routes. */
export class IceBench {
  now: Millis = 0;
  delayMs: Millis = 10;
  readonly a: IceSide;
  readonly b: IceSide;
  /** Everything that was sent, in order. */
  readonly sent: Flight[] = [];
  /** Whether a datagram gets through. */
  passes: (flight: Flight) => boolean = () => true;
  #flights: Flight[] = [];

  constructor(a: Partial<IceAgentOptions> = {}, b: Partial<IceAgentOptions> = {}) {
    this.a = new IceSide("a", { role: "controlling", ...a });
    this.b = new IceSide("b", { role: "controlled", ...b });
  }

  /** Gives each side the other's parameters. */
  introduce(more: { a?: object; b?: object } = {}): this {
    this.b.agent.setRemoteParameters({ ...this.a.agent.localParameters, ...more.a }, this.now);
    this.a.agent.setRemoteParameters({ ...this.b.agent.localParameters, ...more.b }, this.now);
    return this;
  }

  /** Adds a candidate to one side and names it to the other. */
  add(side: IceSide, candidate: LocalCandidate, isTold = true): void {
    const other = side === this.a ? this.b : this.a;
    if (candidate.route !== undefined) side.routes.set(candidate.route, candidate.base);
    side.agent.addLocalCandidate(candidate, this.now);
    if (isTold) other.agent.addRemoteCandidate(writeLocalCandidate(candidate), this.now);
  }

  /** Both have said everything. */
  end(): this {
    for (const { agent } of [this.a, this.b]) {
      agent.endLocalCandidates(this.now);
      agent.endRemoteCandidates(this.now);
    }
    return this;
  }

  /** Lets time pass. */
  run(ms: Millis): this {
    const until = this.now + ms;
    for (;;) {
      this.drain();
      const next = Math.min(
        this.a.agent.pollTimeout(),
        this.b.agent.pollTimeout(),
        ...this.#flights.map(({ at }) => at),
      );
      if (next > until) break;
      this.now = Math.max(this.now, next);
      this.#deliver();
      for (const { agent } of [this.a, this.b])
        if (agent.pollTimeout() <= this.now) agent.handleTimeout(this.now);
    }
    this.now = until;
    return this;
  }

  /** Runs until something holds; the time it took. @throws {Error} when it does not within `limitMs`. */
  runUntil(predicate: () => boolean, limitMs: Millis): Millis {
    const start = this.now;
    while (!predicate()) {
      if (this.now - start > limitMs) throw new Error(`not within ${limitMs} ms`);
      this.run(1);
    }
    return this.now - start;
  }

  drain(): void {
    for (const side of [this.a, this.b]) {
      for (let out = side.agent.pollTransmit(); out !== undefined; out = side.agent.pollTransmit()) {
        const from = side.mapped.get(out.socket) ?? side.routes.get(out.socket);
        if (from === undefined) continue;
        const flight = { at: this.now + this.delayMs, bytes: out.bytes, from, to: out.to };
        this.sent.push(flight);
        if (this.passes(flight)) this.#flights.push(flight);
      }
      for (let event = side.agent.pollEvent(); event !== undefined; event = side.agent.pollEvent()) {
        side.events.push(event);
      }
    }
  }

  #deliver(): void {
    const due = this.#flights.filter(({ at }) => at <= this.now);
    this.#flights = this.#flights.filter(({ at }) => at > this.now);
    for (const { bytes, from, to } of due) {
      for (const side of [this.a, this.b]) {
        for (const [route, address] of side.routes) {
          if (!(side.mapped.get(route) ?? address).equals(to)) continue;
          const lent = bytes.slice();
          side.agent.handleInput({ bytes: lent, from, socket: route }, this.now);
          lent.fill(0xdb);
        }
      }
    }
  }
}

/** An address, for tests. */
export function at(text: string): TransportAddress {
  const address = TransportAddress.parse(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

/** A host candidate on a route. */
export function hostCandidate(
  address: string,
  route: SocketId,
  more: Partial<LocalCandidate> = {},
): LocalCandidate {
  const base = at(address);
  const localPreference = more.localPreference ?? 65_535 - route;
  return {
    type: "host",
    protocol: "udp",
    tcpType: undefined,
    address: base,
    priority: 126 * 0x100_0000 + localPreference * 0x100 + 255,
    foundation: `h${route}`,
    route,
    base,
    relatedAddress: undefined,
    hostname: undefined,
    isExposed: true,
    relayProtocol: undefined,
    url: undefined,
    localPreference,
    ...more,
  };
}

/** A relayed candidate on a route. */
export function relayCandidate(address: string, route: SocketId): LocalCandidate {
  return hostCandidate(address, route, { type: "relay", priority: 2 * 0x100_0000 + 0xffff00 + 255 - route });
}
