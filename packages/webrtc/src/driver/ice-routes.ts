import type { IncomingDatagram, OutgoingDatagram, SocketId, TransportAddress } from "../bytes/index.ts";
import { framePacket, type IceAgentEvent, type IceGathererAsk, PacketDeframer } from "../ice/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import type { Platform, StreamHandler, StreamIo, StreamListener, UdpIo } from "../platform/index.ts";
import { type AskId, type Logger, SILENT_LOGGER } from "../sansio/index.ts";
import type { TurnEnd } from "../turn/index.ts";
import { runTurnAllocation, type TurnDriver } from "./turn-driver.ts";

/** What the routes of an agent tell whoever runs it. */
export interface IceRoutesOwner {
  /** One datagram; lent for the call. */
  handleDatagram(datagram: IncomingDatagram): void;
  /** What has arrived has been handed over: time to flush what it brought about. */
  handleBatchEnd(): void;
  /** A TCP connection came to a listening route; false when nobody wants it. */
  handleStream(route: SocketId, listener: SocketId): boolean;
  /** A route is gone, by no wish of ours. */
  handleRouteLost(route: SocketId): void;
  /** Answers of the asks, in the words of the gatherer and the agent. */
  handleBound(id: AskId, route: SocketId, address: TransportAddress): void;
  handleBindFailure(id: AskId, detail: string): void;
  handleAllocated(
    id: AskId,
    route: SocketId,
    relayed: readonly TransportAddress[],
    mapped: TransportAddress,
  ): void;
  handleAllocationEnd(id: AskId, end: TurnEnd): void;
  handleConnected(id: AskId, route: SocketId): void;
  handleConnectFailure(id: AskId): void;
}

export interface IceRoutesOptions {
  /** Certificates of TURN servers to trust beside the system's, in PEM. */
  readonly ca?: readonly string[] | undefined;
  readonly log?: Logger;
}

/** A direct TCP connection that takes longer is not worth waiting for: relays are up by then. */
const CONNECT_TIMEOUT_MS = 5_000;

/** What may wait in a stream before data is lost: a quarter of a second of a video call at 2 Mbit/s. */
const MAX_BUFFERED_BYTES = 65_536;

/** Ports tried in a range before a bind fails. */
const MAX_BIND_ATTEMPTS = 32;

/** One way out: a UDP socket, a TURN allocation, a TCP connection, or a TCP listener. */
interface Route {
  send(bytes: Uint8Array, to: TransportAddress): void;
  sendSlot(slot: PacketSlot, to: TransportAddress): void;
  close(): void;
}

/** Opens, uses and closes the sockets, relays and connections of one ICE agent. */
export class IceRoutes {
  readonly #platform: Platform;
  readonly #owner: IceRoutesOwner;
  readonly #options: IceRoutesOptions;
  readonly #routes = new Map<SocketId, Route>();
  /** Relays that are being allocated. */
  readonly #pending = new Set<TurnDriver>();
  #nextRoute: SocketId = 1;
  #isClosed = false;

  constructor(platform: Platform, owner: IceRoutesOwner, options: IceRoutesOptions = {}) {
    this.#platform = platform;
    this.#owner = owner;
    this.#options = options;
  }

  /** Does what a gatherer asks for, but for names. The owner is told the outcome. */
  perform(ask: Exclude<IceGathererAsk, { type: "resolve" }>): void {
    switch (ask.type) {
      case "bindUdp":
        void this.#bindUdp(ask);
        return;
      case "listenTcp":
        void this.#listen(ask);
        return;
      case "allocate":
        this.#allocate(ask);
        return;
      default:
        ask satisfies never;
    }
  }

  /** Opens a TCP connection for an agent. The owner is told the outcome. */
  async connect({ id, local, to }: Extract<IceAgentEvent, { type: "connect" }>): Promise<void> {
    const route = this.#nextRoute++;
    const framed = new FramedRoute(route, this.#routeOwner);
    try {
      const { ip } = local.base;
      const options = { address: to, localAddress: ip, timeoutMs: CONNECT_TIMEOUT_MS };
      framed.start(await this.#platform.connectStream(options, framed));
      if (this.#add(route, framed)) this.#owner.handleConnected(id, route);
    } catch {
      if (!this.#isClosed) this.#owner.handleConnectFailure(id);
    }
  }

  /** Sends a datagram by the route that it names; without one it is lost. */
  send({ bytes, to, socket }: OutgoingDatagram): void {
    this.#routes.get(socket)?.send(bytes, to);
  }

  /** The same for a slot with its address and socket set; it is taken over. */
  sendSlot(slot: PacketSlot): void {
    const route = this.#routes.get(slot.socket);
    if (route === undefined || slot.to === undefined) slot.arena.release(slot);
    else route.sendSlot(slot, slot.to);
  }

  /** Closes one route. */
  closeRoute(route: SocketId): void {
    this.#routes.get(route)?.close();
    this.#routes.delete(route);
  }

  /** Closes everything; repeated calls are harmless. */
  close(): void {
    this.#isClosed = true;
    for (const route of this.#routes.values()) route.close();
    for (const driver of this.#pending) driver.destroy();
    this.#routes.clear();
    this.#pending.clear();
  }

  /** Takes a route in; false, and it is closed, when everything is. */
  #add(id: SocketId, route: Route): boolean {
    if (this.#isClosed) route.close();
    else this.#routes.set(id, route);
    return !this.#isClosed;
  }

  async #bindUdp({ id, address, ports }: Extract<IceGathererAsk, { type: "bindUdp" }>): Promise<void> {
    const socket = this.#nextRoute++;
    try {
      const udp = await this.#tryPorts(ports, (port) =>
        this.#platform.bindUdp(
          { address, port },
          {
            handleDatagram: (bytes, from) => this.#owner.handleDatagram({ bytes, from, socket }),
            handleBatchEnd: () => this.#owner.handleBatchEnd(),
            handleError: () => this.#lose(socket),
          },
        ),
      );
      if (this.#add(socket, udpRoute(udp))) this.#owner.handleBound(id, socket, udp.localAddress);
    } catch (error) {
      this.#failBind(id, error);
    }
  }

  async #listen({ id, address, ports }: Extract<IceGathererAsk, { type: "listenTcp" }>): Promise<void> {
    const listener = this.#nextRoute++;
    try {
      const socket = await this.#tryPorts(ports, (port) =>
        this.#platform.listenStream({ address, port }, (stream) => this.#accept(stream, listener)),
      );
      if (this.#add(listener, listenerRoute(socket))) {
        this.#owner.handleBound(id, listener, socket.localAddress);
      }
    } catch (error) {
      this.#failBind(id, error);
    }
  }

  #failBind(id: AskId, error: unknown): void {
    if (this.#isClosed) return;
    this.#owner.handleBindFailure(id, error instanceof Error ? error.message : String(error));
  }

  #accept(stream: StreamIo, listener: SocketId): StreamHandler {
    const route = this.#nextRoute++;
    const framed = new FramedRoute(route, this.#routeOwner);
    framed.start(stream);
    if (this.#isClosed || !this.#owner.handleStream(route, listener)) stream.destroy();
    else this.#routes.set(route, framed);
    return framed;
  }

  /** Any port, or random ones of a range until one is free. */
  async #tryPorts<T>(
    ports: { readonly min: number; readonly max: number } | undefined,
    bind: (port: number) => Promise<T>,
  ): Promise<T> {
    if (ports === undefined) return bind(0);
    const count = ports.max - ports.min + 1;
    const [high = 0, low = 0] = this.#platform.random.fill(new Uint8Array(2));
    const start = (high << 8) | low;
    for (let attempt = 0; ; attempt++) {
      try {
        return await bind(ports.min + ((start + attempt) % count));
      } catch (error) {
        if (attempt + 1 >= Math.min(count, MAX_BIND_ATTEMPTS)) throw error;
      }
    }
  }

  #allocate(ask: Extract<IceGathererAsk, { type: "allocate" }>): void {
    const { id, server, transport, serverName, credentials, family, localAddress } = ask;
    const route = this.#nextRoute++;
    const { log = SILENT_LOGGER, ca } = this.#options;
    const options = {
      server,
      transport,
      serverName,
      log,
      ca,
      localAddress,
      ...(credentials && { credentials }),
      ...(family && { family }),
    };
    const driver = runTurnAllocation(this.#platform, options, {
      handleEvent: (event) => {
        if (event.type === "allocated") {
          this.#pending.delete(driver);
          const { relayedAddresses, mappedAddress } = event;
          if (!this.#add(route, relayRoute(driver))) return;
          this.#owner.handleAllocated(id, route, relayedAddresses, mappedAddress);
        } else if (event.type === "closed") {
          this.#pending.delete(driver);
          const isOurs = this.#routes.delete(route);
          // Released by us: nobody waits for the news.
          if (this.#isClosed || (!isOurs && event.end.reason === "released")) return;
          this.#owner.handleAllocationEnd(id, event.end);
        }
      },
      handleData: ({ peer, bytes }) => {
        this.#owner.handleDatagram({ bytes, from: peer, socket: route });
        this.#owner.handleBatchEnd();
      },
      handleError: (error) => {
        log.error("a TURN allocation has stopped", { error: error.stack ?? String(error) });
        this.#pending.delete(driver);
        this.#lose(route);
      },
    });
    if (!this.#routes.has(route)) this.#pending.add(driver);
  }

  #lose(route: SocketId): void {
    this.#routes.delete(route);
    if (!this.#isClosed) this.#owner.handleRouteLost(route);
  }

  readonly #routeOwner: FramedRouteOwner = {
    handleDatagram: (datagram) => this.#owner.handleDatagram(datagram),
    handleBatchEnd: () => this.#owner.handleBatchEnd(),
    handleClose: (route) => this.#lose(route),
  };
}

function udpRoute(udp: UdpIo): Route {
  return {
    send: (bytes, to) => udp.send(bytes, to),
    sendSlot: (slot) => udp.sendSlot(slot),
    close: () => udp.close(),
  };
}

function relayRoute(driver: TurnDriver): Route {
  return {
    send: (bytes, to) => void driver.send(to, bytes),
    sendSlot: (slot, to) => void driver.sendSlot(to, slot),
    close: () => driver.close(),
  };
}

/** Its connections are routes of their own. */
function listenerRoute(listener: StreamListener): Route {
  return {
    send: () => undefined,
    sendSlot: (slot) => slot.arena.release(slot),
    close: () => listener.close(),
  };
}

interface FramedRouteOwner {
  handleDatagram(datagram: IncomingDatagram): void;
  handleBatchEnd(): void;
  handleClose(route: SocketId): void;
}

/** A TCP connection whose packets have their length in front (RFC 4571). */
class FramedRoute implements Route, StreamHandler {
  readonly #route: SocketId;
  readonly #owner: FramedRouteOwner;
  readonly #deframer = new PacketDeframer();
  #stream: StreamIo | undefined;
  #isClosed = false;

  constructor(route: SocketId, owner: FramedRouteOwner) {
    this.#route = route;
    this.#owner = owner;
  }

  start(stream: StreamIo): void {
    this.#stream = stream;
  }

  send(bytes: Uint8Array): void {
    const stream = this.#stream;
    // A stream that is congested loses packets, as a network would; more would only arrive too late.
    if (stream === undefined || stream.bufferedBytes > MAX_BUFFERED_BYTES) return;
    stream.write(framePacket(bytes));
  }

  sendSlot(slot: PacketSlot): void {
    this.send(slot.bytes.subarray(slot.start, slot.end));
    slot.arena.release(slot);
  }

  close(): void {
    this.#isClosed = true;
    this.#stream?.close();
  }

  handleData(bytes: Uint8Array): void {
    const stream = this.#stream;
    if (stream === undefined || this.#isClosed) return;
    this.#deframer.push(bytes);
    for (let packet = this.#deframer.next(); packet !== undefined; packet = this.#deframer.next()) {
      this.#owner.handleDatagram({ bytes: packet, from: stream.remoteAddress, socket: this.#route });
    }
    if (this.#deframer.isBroken) stream.destroy();
    this.#owner.handleBatchEnd();
  }

  handleDrain(): void {}

  handleClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owner.handleClose(this.#route);
  }
}
