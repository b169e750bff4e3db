import type { OutgoingDatagram } from "../bytes/index.ts";
import { type IpFamily, type TransportAddress, utf8Length } from "../bytes/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import {
  ADDITIONAL_ADDRESS_FAMILY,
  attributeValue,
  DONT_FRAGMENT,
  EVEN_PORT,
  LIFETIME,
  type LongTermCredentials,
  REQUESTED_ADDRESS_FAMILY,
  REQUESTED_TRANSPORT,
  RESERVATION_TOKEN,
  SOFTWARE,
  type StunAttributeValue,
  type TransactionOptions,
} from "../stun/index.ts";
import { RelayTransport } from "./attributes.ts";

/** How a TURN server is reached (RFC 8656 §3.1). */
export type TurnTransport = "udp" | "tcp" | "tls";

/** What a TURN client sends: an owned message, or on the packet path a slot that whoever takes it has to release. */
export type TurnTransmit = OutgoingDatagram | PacketSlot;

/** Where a TURN server is and who asks it. */
export interface TurnClientOptions {
  readonly server: TransportAddress;
  readonly transport: TurnTransport;
  /** The name that the server's certificate has to be for; used with TLS only. */
  readonly serverName?: string;
  /** Used when the server asks for credentials, as nearly all do. */
  readonly credentials?: LongTermCredentials;
  /** Seconds the allocation shall live without being refreshed; the server's choice when left out. */
  readonly lifetimeSeconds?: number;
  /** Name of the program, told to the server when it is asked for an allocation and in refreshes. */
  readonly software?: string;
  /** Timing of requests; the standard's where left out. */
  readonly transaction?: Partial<Omit<TransactionOptions, "reliable">>;
}

/** What to ask of the relay, beyond an IPv4 address (RFC 8656 §7.1). */
export interface TurnAllocationOptions extends TurnClientOptions {
  /** Family of the relayed address; `both` for one of each. IPv4 when left out. */
  readonly family?: IpFamily | "both";
  /** `even`: an even port. `pair`: an even port, with the next higher one reserved for another allocation. */
  readonly port?: "even" | "pair";
  /** The token of a reserved port, which this allocation takes: 8 bytes. */
  readonly reservationToken?: Uint8Array;
  /** Ask the relay to set DF on what it sends, where it can: without it, {@link TurnTransmit}s may be fragmented. */
  readonly dontFragment?: boolean;
  /**
   * So many packets to a peer before a channel is bound to it. A candidate pair that does not work sees fewer checks than
   * this, and a call reaches it at once.
   */
  readonly packetsBeforeChannel?: number;
  /** A Binding indication keeps the NATs open on the way to the server when nothing was sent for so long; UDP only. */
  readonly keepAliveMs?: number;
}

/** Between the checks of a candidate pair and the first second of a call. */
export const DEFAULT_PACKETS_BEFORE_CHANNEL = 8;

/** RFC 8445 §11 (Tr): 15 seconds, below what NATs keep a mapping for. */
export const DEFAULT_KEEP_ALIVE_MS = 15_000;

/** RFC 8656 §5: "The client SHOULD include the SOFTWARE attribute". No version: it helps nobody but attackers. */
export const DEFAULT_SOFTWARE = "naru";

/** Attributes of an Allocate request for UDP (RFC 8656 §7.1). */
export function allocateAttributes(
  options: TurnAllocationOptions,
  dontFragment: boolean,
): StunAttributeValue[] {
  const { family, port, reservationToken } = options;
  const attributes = [attributeValue(REQUESTED_TRANSPORT, RelayTransport.udp)];
  // RFC 8656 §7.1: ADDITIONAL-ADDRESS-FAMILY is always IPv6, beside the IPv4 that comes without asking.
  if (family === "both") attributes.push(attributeValue(ADDITIONAL_ADDRESS_FAMILY, 6));
  else if (family !== undefined) attributes.push(attributeValue(REQUESTED_ADDRESS_FAMILY, family));
  if (port !== undefined) attributes.push(attributeValue(EVEN_PORT, port === "pair"));
  if (reservationToken !== undefined) attributes.push(attributeValue(RESERVATION_TOKEN, reservationToken));
  if (dontFragment) attributes.push(attributeValue(DONT_FRAGMENT, true));
  return [...attributes, ...commonAttributes(options)];
}

/** What Allocate requests for UDP and TCP have in common. */
export function commonAttributes(options: TurnClientOptions): StunAttributeValue[] {
  const { lifetimeSeconds, software = DEFAULT_SOFTWARE } = options;
  return [
    ...(lifetimeSeconds === undefined ? [] : [attributeValue(LIFETIME, lifetimeSeconds)]),
    attributeValue(SOFTWARE, software),
  ];
}

/**
 * Refuses options that cannot be.
 *
 * @throws {TypeError} when two of them exclude each other (RFC 8656 §7.1).
 * @throws {RangeError} when one has a value it cannot have.
 */
export function checkClientOptions(options: TurnClientOptions): void {
  const { lifetimeSeconds, software = "", serverName, transport } = options;
  if (lifetimeSeconds !== undefined && !isBetween(lifetimeSeconds, 1, 0xffff_ffff)) {
    throw new RangeError(`lifetimeSeconds is an integer from 1 to 4294967295, got ${lifetimeSeconds}`);
  }
  if (utf8Length(software) > 509) throw new RangeError("software has at most 509 bytes of UTF-8");
  if (transport === "tls" && serverName === undefined) {
    throw new TypeError("TURN over TLS needs serverName: the name its certificate is checked for");
  }
}

/** The same for an allocation for UDP; throws like {@link checkClientOptions}. */
export function checkAllocationOptions(options: TurnAllocationOptions): void {
  checkClientOptions(options);
  const { family, port, reservationToken, packetsBeforeChannel, keepAliveMs } = options;
  if (reservationToken !== undefined && (port !== undefined || family !== undefined)) {
    throw new TypeError(
      "a reservationToken excludes family and port: the reserved address has both (RFC 8656 §7.1)",
    );
  }
  if (family === "both" && port === "pair") {
    throw new TypeError('family "both" excludes port "pair": there is one reservation token (RFC 8656 §7.1)');
  }
  if (reservationToken !== undefined && reservationToken.length !== 8) {
    throw new RangeError(`a reservationToken has 8 bytes, got ${reservationToken.length}`);
  }
  for (const value of [packetsBeforeChannel ?? 1, keepAliveMs ?? 1]) {
    if (!(value > 0)) throw new RangeError(`packetsBeforeChannel and keepAliveMs are above 0, got ${value}`);
  }
}

function isBetween(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
