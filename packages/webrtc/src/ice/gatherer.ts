import {
  type IncomingDatagram,
  IpAddress,
  type OutgoingDatagram,
  type SocketId,
  TransportAddress,
} from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import {
  type AskId,
  type Core,
  type Environment,
  InvalidStateError,
  type Millis,
  Queue,
  type RandomSource,
  randomBytes,
} from "../sansio/index.ts";
import {
  type LongTermCredentials,
  StunClient,
  StunMessage,
  StunMethod,
  type StunUrl,
  safeDecodeStunMessage,
  safeParseStunUrl,
  XOR_MAPPED_ADDRESS,
} from "../stun/index.ts";
import type { TurnEnd, TurnTransport } from "../turn/index.ts";
import { ACTIVE_TCP_PORT, type IceTcpType, type LocalCandidate } from "./candidate.ts";
import { type IceServerError, SERVER_UNREACHABLE } from "./facts.ts";
import { Foundations } from "./foundation.ts";
import type { IceGathererEvent, IceGatheringState } from "./gatherer-events.ts";
import {
  DEFAULT_GATHERING_TRANSACTION,
  type IceGathererOptions,
  type IceInterface,
} from "./gatherer-options.ts";
import { chooseAddresses } from "./host-addresses.ts";
import { candidatePriority, localPreferenceOf } from "./priority.ts";

/** A STUN or TURN server, from one URL. */
interface Server {
  readonly url: string;
  readonly parsed: StunUrl;
  readonly credentials: LongTermCredentials | undefined;
  /** One of each family at most; undefined while its name is being resolved. */
  addresses: readonly TransportAddress[] | undefined;
}

/** A local address and what is bound to it. */
interface Base {
  /** Unspecified when it stands for any interface. */
  readonly ip: IpAddress;
  readonly rank: number;
  readonly hostname: string | undefined;
  udp: { readonly route: SocketId; readonly address: TransportAddress } | undefined;
  listener: { readonly route: SocketId; readonly address: TransportAddress } | undefined;
  /** The interface is gone; what is still asked for is closed when it comes. */
  isGone: boolean;
}

/** A question to a STUN server, waiting for its turn or for its answer. */
interface Query {
  readonly base: Base;
  readonly route: SocketId;
  readonly server: Server;
  readonly address: TransportAddress;
  client: StunClient | undefined;
}

/** A relay, wanted or had. */
interface Relay {
  readonly id: AskId;
  readonly server: Server;
  readonly address: TransportAddress;
  readonly transport: TurnTransport;
  readonly base: Base;
  route: SocketId | undefined;
  relayed: readonly TransportAddress[];
  mapped: TransportAddress | undefined;
}

/** `RTCConfiguration` may name any number of servers; questions to more make gathering slow and calls no better. */
const MAX_SERVERS = 16;
const MAX_RELAYS = 16;
const MAX_EVENTS = 1024;

/** RFC 8445 §14.2: at least 5 ms between new transactions; here nothing else is under way yet. */
const PACE_MS: Millis = 5;

const NEVER: Millis = Number.POSITIVE_INFINITY;
const HIDDEN_ADDRESS = new TransportAddress(IpAddress.fromBytes(new Uint8Array(4)), ACTIVE_TCP_PORT);

/**
 * Finds our own candidates (RFC 8445 §5.1): on the host's addresses, as STUN servers see them, and on TURN servers. It goes on
 * while interfaces come and go. Sockets, names and allocations are asked for by events.
 *
 * Its transmits are questions to STUN servers; they leave by the route that they name.
 */
export class IceGatherer implements Core<IncomingDatagram, OutgoingDatagram, IceGathererEvent> {
  readonly #environment: Environment<CryptoProvider>;
  readonly #options: IceGathererOptions;
  readonly #servers: readonly Server[];
  readonly #foundations = new Foundations();
  readonly #events = new Queue<IceGathererEvent>(MAX_EVENTS);
  readonly #message = new StunMessage();
  readonly #errors: IceServerError[] = [];
  #bases: Base[] = [];
  #relays: Relay[] = [];
  #queries: Query[] = [];
  readonly #binds = new Map<AskId, { base: Base; isTcp: boolean }>();
  readonly #resolves = new Map<AskId, Server>();
  /** What this generation has told, by base and address: the redundant is left out. */
  readonly #told = new Set<string>();
  #state: IceGatheringState = "new";
  #generation = 0;
  #nextId: AskId = 1;
  #nextRank = 0;
  #paceAt: Millis = 0;
  #isClosed = false;

  /** @throws {SyntaxError} when a URL is none of a STUN or TURN server. */
  constructor(environment: Environment<CryptoProvider>, options: IceGathererOptions = {}) {
    this.#environment = environment;
    this.#options = options;
    this.#servers = parseServers(options);
  }

  /**
   * Begins.
   *
   * @throws {InvalidStateError} the second time, and after {@link close}.
   */
  start(interfaces: readonly IceInterface[]): void {
    if (this.#state !== "new" || this.#isClosed) throw new InvalidStateError("a gatherer starts once");
    this.#setState("gathering");
    for (const server of this.#servers) this.#locate(server);
    this.#addBases(interfaces);
    this.#conclude();
  }

  /** The host's addresses have changed: what is new is gathered on, what is gone is closed. */
  setInterfaces(interfaces: readonly IceInterface[]): void {
    if (this.#state === "new" || this.#isClosed) return;
    const present = new Set(chooseAddresses(interfaces, this.#options).map(String));
    for (const base of this.#bases) if (!present.has(`${base.ip}`)) this.#removeBase(base);
    this.#bases = this.#bases.filter(({ isGone }) => !isGone);
    this.#addBases(interfaces);
    this.#conclude();
  }

  /** A new generation (RFC 8445 §9): all candidates are told again, servers are asked again, sockets and relays are kept. */
  restart(): void {
    if (this.#state === "new" || this.#isClosed) return;
    this.#generation++;
    this.#told.clear();
    this.#queries = [];
    this.#state = "new";
    this.#setState("gathering");
    for (const server of this.#servers) if (server.addresses?.length === 0) this.#locate(server);
    for (const base of this.#bases) {
      this.#tellActive(base);
      if (base.udp !== undefined) this.#tellHost(base, base.udp, undefined);
      if (base.listener !== undefined) this.#tellHost(base, base.listener, "passive");
      this.#askAbout(base);
    }
    for (const relay of this.#relays) this.#tellRelay(relay);
    this.#conclude();
  }

  /** Everything that was opened is closed by events. */
  close(): void {
    if (this.#isClosed) return;
    for (const base of this.#bases) this.#removeBase(base);
    this.#bases = [];
    this.#queries = [];
    this.#resolves.clear();
    this.#isClosed = true;
  }

  /** Answers `bindUdp` and `listenTcp`: what comes in on the socket carries `route`. */
  handleBound(id: AskId, route: SocketId, address: TransportAddress): void {
    const ask = this.#binds.get(id);
    this.#binds.delete(id);
    if (ask === undefined || ask.base.isGone || this.#isClosed) {
      this.#emit({ type: "closeRoute", route });
    } else if (ask.isTcp) {
      ask.base.listener = { route, address };
      this.#tellHost(ask.base, ask.base.listener, "passive");
    } else {
      ask.base.udp = { route, address };
      this.#tellHost(ask.base, ask.base.udp, undefined);
      this.#askAbout(ask.base);
    }
    this.#conclude();
  }

  /** Answers `bindUdp` and `listenTcp`: it cannot be had. */
  handleBindFailure(id: AskId, detail: string): void {
    if (!this.#binds.delete(id)) return;
    this.#environment.log.warn("a socket for ICE cannot be had", { detail });
    this.#conclude();
  }

  /** Answers `resolve`; no addresses when the name has none. */
  handleResolved(id: AskId, ips: readonly IpAddress[]): void {
    const server = this.#resolves.get(id);
    this.#resolves.delete(id);
    if (server === undefined || this.#isClosed) return;
    this.#setAddresses(server, ips);
    if (ips.length === 0) this.#reportError(server, undefined, SERVER_UNREACHABLE, "the name has no address");
    this.#conclude();
  }

  /** Answers `allocate`: data by way of the relay carries `route`. */
  handleAllocated(
    id: AskId,
    route: SocketId,
    relayed: readonly TransportAddress[],
    mapped: TransportAddress,
  ): void {
    const relay = this.#relays.find((candidate) => candidate.id === id);
    if (relay === undefined || relay.base.isGone) {
      this.#emit({ type: "closeRoute", route });
      return;
    }
    relay.route = route;
    relay.relayed = relayed;
    relay.mapped = mapped;
    this.#tellRelay(relay);
    this.#conclude();
  }

  /** An allocation has ended, or never came about. */
  handleAllocationEnd(id: AskId, end: Pick<TurnEnd, "reason" | "message" | "error">): void {
    const relay = this.#relays.find((candidate) => candidate.id === id);
    if (relay === undefined) return;
    this.#relays.splice(this.#relays.indexOf(relay), 1);
    if (relay.route !== undefined) this.#emit({ type: "closeRoute", route: relay.route });
    if (end.reason !== "released") {
      const code = end.error?.code ?? SERVER_UNREACHABLE;
      this.#reportError(relay.server, relay.base, code, end.error?.reason || end.message);
    }
    this.#conclude();
  }

  /** A socket has failed: its candidates are gone. The agent has to be told by whoever tells this. */
  handleRouteLost(route: SocketId): void {
    for (const base of this.#bases) {
      if (base.udp?.route === route) base.udp = undefined;
      if (base.listener?.route === route) base.listener = undefined;
    }
    this.#queries = this.#queries.filter((query) => query.route !== route);
    this.#conclude();
  }

  handleInput(datagram: IncomingDatagram, now: Millis): void {
    this.receive(datagram, now);
  }

  /** Takes a datagram if it answers a question to a STUN server; false when it is somebody else's: the agent's. */
  receive({ bytes, from, socket }: IncomingDatagram, now: Millis): boolean {
    if (this.#queries.length === 0) return false;
    const message = safeDecodeStunMessage(bytes, this.#message);
    if (typeof message === "string" || message.checkFingerprint() === "wrong") return false;
    if (message.messageClass !== "success" && message.messageClass !== "error") return false;
    for (const query of this.#queries) {
      if (query.route !== socket || !query.address.equals(from) || query.client === undefined) continue;
      if (!query.client.handleMessage(message, now)) continue;
      this.#drain(query);
      this.#conclude();
      return true;
    }
    return false;
  }

  handleTimeout(now: Millis): void {
    if (now >= this.#paceAt) {
      const query = this.#queries.find(({ client }) => client === undefined);
      if (query !== undefined) this.#ask(query, now);
    }
    for (const query of [...this.#queries]) {
      query.client?.handleTimeout(now);
      this.#drain(query);
    }
    this.#conclude();
  }

  pollTransmit(): OutgoingDatagram | undefined {
    for (const { client } of this.#queries) {
      const transmit = client?.pollTransmit();
      if (transmit !== undefined) return transmit;
    }
    return undefined;
  }

  pollEvent(): IceGathererEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    let next = NEVER;
    for (const { client } of this.#queries) next = Math.min(next, client?.pollTimeout() ?? this.#paceAt);
    return next;
  }

  get state(): IceGatheringState {
    return this.#state;
  }

  /** Every server that was of no use, so far: for `judgeIce`. */
  get serverErrors(): readonly IceServerError[] {
    return this.#errors;
  }

  // Host addresses.

  #addBases(interfaces: readonly IceInterface[]): void {
    for (const ip of chooseAddresses(interfaces, this.#options)) {
      if (this.#bases.some((base) => `${base.ip}` === `${ip}`)) continue;
      this.#addBase(ip);
    }
  }

  #addBase(ip: IpAddress): void {
    const { usesMdns = false, tcp = {}, addressPolicy, ports } = this.#options;
    const { random } = this.#environment;
    const hostname = usesMdns && !ip.isUnspecified ? createMdnsName(random) : undefined;
    const rank = this.#nextRank++;
    const base: Base = { ip, rank, hostname, udp: undefined, listener: undefined, isGone: false };
    this.#bases.push(base);
    if (this.#state === "complete") this.#setState("gathering");
    if (hostname !== undefined) this.#emit({ type: "announceName", hostname, address: ip });
    if (this.#isDirect) {
      this.#bind(base, "bindUdp", ports);
      if (tcp.passive === true && addressPolicy !== "default-route") this.#bind(base, "listenTcp", ports);
    }
    this.#tellActive(base);
    this.#askAbout(base);
  }

  #bind(base: Base, type: "bindUdp" | "listenTcp", ports: IceGathererOptions["ports"]): void {
    const id = this.#nextId++;
    this.#binds.set(id, { base, isTcp: type === "listenTcp" });
    this.#emit({ type, id, address: base.ip, ports });
  }

  #removeBase(base: Base): void {
    base.isGone = true;
    for (const route of [base.udp?.route, base.listener?.route]) {
      if (route !== undefined) this.#emit({ type: "closeRoute", route });
    }
    for (const relay of this.#relays) {
      if (relay.base === base && relay.route !== undefined)
        this.#emit({ type: "closeRoute", route: relay.route });
    }
    this.#relays = this.#relays.filter((relay) => relay.base !== base);
    this.#queries = this.#queries.filter((query) => query.base !== base);
    if (base.hostname !== undefined) this.#emit({ type: "withdrawName", hostname: base.hostname });
  }

  /** Whether candidates other than relayed ones are wanted. */
  get #isDirect(): boolean {
    return this.#options.transportPolicy !== "relay" && this.#options.addressPolicy !== "relay-tcp";
  }

  // Servers.

  #locate(server: Server): void {
    const { ip, host } = server.parsed;
    server.addresses = undefined;
    if (ip !== undefined) {
      this.#setAddresses(server, [ip]);
      return;
    }
    const id = this.#nextId++;
    this.#resolves.set(id, server);
    this.#emit({ type: "resolve", id, hostname: host });
  }

  #setAddresses(server: Server, ips: readonly IpAddress[]): void {
    const firsts = [4, 6].flatMap((family) => ips.find((ip) => ip.family === family) ?? []);
    server.addresses = firsts.map((ip) => new TransportAddress(ip, server.parsed.port));
    for (const base of this.#bases) this.#askServer(base, server);
  }

  #askAbout(base: Base): void {
    for (const server of this.#servers) this.#askServer(base, server);
  }

  /** Asks a server for what it can tell about, or give to, a base. */
  #askServer(base: Base, server: Server): void {
    const address = server.addresses?.find(({ family }) => family === base.ip.family);
    if (address === undefined || base.isGone) return;
    const { scheme, transport } = server.parsed;
    if (scheme.startsWith("turn")) this.#wantRelay(base, server, address);
    // A TURN server over UDP answers Binding requests as well (RFC 8656 §1).
    if (transport === "udp" && this.#isDirect && base.udp !== undefined) {
      const { route } = base.udp;
      if (this.#queries.some((query) => query.route === route && query.address.equals(address))) return;
      this.#queries.push({ base, route, server, address, client: undefined });
    } else if (scheme.startsWith("stun") && transport !== "udp") {
      // RFC 8445 §5.1.1.2 asks over UDP: what a server sees of a TCP or TLS connection is of no use to candidates.
      this.#reportError(server, undefined, SERVER_UNREACHABLE, "STUN over TLS tells nothing about UDP");
    }
  }

  #ask(query: Query, now: Millis): void {
    const { address, route } = query;
    const transaction = { ...DEFAULT_GATHERING_TRANSACTION, ...this.#options.transaction };
    query.client = new StunClient(this.#environment, { server: address, socket: route, transaction });
    query.client.request({ method: StunMethod.binding }, now);
    this.#paceAt = now + PACE_MS;
  }

  #drain(query: Query): void {
    const event = query.client?.pollEvent();
    if (event === undefined) return;
    this.#queries.splice(this.#queries.indexOf(query), 1);
    const { base, server, address } = query;
    if (event.type === "success") {
      const mapped = event.response.get(XOR_MAPPED_ADDRESS);
      if (mapped === undefined)
        this.#reportError(server, base, SERVER_UNREACHABLE, "the answer has no address");
      else this.#tellReflexive(base, mapped, server, address);
    } else if (event.type === "refused")
      this.#reportError(server, base, event.error.code, event.error.reason);
    else this.#reportError(server, base, SERVER_UNREACHABLE, "the STUN server does not answer over UDP");
  }

  #wantRelay(base: Base, server: Server, address: TransportAddress): void {
    const { transport } = server.parsed;
    const { addressPolicy } = this.#options;
    if (transport === "dtls") {
      this.#reportError(server, base, SERVER_UNREACHABLE, "TURN over DTLS is not supported");
      return;
    }
    if (addressPolicy === "relay-tcp" && transport === "udp") return;
    if (this.#relays.some((relay) => relay.base === base && relay.server === server)) return;
    if (this.#relays.length >= MAX_RELAYS) return;
    const id = this.#nextId++;
    const relay = { id, server, address, transport, base, route: undefined, relayed: [], mapped: undefined };
    this.#relays.push(relay);
    this.#emit({
      type: "allocate",
      id,
      server: address,
      transport,
      serverName: server.parsed.host,
      credentials: server.credentials,
      // A server that is reached over IPv6 can be expected to relay it; to others the question is of no use.
      family: address.family === 6 ? "both" : undefined,
      localAddress: base.ip.isUnspecified ? undefined : base.ip,
    });
  }

  /** webrtc-pc §4.8.2 has one event for each; `errors` keeps what they say. */
  #reportError(server: Server, base: Base | undefined, errorCode: number, errorText: string): void {
    const address = base === undefined || base.ip.isUnspecified ? undefined : (base.hostname ?? `${base.ip}`);
    const error = { url: server.url, address, port: base?.udp?.address.port, errorCode, errorText };
    if (this.#errors.length < MAX_EVENTS) this.#errors.push(error);
    this.#emit({ type: "serverError", error });
  }

  // Candidates.

  #tellHost(
    base: Base,
    bound: { route: SocketId; address: TransportAddress },
    tcpType: IceTcpType | undefined,
  ): void {
    this.#tell({
      ...this.#common(base, "host", tcpType),
      address: bound.address,
      base: bound.address,
      route: bound.route,
      relatedAddress: undefined,
      hostname: base.hostname,
      isExposed: !base.ip.isUnspecified,
      relayProtocol: undefined,
      url: undefined,
    });
  }

  /** RFC 6544 §4.1, §5.1: an active candidate has no socket before there is somebody to connect to. */
  #tellActive(base: Base): void {
    if (!this.#isDirect || this.#options.tcp?.active === false || base.ip.isUnspecified) return;
    const address = new TransportAddress(base.ip, ACTIVE_TCP_PORT);
    this.#tell({
      ...this.#common(base, "host", "active"),
      address,
      base: address,
      route: undefined,
      relatedAddress: undefined,
      hostname: base.hostname,
      isExposed: true,
      relayProtocol: undefined,
      url: undefined,
    });
  }

  #tellReflexive(base: Base, mapped: TransportAddress, server: Server, address: TransportAddress): void {
    const { udp } = base;
    // A server's word is not authenticated: an address that cannot be one is none.
    if (udp === undefined || mapped.port === 0 || mapped.ip.isUnspecified || mapped.ip.isLoopback) return;
    if (mapped.family !== udp.address.family) return;
    this.#tell({
      ...this.#common(base, "srflx", undefined, `${address.ip}`),
      address: mapped,
      base: udp.address,
      route: udp.route,
      // draft-ietf-mmusic-mdns-ice-candidates §3.1.2.2: what the name hides is not told here.
      relatedAddress: base.hostname !== undefined || base.ip.isUnspecified ? HIDDEN_ADDRESS : udp.address,
      hostname: undefined,
      isExposed: true,
      relayProtocol: undefined,
      url: server.url,
    });
  }

  #tellRelay(relay: Relay): void {
    const { route, transport, server, base, mapped } = relay;
    if (route === undefined) return;
    const isHidden = base.hostname !== undefined || !this.#isDirect || base.ip.isUnspecified;
    for (const address of relay.relayed) {
      const foundation = this.#foundations.of({
        type: "relay",
        protocol: "udp",
        base: address.ip,
        server: `${relay.address.ip} ${transport}`,
      });
      const localPreference = localPreferenceOf(base.rank);
      this.#tell({
        type: "relay",
        protocol: "udp",
        tcpType: undefined,
        foundation,
        localPreference,
        priority: candidatePriority({
          type: "relay",
          protocol: "udp",
          relayProtocol: transport,
          localPreference,
        }),
        address,
        base: address,
        route,
        relatedAddress: isHidden ? HIDDEN_ADDRESS : mapped,
        hostname: undefined,
        isExposed: true,
        relayProtocol: transport,
        url: server.url,
      });
    }
  }

  #common(
    base: Base,
    type: "host" | "srflx",
    tcpType: IceTcpType | undefined,
    server?: string,
  ): Pick<LocalCandidate, "type" | "protocol" | "tcpType" | "foundation" | "localPreference" | "priority"> {
    const protocol = tcpType === undefined ? "udp" : "tcp";
    const localPreference = localPreferenceOf(base.rank, tcpType);
    return {
      type,
      protocol,
      tcpType,
      foundation: this.#foundations.of({ type, protocol, tcpType, base: base.ip, server }),
      localPreference,
      priority: candidatePriority({ type, protocol, localPreference }),
    };
  }

  /** RFC 8445 §5.1.3: of two with the same address and base the one that came first has the higher priority. */
  #tell(candidate: LocalCandidate): void {
    const { protocol, tcpType, address, base } = candidate;
    const key = `${protocol} ${tcpType} ${base.key} ${address.key}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#emit({ type: "candidate", candidate, generation: this.#generation });
  }

  // The end.

  #conclude(): void {
    if (this.#isClosed || this.#state !== "gathering") return;
    const isRelaying = this.#relays.some(({ route }) => route === undefined);
    if (this.#binds.size > 0 || this.#resolves.size > 0 || this.#queries.length > 0 || isRelaying) return;
    this.#setState("complete");
  }

  #setState(state: IceGatheringState): void {
    this.#state = state;
    this.#emit({ type: "stateChange", state, generation: this.#generation });
  }

  #emit(event: IceGathererEvent): void {
    if (!this.#events.push(event))
      this.#environment.log.error("an event of the ICE gatherer was lost", { type: event.type });
  }
}

function parseServers({ servers = [] }: IceGathererOptions): Server[] {
  const parsed = servers.flatMap(({ urls, username, credential }) => {
    const credentials =
      username === undefined || credential === undefined ? undefined : { username, password: credential };
    return urls.map((url) => {
      const result = safeParseStunUrl(url);
      if (typeof result === "string") throw new SyntaxError(`an ICE server's URL cannot be read: ${result}`);
      return { url, parsed: result, credentials, addresses: undefined };
    });
  });
  return parsed.slice(0, MAX_SERVERS);
}

/** draft-ietf-mmusic-mdns-ice-candidates §3.1.1: a version 4 UUID (RFC 4122) under `.local`. */
function createMdnsName(random: RandomSource): string {
  const bytes = randomBytes(random, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return `${parts.join("-")}.local`;
}
