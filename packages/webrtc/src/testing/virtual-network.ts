import type { IpAddress } from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import type { Millis } from "../sansio/index.ts";
import { Attacker } from "./attacker.ts";
import { type HostOptions, VirtualHost } from "./host.ts";
import type { HostInterface } from "./host-interface.ts";
import { DEFAULT_LADDER_LIMIT, Ladder, type PayloadDescriber } from "./ladder.ts";
import type { LinkConditions, LinkDirection } from "./link.ts";
import { DEFAULT_NAT_OPTIONS, type NatOptions } from "./nat.ts";
import type { Packet } from "./packet.ts";
import { type Fabric, parseIp, Realm } from "./realm.ts";
import { type RouterOptions, VirtualRouter } from "./router.ts";
import { SeededRandom } from "./seeded-random.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What a simulated network is made from. */
export interface VirtualNetworkOptions {
  /** Decides every random outcome. The same seed and the same program give the same run, packet for packet. */
  readonly seed: string | number;
  /** What the hosts' `Platform.crypto` is: real cryptography, from outside. Without it, asking a host for it throws. */
  readonly crypto?: CryptoProvider;
  /** How many packets the ladder remembers. */
  readonly ladderLimit?: number;
  /** Describes payloads on the ladder. */
  readonly describer?: PayloadDescriber;
}

/** What {@link VirtualNetwork.nat} takes: where the router is, and how its NAT behaves (by default as RFC 4787 asks). */
export interface NatRouterOptions extends Omit<RouterOptions, "nat">, Partial<NatOptions> {}

/**
 * An internet in one process, in virtual time: hosts, links, NATs and firewalls. Each {@link VirtualHost} is a
 * `Platform`, so whatever runs on Node runs here, and a run is repeated exactly by its seed.
 *
 * Time passes only in {@link advance} and {@link run} and their kin.
 */
export class VirtualNetwork {
  readonly seed: string;
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: SeededRandom;
  /** The realm in which everything has a public address. */
  readonly internet: Realm;
  readonly #fabric: Fabric;
  readonly #names = new Set<string>();

  constructor(options: VirtualNetworkOptions) {
    this.random = new SeededRandom(options.seed);
    this.seed = this.random.seed;
    const ladder = new Ladder(options.ladderLimit ?? DEFAULT_LADDER_LIMIT);
    if (options.describer !== undefined) ladder.describer = options.describer;
    this.#fabric = {
      clock: this.clock,
      random: this.random,
      ladder,
      crypto: options.crypto,
      names: new Map(),
      trustedCertificates: new Map(),
    };
    this.internet = new Realm(this.#fabric, "internet", "203.0.113");
  }

  // The parts of a network. Names are unique: they lead to the random numbers of a part.

  /** Adds a host, on the internet or behind a router. */
  host(name: string, options: HostOptions = {}): VirtualHost {
    this.#take(name);
    return new VirtualHost(this.#fabric, name, this.internet, options);
  }

  /** Adds a router with a NAT. Put one inside another for a carrier-grade NAT. */
  nat(name: string, options: NatRouterOptions = {}): VirtualRouter {
    return this.router(name, { ...options, nat: natOptionsOf(options) });
  }

  /** Adds a router that may have a NAT, a firewall, both or none. */
  router(name: string, options: RouterOptions = {}): VirtualRouter {
    this.#take(name);
    return new VirtualRouter(this.#fabric, name, options.inside?.inside ?? this.internet, options);
  }

  /** Adds someone who can send anything from anywhere. */
  attacker(name = "attacker"): Attacker {
    this.#take(name);
    return new Attacker(this.#fabric, name, this.internet);
  }

  /**
   * Puts conditions on what goes from one place to another in the same realm, beside those of their own links. Only
   * in this direction. Without a `delayMs` the path adds none.
   *
   * @throws {RangeError} when the two are in different realms.
   */
  path(
    from: VirtualHost | VirtualRouter,
    to: VirtualHost | VirtualRouter,
    conditions: Partial<LinkConditions>,
  ): LinkDirection<Packet> {
    const [fromEnd, toEnd] = [attachmentOf(from), attachmentOf(to)];
    if (fromEnd.realm !== toEnd.realm) {
      throw new RangeError(
        `${from.name} is in ${fromEnd.realm.name} and ${to.name} in ${toEnd.realm.name}: name the routers between`,
      );
    }
    return fromEnd.realm.setPath(fromEnd, toEnd, conditions);
  }

  /** Makes a host name known to every host. */
  addName(hostname: string, ...addresses: readonly (string | IpAddress)[]): void {
    const parsed = addresses.map((address) => (typeof address === "string" ? parseIp(address) : address));
    this.#fabric.names.set(hostname.toLowerCase(), parsed);
  }

  /** Makes every host trust a certificate, for these server names. */
  trustCertificate(certificate: string, ...serverNames: readonly string[]): void {
    this.#fabric.trustedCertificates.set(certificate, serverNames);
  }

  // Time.

  now(): Millis {
    return this.clock.now();
  }

  /** Lets `durationMs` pass, with promises settling. */
  run(durationMs: number): Promise<void> {
    return this.clock.run(this.clock.now() + durationMs);
  }

  /** Lets time pass until `predicate` holds; rejects with a `VirtualTimeoutError` after `limitMs`. */
  runUntil(predicate: () => boolean, limitMs: number): Promise<void> {
    return this.clock.runUntil(predicate, limitMs);
  }

  /** Lets time pass until `promise` settles, and gives its value; rejects with a `VirtualTimeoutError` after `limitMs`. */
  complete<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    return this.clock.complete(promise, limitMs);
  }

  /** Lets `durationMs` pass, synchronously: for code without promises. */
  advance(durationMs: number): void {
    this.clock.advance(this.clock.now() + durationMs);
  }

  /** Lets time pass, synchronously, until `predicate` holds; throws a `VirtualTimeoutError` after `limitMs`. */
  advanceUntil(predicate: () => boolean, limitMs: number): void {
    this.clock.advanceUntil(predicate, limitMs);
  }

  // The ladder.

  /** What happened, packet by packet; see {@link Ladder.render}. */
  ladder(last?: number): string {
    return this.#fabric.ladder.render(last);
  }

  /** The packets themselves. */
  get packets(): Ladder {
    return this.#fabric.ladder;
  }

  #take(name: string): void {
    if (this.#names.has(name)) throw new RangeError(`the network has a "${name}" already`);
    this.#names.add(name);
  }
}

function attachmentOf(place: VirtualHost | VirtualRouter): HostInterface | VirtualRouter {
  return place instanceof VirtualHost ? place.primary : place;
}

function natOptionsOf(options: Partial<NatOptions>): NatOptions {
  return {
    mapping: options.mapping ?? DEFAULT_NAT_OPTIONS.mapping,
    filtering: options.filtering ?? DEFAULT_NAT_OPTIONS.filtering,
    preservesPorts: options.preservesPorts ?? DEFAULT_NAT_OPTIONS.preservesPorts,
    hairpins: options.hairpins ?? DEFAULT_NAT_OPTIONS.hairpins,
    mappingTimeoutMs: options.mappingTimeoutMs ?? DEFAULT_NAT_OPTIONS.mappingTimeoutMs,
    inboundRefreshes: options.inboundRefreshes ?? DEFAULT_NAT_OPTIONS.inboundRefreshes,
  };
}
