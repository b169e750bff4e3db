import { isIP, type Socket } from "node:net";
import { createTurnServer, findRelayAddresses, type TurnMetric, type TurnServerHandle } from "@naru/turn";
import type { IssuedCredential } from "@naru/turn/core";
import type { IpAddress } from "@naru/webrtc/bytes";
import type { Platform } from "@naru/webrtc/platform";
import type { Logger } from "@naru/webrtc/sansio";
import type { NaruConfig } from "../config/schema.ts";
import { CHECK_CREDENTIAL_MS, TurnCredentials } from "./turn-credentials.ts";

/** A relay that stopped by a fault is made anew, and not faster than this. */
const RESTART_MS = 1_000;

/** As long as other connections have to say what they want; clients answer a challenge at once. */
const STRANGER_IDLE_MS = 10_000;

/** Shown under the name that it has without TURN too. */
const STUN_METRIC = "naru_turn_stun_requests_total";

/** STUN and TURN of the server: on the UDP port, and on the connections that begin with STUN. */
export class TurnRelay {
  readonly #platform: Platform;
  readonly #config: NaruConfig;
  readonly #log: Logger;
  readonly #credentials: TurnCredentials;
  readonly #stopWatching: () => void;
  #port: number;
  #server: TurnServerHandle | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(platform: Platform, config: NaruConfig, port: number, secret: string, log: Logger) {
    this.#platform = platform;
    this.#config = config;
    this.#port = port;
    this.#log = log;
    this.#credentials = new TurnCredentials(platform.crypto, secret);
    this.#stopWatching = platform.watchInterfaces(() => this.#followAddresses());
  }

  /**
   * Opens the UDP port.
   *
   * @param secret - Makes credentials.
   * @throws {Error} (rejects) the system's error when the port cannot be had.
   */
  static async start(
    platform: Platform,
    config: NaruConfig,
    port: number,
    secret: string,
    log: Logger,
  ): Promise<TurnRelay> {
    const relay = new TurnRelay(platform, config, port, secret, log);
    try {
      await relay.#open();
      return relay;
    } catch (error) {
      relay.close();
      throw error;
    }
  }

  /** Addresses that peers see. */
  get relayAddresses(): readonly { readonly bind: IpAddress; readonly advertise: IpAddress }[] {
    return this.#server?.relayAddresses ?? [];
  }

  /** All figures; none in the moment in which it is made anew. */
  get metrics(): readonly TurnMetric[] {
    return (this.#server?.metrics() ?? []).filter(({ name }) => name !== STUN_METRIC);
  }

  /** Binding requests by what became of them. */
  get stunRequests(): Readonly<Record<string, number>> {
    const samples = this.#server?.metrics().find(({ name }) => name === STUN_METRIC)?.samples ?? [];
    return Object.fromEntries(samples.map(({ labels, value }) => [labels["outcome"] ?? "", value]));
  }

  /** Serves a connection that begins with STUN, plain or TLS. */
  handleStream(socket: Socket): void {
    if (this.#server === undefined) socket.destroy();
    else this.#server.handleStream(socket);
  }

  /** A credential that is good until {@link end}. */
  issueForParticipant(participant: string): IssuedCredential {
    return this.#credentials.issueForParticipant(participant);
  }

  /** The participant has left: what it has on the relay ends, and it gets nothing new. */
  end(participant: string): void {
    this.#credentials.end(participant);
    this.#server?.revoke(participant);
  }

  /** A credential for somebody who checks the network; all that is made with it ends when it does. */
  issueForCheck(): IssuedCredential {
    const { user, ...credential } = this.#credentials.issueForCheck();
    setTimeout(() => this.#server?.revoke(user), CHECK_CREDENTIAL_MS).unref();
    return credential;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWatching();
    clearTimeout(this.#restart);
    this.#server?.close();
  }

  async #open(): Promise<void> {
    const { host, limits, turn } = this.#config;
    const address = await this.#listenAddress(host);
    const [first = 0, last = 0] = turn.ports.split("-").map(Number);
    const server = await createTurnServer({
      platform: this.#platform,
      log: this.#log,
      realm: turn.realm,
      credentials: this.#credentials,
      listen: [{ transport: "udp", port: this.#port, ...(address !== undefined && { address }) }],
      relay: this.#relayAddresses(address),
      ownAddresses: turn.publicAddresses,
      ports: { first, last },
      peers: { allow: turn.allowPeers, deny: turn.denyPeers },
      quota: {
        perUser: turn.allocationsPerParticipant,
        perAddress: turn.allocationsPerAddress,
        total: turn.allocations,
      },
      streams: {
        total: limits.connections,
        perAddress: limits.connectionsPerAddress,
        idleTimeoutMs: STRANGER_IDLE_MS,
      },
      limits: { bitrateBps: turn.bitrateKbps * 1_000 },
      tcpRelay: turn.tcpRelay,
      onError: (error) => this.#handleFailure(error),
    });
    if (this.#isClosed) {
      server.close();
      return;
    }
    this.#server = server;
    this.#port = server.addresses[0]?.address.port ?? this.#port;
  }

  /** The one address to listen on; undefined for all. */
  async #listenAddress(host: string | undefined): Promise<string | undefined> {
    if (host === undefined || host === "::") return undefined;
    const [address] = await this.#platform.resolve(host);
    return address?.toString();
  }

  /** The configured addresses, or those that the machine has, each as peers see it. */
  #relayAddresses(listenAddress: string | undefined): readonly { address: string; advertise?: string }[] {
    const { relayAddresses, publicAddresses } = this.#config.turn;
    const isOne = listenAddress !== undefined && listenAddress !== "0.0.0.0";
    const own = isOne
      ? [listenAddress]
      : findRelayAddresses(this.#platform.interfaces()).map(({ bind }) => bind.toString());
    return (relayAddresses.length > 0 ? relayAddresses : own).map((address) => {
      const advertise = publicAddresses.find((other) => isIP(other) === isIP(address));
      return { address, ...(advertise !== undefined && { advertise }) };
    });
  }

  #handleFailure(error: unknown): void {
    this.#server = undefined;
    if (this.#isClosed) return;
    this.#log.error("the TURN server has stopped; it is started again", { error: String(error) });
    clearTimeout(this.#restart);
    this.#restart = setTimeout(() => {
      this.#open().catch((reason: unknown) => this.#handleFailure(reason));
    }, RESTART_MS);
    this.#restart.unref();
  }

  /** On a laptop that has moved to another network the relay has to move along. */
  #followAddresses(): void {
    const isFixed = this.#config.host !== undefined || this.#config.turn.relayAddresses.length > 0;
    if (this.#server === undefined || isFixed) return;
    const present = this.#platform.interfaces().map(({ address }) => address);
    const isGone = this.#server.relayAddresses.some(({ bind }) => !present.some((ip) => ip.equals(bind)));
    const wasLoopback = this.#server.relayAddresses.every(({ bind }) => bind.isLoopback);
    const hasNetwork = present.some((ip) => !ip.isLoopback && !ip.isLinkLocal);
    if (!isGone && !(wasLoopback && hasNetwork)) return;
    this.#log.info("this machine's addresses have changed: the relay moves along");
    this.#server.close();
    this.#server = undefined;
    this.#open().catch((error: unknown) => this.#handleFailure(error));
  }
}
