import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { IpAddress, TransportAddress } from "@naru/webrtc/bytes";
import { PacketArena } from "@naru/webrtc/kernel";
import { adoptSocket, createNodePlatform } from "@naru/webrtc/node";
import type { Platform, UdpHandler, UdpIo } from "@naru/webrtc/platform";
import { type Logger, SILENT_LOGGER } from "@naru/webrtc/sansio";
import { type AnswerLimiterOptions, DEFAULT_LONG_TERM_VERIFIER_OPTIONS } from "@naru/webrtc/stun";
import { type AllocationLimits, DEFAULT_ALLOCATION_LIMITS } from "../allocation.ts";
import { BehaviorServer } from "../behavior-server.ts";
import { type ClientStreamsOptions, DEFAULT_CLIENT_STREAMS_OPTIONS } from "../client-streams.ts";
import { type CredentialSource, combineCredentials } from "../credentials/credentials.ts";
import { type IssuedCredential, SharedSecret } from "../credentials/shared-secret.ts";
import { createStaticUsers } from "../credentials/static-users.ts";
import { readMetrics, type TurnMetric } from "../metrics.ts";
import { DEFAULT_PEER_POLICY_OPTIONS, PeerPolicy, type PeerPolicyOptions } from "../peer-policy.ts";
import type { PortRange } from "../port-pool.ts";
import { DEFAULT_QUOTA_OPTIONS, type QuotaOptions } from "../quota.ts";
import type { RelayAddress } from "../relay-maker.ts";
import { TurnService } from "../turn-service.ts";
import { findRelayAddresses } from "./relay-addresses.ts";

/** A port on which clients are served. */
export interface TurnListenOptions {
  readonly transport: "udp" | "tcp" | "tls";
  /** An IP address; both families' unspecified addresses when left out. */
  readonly address?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** For `tls`: certificate chain and private key, PEM. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
}

/** Two addresses and two ports on which clients can find out what their NAT does (RFC 5780). TURN is served on all four. */
export interface TurnDiscoveryOptions {
  readonly address: string;
  readonly port: number;
  /** Another address of this machine, of the same family. */
  readonly alternateAddress: string;
  readonly alternatePort: number;
  /** What clients see of the two, where that is something else. */
  readonly advertise?: string;
  readonly advertiseAlternate?: string;
}

/** An address on which relayed addresses are made; see {@link RelayAddress}. */
export interface TurnRelayAddressOptions {
  readonly address: string;
  /** What peers see of it, where that is something else. */
  readonly advertise?: string;
}

export interface TurnServerOptions {
  /** At most 20 bytes. */
  readonly realm?: string;
  /** Secret of time-limited credentials (`TurnServerHandle.issueCredential`); at least 16 bytes. */
  readonly secret?: string;
  /** Passwords by user name. */
  readonly users?: Readonly<Record<string, string>>;
  /** Further credentials. */
  readonly credentials?: CredentialSource;
  /** Where clients are served; none when the program around hands its sockets in. */
  readonly listen?: readonly TurnListenOptions[];
  /** NAT behaviour discovery, on UDP sockets of its own. */
  readonly discovery?: TurnDiscoveryOptions;
  /** Where relayed addresses are made: one of each family. The machine's own addresses when left out. */
  readonly relay?: readonly TurnRelayAddressOptions[];
  readonly ports?: PortRange;
  /** Which peers may be reached; see {@link PeerPolicy}. */
  readonly peers?: Partial<PeerPolicyOptions>;
  readonly quota?: Partial<QuotaOptions>;
  readonly limits?: Partial<AllocationLimits>;
  readonly streams?: Partial<ClientStreamsOptions>;
  /** Whether TCP is relayed too (RFC 6062). */
  readonly tcpRelay?: boolean;
  /** Refusals a second to one address; see `LongTermVerifierOptions`. */
  readonly refusals?: AnswerLimiterOptions;
  /** Addresses of this machine that it does not know of itself: those of a 1:1 NAT without a relay on them. */
  readonly ownAddresses?: readonly string[];
  readonly log?: Logger;
  /** Clock, sockets and randomness; Node's when left out. */
  readonly platform?: Platform;
  /** The server has stopped: a listening socket failed, or there is a bug. */
  readonly onError?: (error: Error) => void;
}

/** A running TURN server. */
export interface TurnServerHandle {
  /** Where it listens, in the order of `listen`; two entries where both families were bound. */
  readonly addresses: readonly {
    readonly transport: "udp" | "tcp" | "tls";
    readonly address: TransportAddress;
  }[];
  readonly relayAddresses: readonly RelayAddress[];
  /**
   * Serves a client on a TCP or TLS connection that the program around accepted: one that begins with a byte from 0 to 3.
   * The connection is the server's from then on. What was read of it has to be given back before (`unshift`).
   */
  handleStream(socket: Socket): void;
  /**
   * Serves clients on a UDP socket that the program around shares with other protocols; the socket stays its own.
   *
   * @returns what to hand each datagram to whose first byte is from 0 to 3 or from 64 to 127, and each end of a batch.
   */
  attachUdp(udp: UdpIo): Pick<UdpHandler, "handleDatagram" | "handleBatchEnd">;
  /**
   * Makes a time-limited credential.
   *
   * @param user - Who gets it; best one for each session, so that {@link revoke} ends that one.
   * @throws {TypeError} when the server has no secret, or the user is empty.
   */
  issueCredential(user: string, lifetimeMs: number): IssuedCredential;
  /** Ends the allocations of a user, and makes none for him any more while a credential of his may be good. */
  revoke(user: string): void;
  /** Takes a revocation back. */
  reinstate(user: string): void;
  /** Lets clients reach a UDP port of ours, where media is received. */
  addMediaAddress(address: TransportAddress): void;
  removeMediaAddress(address: TransportAddress): void;
  /** All figures as they are now; `renderMetrics` makes Prometheus' text of them. */
  metrics(): readonly TurnMetric[];
  close(): void;
}

/** Answers to Binding requests in flight. */
const BINDING_ARENA_SLOTS = 512;
const BINDING_SLOT_BYTES = 2048;

/** What a machine without the address family answers. */
const NO_SUCH_FAMILY = ["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"];

/**
 * Starts a TURN and STUN server.
 *
 * @throws {TypeError} (rejects) when there are no credentials, or an address is none.
 * @throws {RangeError} (rejects) when an option is out of its range.
 * @throws {Error} (rejects) with the system's error when a port cannot be had.
 *
 * @example
 * const turn = await createTurnServer({ secret, listen: [{ transport: "udp", port: 3478 }] });
 * const { username, credential } = turn.issueCredential("alice", 3_600_000);
 */
export async function createTurnServer(options: TurnServerOptions): Promise<TurnServerHandle> {
  const platform = options.platform ?? createNodePlatform();
  const log = options.log ?? SILENT_LOGGER;
  const realm = options.realm ?? "naru";
  const secret = options.secret === undefined ? undefined : new SharedSecret(platform.crypto, options.secret);
  const relayAddresses =
    options.relay === undefined
      ? findRelayAddresses(platform.interfaces())
      : options.relay.map(toRelayAddress);
  const bindingArena = new PacketArena(BINDING_ARENA_SLOTS, BINDING_SLOT_BYTES);
  const { crypto, random } = platform;
  const binding = new BehaviorServer({ crypto, random, log }, bindingArena);
  const service = new TurnService(platform, {
    relayAddresses,
    credentials: collectCredentials(platform, realm, secret, options),
    policy: new PeerPolicy({ ...DEFAULT_PEER_POLICY_OPTIONS, ...options.peers }),
    binding,
    authentication: {
      ...DEFAULT_LONG_TERM_VERIFIER_OPTIONS,
      ...(options.refusals && { refusals: options.refusals }),
      realm,
    },
    ...(options.ports && { ports: options.ports }),
    quota: { ...DEFAULT_QUOTA_OPTIONS, ...options.quota },
    limits: { ...DEFAULT_ALLOCATION_LIMITS, ...options.limits },
    streams: { ...DEFAULT_CLIENT_STREAMS_OPTIONS, ...options.streams },
    allowsTcpRelay: options.tcpRelay ?? true,
    ownAddresses: (options.ownAddresses ?? []).map(toIpAddress),
    log,
    onError: options.onError ?? (() => undefined),
  });
  try {
    const addresses = [
      ...(await openListeners(service, options.listen ?? [])),
      ...(options.discovery === undefined ? [] : await openDiscovery(service, binding, options.discovery)),
    ];
    return {
      addresses,
      relayAddresses,
      handleStream: (socket) => handleStream(service, socket),
      attachUdp: (udp) => service.attachUdp(udp),
      issueCredential(user, lifetimeMs) {
        if (secret === undefined) throw new TypeError("time-limited credentials need the option `secret`");
        return secret.issue(user, platform.wallClock() + lifetimeMs);
      },
      revoke: (user) => service.revoke(user),
      reinstate: (user) => service.server.reinstate(user),
      addMediaAddress: (address) => service.server.addMediaAddress(address),
      removeMediaAddress: (address) => service.server.removeMediaAddress(address),
      metrics: () => readMetrics(service, binding.counters),
      close: () => service.close(),
    };
  } catch (error) {
    service.close();
    throw error;
  }
}

function handleStream(service: TurnService, socket: Socket): void {
  // The client may be gone before anybody looked: it has no address then.
  if (socket.destroyed || socket.remoteAddress === undefined) {
    socket.destroy();
    return;
  }
  const transport = socket instanceof TLSSocket ? "tls" : "tcp";
  adoptSocket(socket, (stream) => service.attachStream(stream, transport));
}

function collectCredentials(
  platform: Platform,
  realm: string,
  secret: SharedSecret | undefined,
  options: TurnServerOptions,
): CredentialSource {
  const { users, credentials } = options;
  const sources = [
    ...(users === undefined ? [] : [createStaticUsers(platform.crypto, realm, users)]),
    ...(credentials === undefined ? [] : [credentials]),
    ...(secret === undefined ? [] : [secret]),
  ];
  if (sources.length > 0) return combineCredentials(sources);
  throw new TypeError(
    "a TURN server needs `secret`, `users` or `credentials`: without one nobody could use it",
  );
}

async function openListeners(
  service: TurnService,
  listen: readonly TurnListenOptions[],
): Promise<TurnServerHandle["addresses"]> {
  const addresses: { transport: "udp" | "tcp" | "tls"; address: TransportAddress }[] = [];
  for (const { transport, address, port, tls } of listen) {
    if ((transport === "tls") !== (tls !== undefined)) {
      throw new TypeError("a listener has `tls` when its transport is tls, and only then");
    }
    const hosts = address === undefined ? ["0.0.0.0", "::"] : [address];
    /** Both families are to have the same port. */
    let chosen = port;
    for (const host of hosts) {
      const at = { address: toIpAddress(host), port: chosen };
      try {
        const bound =
          transport === "udp"
            ? await service.listenUdp(at)
            : await service.listenStream({ ...at, ...(tls && { tls }) });
        chosen = bound.port;
        addresses.push({ transport, address: bound });
      } catch (error) {
        // A machine without IPv6 serves IPv4.
        if (host !== "::" || address !== undefined || !hasCode(error, NO_SUCH_FAMILY)) throw error;
      }
    }
  }
  return addresses;
}

/** The four sockets of RFC 5780 §6. */
async function openDiscovery(
  service: TurnService,
  behavior: BehaviorServer,
  options: TurnDiscoveryOptions,
): Promise<TurnServerHandle["addresses"]> {
  const addresses: { transport: "udp"; address: TransportAddress }[] = [];
  const hosts = [
    { bind: toIpAddress(options.address), seen: toIpAddress(options.advertise ?? options.address) },
    {
      bind: toIpAddress(options.alternateAddress),
      seen: toIpAddress(options.advertiseAlternate ?? options.alternateAddress),
    },
  ];
  for (const { bind, seen } of hosts) {
    for (const port of [options.port, options.alternatePort]) {
      const { id, udp } = await service.bindListener({ address: bind, port });
      behavior.addSocket({ socket: id, address: new TransportAddress(seen, udp.localAddress.port) });
      addresses.push({ transport: "udp", address: udp.localAddress });
    }
  }
  return addresses;
}

function toRelayAddress({ address, advertise }: TurnRelayAddressOptions): RelayAddress {
  const bind = toIpAddress(address);
  return { bind, advertise: advertise === undefined ? bind : toIpAddress(advertise) };
}

function toIpAddress(text: string): IpAddress {
  const ip = IpAddress.parse(text);
  if (ip !== undefined) return ip;
  throw new TypeError(`expected an IP address, got "${text}"`);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.some((code) => code === error.code);
}
