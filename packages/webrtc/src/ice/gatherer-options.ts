import type { IpAddress } from "../bytes/index.ts";
import type { TransactionOptions } from "../stun/index.ts";

/** An address of this host; `NetworkInterface` of the platform layer, which this layer does not know, is one. */
export interface IceInterface {
  readonly name: string;
  readonly address: IpAddress;
}

/** STUN or TURN servers that share credentials, as `RTCIceServer` has them. */
export interface IceServerOptions {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/**
 * Which addresses are told to others (RFC 8828 §5.2). `all` is its mode 1. `default-route` is mode 3: sockets are bound to no
 * interface, and host addresses are told to nobody. `relay-tcp` is mode 4: relays over TCP or TLS only, as with a proxy.
 * Mode 2 would have to know the address of the default route, which Node does not tell.
 */
export type IceAddressPolicy = "all" | "default-route" | "relay-tcp";

export interface IceGathererOptions {
  readonly servers?: readonly IceServerOptions[];
  /** `relay`: candidates of TURN servers and no others (`RTCIceTransportPolicy`). */
  readonly transportPolicy?: "all" | "relay";
  readonly addressPolicy?: IceAddressPolicy;
  /** Which addresses may be used, beside those that never make sense. */
  readonly interfaceFilter?: (candidate: IceInterface) => boolean;
  /** Loopback addresses too. Without it they are used where there are no others, as on a machine without a network. */
  readonly includesLoopback?: boolean;
  /** Names of mDNS in place of host addresses (draft-ietf-mmusic-mdns-ice-candidates). */
  readonly usesMdns?: boolean;
  /** TCP candidates (RFC 6544) that connect, and such that are connected to. By default only the former. */
  readonly tcp?: { readonly active?: boolean; readonly passive?: boolean };
  /** Local ports, both included. */
  readonly ports?: { readonly min: number; readonly max: number };
  /** Timing of the questions to STUN servers. */
  readonly transaction?: Partial<TransactionOptions>;
}

/**
 * A server is asked at 0, 0.25, 0.75, 1.75 and 3.75 s and given up at 5.75 s. A server that answers at all answers the
 * first or second; the standard's 39.5 s would keep the end of candidates back for as long.
 */
export const DEFAULT_GATHERING_TRANSACTION: Partial<TransactionOptions> = {
  rtoMs: 250,
  maxSends: 5,
  lastWaitFactor: 8,
};
