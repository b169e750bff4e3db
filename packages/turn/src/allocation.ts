import type { IpFamily, SocketId, TransportAddress } from "@naru/webrtc/bytes";
import type { Millis, WheelEntry } from "@naru/webrtc/sansio";
import { ChannelTable } from "./channel-table.ts";
import type { UserRestrictions } from "./credentials/credentials.ts";
import { PermissionTable } from "./permission-table.ts";
import { TokenBucket } from "./token-bucket.ts";

/** How a client talks to the server. */
export type ClientTransport = "udp" | "tcp" | "tls";

/** One end of a client's way to the server: with the server's own end, the 5-tuple (RFC 8656 §3.2). */
export interface Client {
  /** The socket its datagrams come in on, or its stream. */
  readonly socket: SocketId;
  readonly address: TransportAddress;
  readonly transport: ClientTransport;
}

/** A relayed transport address. */
export interface Relay {
  readonly allocation: Allocation;
  readonly family: IpFamily;
  /** What peers see. */
  readonly address: TransportAddress;
  /** Of its UDP socket, or its TCP listener. */
  readonly socket: SocketId;
  expiresAt: Millis;
  readonly entry: WheelEntry;
}

/** Who makes an allocation. */
export interface Identity {
  readonly username: string;
  readonly user: string;
  readonly restrictions?: UserRestrictions | undefined;
}

/** What one allocation may use. */
export interface AllocationLimits {
  readonly permissions: number;
  readonly channels: number;
  /** Connections to peers of a TCP allocation (RFC 6062). */
  readonly connections: number;
  /** In each direction, in bits a second of relayed payload; what is above is dropped. */
  readonly bitrateBps: number;
}

/**
 * 32 permissions are more than the candidates of any peer; a channel is a peer's address and port. 50 Mbit/s lets a file go
 * fast and keeps one client from taking a whole line.
 */
export const DEFAULT_ALLOCATION_LIMITS: AllocationLimits = {
  permissions: 32,
  channels: 64,
  connections: 32,
  bitrateBps: 50_000_000,
};

/** Lets a key frame pass at once. */
const BURST_MS = 500;

/** What one client has at the server (RFC 8656 §6). */
export class Allocation {
  readonly client: Client;
  /** As the client authenticates (RFC 8656 §5). */
  readonly username: string;
  /** Who that is: quota and revocation go by it. */
  readonly user: string;
  /** It may reach relayed addresses of this server, and nothing else. */
  readonly relaysOnly: boolean;
  /** Of the Allocate request that made it: its repetition gets the same answer (RFC 8656 §7.2). Ours. */
  readonly transactionId: Uint8Array;
  readonly transport: "udp" | "tcp";
  readonly permissions: PermissionTable;
  readonly channels: ChannelTable;
  readonly fromClient: TokenBucket;
  readonly toClient: TokenBucket;
  /** Its relayed addresses, at most one of each family; none while they are being made. */
  readonly relays: Relay[] = [];
  /** Address object under which its last datagram came: sockets mostly give the same one. */
  seenAs: TransportAddress;

  constructor(
    client: Client,
    identity: Identity,
    transactionId: Uint8Array,
    transport: "udp" | "tcp",
    limits: AllocationLimits,
    now: Millis,
  ) {
    this.client = client;
    this.username = identity.username;
    this.user = identity.user;
    this.relaysOnly = identity.restrictions?.relaysOnly ?? false;
    this.transactionId = transactionId;
    this.transport = transport;
    this.permissions = new PermissionTable(limits.permissions);
    this.channels = new ChannelTable(limits.channels);
    const bitrateBps = Math.min(limits.bitrateBps, identity.restrictions?.bitrateBps ?? limits.bitrateBps);
    this.fromClient = new TokenBucket(bitrateBps, BURST_MS, now);
    this.toClient = new TokenBucket(bitrateBps, BURST_MS, now);
    this.seenAs = client.address;
  }

  /** The relayed address from which peers of a family are reached. */
  relayFor(family: IpFamily): Relay | undefined {
    const [first, second] = this.relays;
    if (first?.family === family) return first;
    return second?.family === family ? second : undefined;
  }
}
