import { type IpAddress, TransportAddress } from "../bytes/index.ts";
import type { Millis } from "../sansio/index.ts";
import type { Packet, TransportProtocol } from "./packet.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** RFC 4787 §4.1 (mapping) and §5 (filtering): what a decision depends on beside the internal endpoint. */
export type NatBehavior = "endpointIndependent" | "addressDependent" | "addressAndPortDependent";

/** How a NAT behaves, in the words of RFC 4787. */
export interface NatOptions {
  /** §4.1: when two flows from one internal endpoint share an external port. */
  readonly mapping: NatBehavior;
  /** §5: who may answer to a mapping. */
  readonly filtering: NatBehavior;
  /** §4.2.1: whether the external port is the internal one when that is free. Otherwise it is chosen at random. */
  readonly preservesPorts: boolean;
  /** §6: whether hosts inside reach each other through their external addresses. */
  readonly hairpins: boolean;
  /** §4.3: a UDP mapping without outbound packets for so long is forgotten. REQ-5 wants two minutes at least. */
  readonly mappingTimeoutMs: number;
  /** REQ-6a: whether packets from outside keep a mapping alive too. */
  readonly inboundRefreshes: boolean;
}

/** A NAT as RFC 4787 wants it: endpoint-independent mapping, hairpinning, two minutes. */
export const DEFAULT_NAT_OPTIONS: NatOptions = {
  mapping: "endpointIndependent",
  filtering: "addressAndPortDependent",
  preservesPorts: true,
  hairpins: true,
  mappingTimeoutMs: 120_000,
  inboundRefreshes: false,
};

/** The four kinds of NAT of RFC 3489 §5, which people still name, in terms of RFC 4787. */
export const NAT_PRESETS: {
  readonly fullCone: NatOptions;
  readonly addressRestricted: NatOptions;
  readonly portRestricted: NatOptions;
  readonly symmetric: NatOptions;
} = {
  fullCone: { ...DEFAULT_NAT_OPTIONS, filtering: "endpointIndependent" },
  addressRestricted: { ...DEFAULT_NAT_OPTIONS, filtering: "addressDependent" },
  portRestricted: DEFAULT_NAT_OPTIONS,
  symmetric: {
    ...DEFAULT_NAT_OPTIONS,
    mapping: "addressAndPortDependent",
    preservesPorts: false,
    hairpins: false,
  },
};

/** RFC 5382 REQ-5: an established TCP connection may be idle for two hours and four minutes. */
const TCP_MAPPING_TIMEOUT_MS = 124 * 60_000;
/** REQ-3a: ports from 1024 on for hosts that use such. */
const FIRST_PORT = 1024;
const LAST_PORT = 65_535;
/** Remote endpoints one mapping remembers for filtering; beyond, the oldest is forgotten. */
const MAXIMUM_PERMISSIONS = 4096;

/** One internal endpoint, as seen from outside. */
interface Mapping {
  readonly key: string;
  readonly protocol: TransportProtocol;
  readonly internal: TransportAddress;
  readonly external: TransportAddress;
  lastUsed: Millis;
  /** What was sent to, in the form the filtering behaviour asks for, and when last. */
  readonly permissions: Map<string, Millis>;
}

/** The table of a network address and port translator (NAPT). It rewrites packets; routing them is the router's. */
export class Nat {
  options: NatOptions;
  #externalIp: IpAddress;
  readonly #random: SeededRandom;
  readonly #byInternal = new Map<string, Mapping>();
  /** By protocol and external port. */
  readonly #byExternal = new Map<string, Mapping>();

  constructor(externalIp: IpAddress, options: NatOptions, random: SeededRandom) {
    this.#externalIp = externalIp;
    this.options = options;
    this.#random = random;
  }

  get externalIp(): IpAddress {
    return this.#externalIp;
  }

  /** The mappings alive at `now`, for tests to look at. */
  mappings(now: Millis): readonly { internal: TransportAddress; external: TransportAddress }[] {
    return [...this.#byInternal.values()]
      .filter((mapping) => !this.#isExpired(mapping, now))
      .map(({ internal, external }) => ({ internal, external }));
  }

  /** Forgets every mapping and has a new external address from now on. */
  rebind(externalIp: IpAddress): void {
    this.#externalIp = externalIp;
    this.#byInternal.clear();
    this.#byExternal.clear();
  }

  /** Gives a packet from inside its external source. @returns why it is dropped, or undefined. */
  translateOutbound(packet: Packet, now: Millis): string | undefined {
    const mapping = this.#mappingFor(packet, now);
    if (mapping === undefined) return "out of ports";
    // REQ-6: outbound packets refresh the mapping.
    mapping.lastUsed = now;
    const permission = remoteKey(this.options.filtering, packet.destination);
    if (!mapping.permissions.has(permission) && mapping.permissions.size >= MAXIMUM_PERMISSIONS) {
      for (const oldest of mapping.permissions.keys()) {
        mapping.permissions.delete(oldest);
        break;
      }
    }
    mapping.permissions.set(permission, now);
    packet.source = mapping.external;
    return undefined;
  }

  /** Gives a packet from outside its internal destination. @returns why it is dropped, or undefined. */
  translateInbound(packet: Packet, now: Millis): string | undefined {
    const mapping = this.#byExternal.get(externalKey(packet.protocol, packet.destination.port));
    if (mapping === undefined || this.#isExpired(mapping, now)) return "no mapping";
    const permission = remoteKey(this.options.filtering, packet.source);
    const permittedAt = mapping.permissions.get(permission);
    const isPermitted = permittedAt !== undefined && now - permittedAt <= this.#timeoutOf(mapping);
    if (this.options.filtering !== "endpointIndependent" && !isPermitted) return "filtered";
    if (this.options.inboundRefreshes) {
      mapping.lastUsed = now;
      if (isPermitted) mapping.permissions.set(permission, now);
    }
    packet.destination = mapping.internal;
    return undefined;
  }

  #mappingFor(packet: Packet, now: Millis): Mapping | undefined {
    const remote = remoteKey(this.options.mapping, packet.destination);
    const key = `${packet.protocol} ${packet.source} ${remote}`;
    const known = this.#byInternal.get(key);
    if (known !== undefined && !this.#isExpired(known, now)) return known;
    if (known !== undefined) this.#forget(known);
    const port = this.#freePort(packet.protocol, packet.source.port, now);
    if (port === undefined) return undefined;
    const mapping: Mapping = {
      key,
      protocol: packet.protocol,
      internal: packet.source,
      external: new TransportAddress(this.#externalIp, port),
      lastUsed: now,
      permissions: new Map(),
    };
    this.#byInternal.set(key, mapping);
    this.#byExternal.set(externalKey(packet.protocol, port), mapping);
    return mapping;
  }

  /** REQ-3: a port belongs to one mapping at a time, never to two. */
  #freePort(protocol: TransportProtocol, internalPort: number, now: Millis): number | undefined {
    if (this.options.preservesPorts && this.#isFree(protocol, internalPort, now)) return internalPort;
    const count = LAST_PORT - FIRST_PORT + 1;
    const start = this.#random.integer(0, count - 1);
    for (let i = 0; i < count; i++) {
      const port = FIRST_PORT + ((start + i) % count);
      if (this.#isFree(protocol, port, now)) return port;
    }
    return undefined;
  }

  #isFree(protocol: TransportProtocol, port: number, now: Millis): boolean {
    const holder = this.#byExternal.get(externalKey(protocol, port));
    if (holder === undefined) return true;
    if (!this.#isExpired(holder, now)) return false;
    this.#forget(holder);
    return true;
  }

  #forget(mapping: Mapping): void {
    this.#byInternal.delete(mapping.key);
    this.#byExternal.delete(externalKey(mapping.protocol, mapping.external.port));
  }

  #isExpired(mapping: Mapping, now: Millis): boolean {
    return now - mapping.lastUsed > this.#timeoutOf(mapping);
  }

  #timeoutOf(mapping: Mapping): number {
    return mapping.protocol === "udp" ? this.options.mappingTimeoutMs : TCP_MAPPING_TIMEOUT_MS;
  }
}

/** The part of a remote endpoint that a behaviour looks at. */
function remoteKey(behavior: NatBehavior, remote: TransportAddress): string {
  switch (behavior) {
    case "endpointIndependent":
      return "";
    case "addressDependent":
      return remote.ip.toString();
    case "addressAndPortDependent":
      return remote.toString();
    default:
      return behavior satisfies never;
  }
}

function externalKey(protocol: TransportProtocol, port: number): string {
  return `${protocol} ${port}`;
}
