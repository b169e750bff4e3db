import type { SocketId, TransportAddress } from "../bytes/index.ts";
import {
  type CandidateAttribute,
  IceAgent,
  type IceAgentEvent,
  type IceAgentOptions,
  type IceFailureReason,
  IceGatherer,
  type IceGathererAsk,
  type IceGathererEvent,
  type IceGathererOptions,
  judgeIce,
  type RemoteIceParameters,
} from "../ice/index.ts";
import type { Platform, PlatformTimer } from "../platform/index.ts";
import { type AskId, type Logger, SILENT_LOGGER } from "../sansio/index.ts";
import { looksLikeStun } from "../stun/index.ts";
import { IceRoutes, type IceRoutesOwner } from "./ice-routes.ts";

export interface IceDriverOptions {
  readonly agent: IceAgentOptions;
  readonly gatherer?: IceGathererOptions;
  /** Certificates of TURN servers to trust beside the system's, in PEM. */
  readonly ca?: readonly string[];
  readonly log?: Logger;
}

/** What is of interest outside: what agent and gatherer tell, without what they ask for. */
export type IceDriverEvent =
  | Extract<IceAgentEvent, { type: "stateChange" | "selectedPairChange" | "roleChange" }>
  | Extract<IceGathererEvent, { type: "candidate" | "serverError" }>
  | { readonly type: "gatheringStateChange"; readonly state: IceGatherer["state"] };

export interface IceDriverOwner {
  handleEvent(event: IceDriverEvent): void;
  /** What is no STUN and came from an address that has proved itself. Lent for the call. */
  handleData?(bytes: Uint8Array, route: SocketId, from: TransportAddress): void;
  /** A core threw (a bug): everything is closed. */
  handleError(error: Error): void;
}

/**
 * Runs an ICE agent and its gatherer on a platform: two of them, given each other's parameters and candidates, find a path
 * and keep it. A peer connection does the same with more behind it.
 *
 * @example
 * const ice = new IceDriver(platform, { agent: { role: "controlling" } }, owner);
 * ice.gather();
 * ice.setRemoteParameters(other.agent.localParameters);
 */
export class IceDriver {
  readonly agent: IceAgent;
  readonly gatherer: IceGatherer;
  /** Packets from addresses that have not proved themselves. */
  unvalidatedCount = 0;
  readonly #platform: Platform;
  readonly #owner: IceDriverOwner;
  readonly #timer: PlatformTimer;
  readonly #routes: IceRoutes;
  readonly #names = new Map<string, () => void>();
  #stopWatching: () => void = () => undefined;
  #isPumping = false;
  #isClosed = false;

  /** @throws {SyntaxError} when the URL of a server cannot be read. */
  constructor(platform: Platform, options: IceDriverOptions, owner: IceDriverOwner) {
    const { log = SILENT_LOGGER, ca } = options;
    const environment = { crypto: platform.crypto, random: platform.random, log };
    this.#platform = platform;
    this.#owner = owner;
    this.agent = new IceAgent(environment, options.agent);
    this.gatherer = new IceGatherer(environment, options.gatherer);
    this.#routes = new IceRoutes(platform, this.#routesOwner, { log, ...(ca && { ca }) });
    this.#timer = platform.createTimer(() =>
      this.#turn(() => {
        this.agent.handleTimeout(platform.now());
        this.gatherer.handleTimeout(platform.now());
      }),
    );
  }

  /** Begins to gather candidates, which come as events, and goes on while interfaces change. */
  gather(): void {
    const { gatherer } = this;
    this.#turn(() => gatherer.start(this.#platform.interfaces()));
    this.#stopWatching = this.#platform.watchInterfaces(() =>
      this.#turn(() => gatherer.setInterfaces(this.#platform.interfaces())),
    );
  }

  /** As `IceAgent.setRemoteParameters`, and throws what it throws. */
  setRemoteParameters(parameters: RemoteIceParameters): void {
    this.agent.setRemoteParameters(parameters, this.#platform.now());
    this.#pump();
  }

  /** As `IceAgent.addRemoteCandidate`. */
  addRemoteCandidate(attribute: CandidateAttribute): string | undefined {
    const reason = this.agent.addRemoteCandidate(attribute, this.#platform.now());
    this.#pump();
    return reason;
  }

  /** The other side has named all its candidates. */
  endRemoteCandidates(): void {
    this.#turn(() => this.agent.endRemoteCandidates(this.#platform.now()));
  }

  /** New parameters, and all candidates anew; the old path carries data until there is a new one. */
  restart(): void {
    this.#turn(() => {
      this.agent.restart(this.#platform.now());
      this.gatherer.restart();
    });
  }

  /** Sends data by the selected pair; false when there is none. `bytes` are not to be written to any more. */
  send(bytes: Uint8Array): boolean {
    const pair = this.agent.selectedPair;
    if (pair?.route === undefined || this.#isClosed) return false;
    this.agent.countSent(bytes.length, this.#platform.now());
    this.#routes.send({ bytes, to: pair.remote.address, socket: pair.route });
    return true;
  }

  /** Why there is no path. */
  judge(): IceFailureReason {
    return judgeIce(this.agent.facts(), this.gatherer.serverErrors);
  }

  /** Closes everything; repeated calls are harmless. */
  close(): void {
    if (this.#isClosed) return;
    this.agent.close();
    this.gatherer.close();
    this.#pump();
    this.#release();
  }

  #release(): void {
    this.#isClosed = true;
    this.#stopWatching();
    this.#timer.close();
    this.#routes.close();
    for (const withdraw of this.#names.values()) withdraw();
    this.#names.clear();
  }

  /** Gives the cores something, then drains them. */
  #turn(body: () => void): void {
    if (this.#isClosed) return;
    this.#guard(body);
    this.#pump();
  }

  #pump(): void {
    // An event's handler may give a command and pump: the loop that is running drains that as well.
    if (this.#isPumping || this.#isClosed) return;
    this.#isPumping = true;
    this.#guard(() => this.#drain());
    this.#isPumping = false;
    if (this.#isClosed) return;
    this.#guard(() => this.#timer.arm(Math.min(this.agent.pollTimeout(), this.gatherer.pollTimeout())));
  }

  #drain(): void {
    const { agent, gatherer } = this;
    while (!this.#isClosed) {
      for (let out = gatherer.pollTransmit(); out !== undefined; out = gatherer.pollTransmit()) {
        this.#routes.send(out);
      }
      for (let out = agent.pollTransmit(); out !== undefined; out = agent.pollTransmit())
        this.#routes.send(out);
      const gathered = gatherer.pollEvent();
      if (gathered !== undefined) {
        this.#handleGathererEvent(gathered);
        continue;
      }
      const event = agent.pollEvent();
      if (event === undefined) return;
      this.#handleAgentEvent(event);
    }
  }

  #handleGathererEvent(event: IceGathererEvent): void {
    const now = this.#platform.now();
    switch (event.type) {
      case "bindUdp":
      case "listenTcp":
      case "allocate":
        this.#routes.perform(event);
        return;
      case "resolve":
        void this.#resolveServer(event);
        return;
      case "closeRoute":
        this.agent.removeRoute(event.route, now);
        this.#routes.closeRoute(event.route);
        return;
      case "announceName": {
        const withdraw = this.#platform.mdns?.announce(event.hostname, event.address);
        if (withdraw !== undefined) this.#names.set(event.hostname, withdraw);
        return;
      }
      case "withdrawName":
        this.#names.get(event.hostname)?.();
        this.#names.delete(event.hostname);
        return;
      case "candidate":
        this.agent.addLocalCandidate(event.candidate, now);
        if (event.candidate.isExposed) this.#owner.handleEvent(event);
        return;
      case "serverError":
        this.#owner.handleEvent(event);
        return;
      case "stateChange":
        if (event.state === "complete") this.agent.endLocalCandidates(now);
        this.#owner.handleEvent({ type: "gatheringStateChange", state: event.state });
        return;
      default:
        event satisfies never;
    }
  }

  #handleAgentEvent(event: IceAgentEvent): void {
    switch (event.type) {
      case "resolve":
        void this.#resolvePeer(event.id, event.hostname);
        return;
      case "connect":
        void this.#routes.connect(event);
        return;
      case "disconnect":
        this.#routes.closeRoute(event.route);
        return;
      case "stateChange":
      case "selectedPairChange":
      case "roleChange":
        this.#owner.handleEvent(event);
        return;
      default:
        event satisfies never;
    }
  }

  async #resolveServer({ id, hostname }: Extract<IceGathererAsk, { type: "resolve" }>): Promise<void> {
    const ips = await this.#platform.resolve(hostname).catch(() => []);
    this.#turn(() => this.gatherer.handleResolved(id, ips));
  }

  async #resolvePeer(id: AskId, hostname: string): Promise<void> {
    const ip = await this.#platform.mdns?.resolve(hostname);
    this.#turn(() => this.agent.handleResolved(id, ip, this.#platform.now()));
  }

  readonly #routesOwner: IceRoutesOwner = {
    handleDatagram: (datagram) => {
      if (this.#isClosed) return;
      this.#guard(() => {
        const now = this.#platform.now();
        const { bytes, from, socket } = datagram;
        if (looksLikeStun(bytes)) {
          if (!this.gatherer.receive(datagram, now)) this.agent.handleInput(datagram, now);
        } else if (this.agent.isValidated(socket, from)) {
          this.agent.countReceived(socket, from, bytes.length, now);
          this.#owner.handleData?.(bytes, socket, from);
        } else this.unvalidatedCount++;
      });
    },
    handleBatchEnd: () => this.#pump(),
    handleStream: (route, listener) => this.agent.addStream(route, listener),
    handleRouteLost: (route) =>
      this.#turn(() => {
        this.gatherer.handleRouteLost(route);
        this.agent.removeRoute(route, this.#platform.now());
      }),
    handleBound: (id, route, address) => this.#turn(() => this.gatherer.handleBound(id, route, address)),
    handleBindFailure: (id, detail) => this.#turn(() => this.gatherer.handleBindFailure(id, detail)),
    handleAllocated: (id, route, relayed, mapped) =>
      this.#turn(() => this.gatherer.handleAllocated(id, route, relayed, mapped)),
    handleAllocationEnd: (id, end) => this.#turn(() => this.gatherer.handleAllocationEnd(id, end)),
    handleConnected: (id, route) =>
      this.#turn(() => this.agent.handleConnected(id, route, this.#platform.now())),
    handleConnectFailure: (id) => this.#turn(() => this.agent.handleConnectFailure(id, this.#platform.now())),
  };

  #guard(body: () => void): void {
    if (this.#isClosed) return;
    try {
      body();
    } catch (error) {
      this.#release();
      this.#owner.handleError(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
