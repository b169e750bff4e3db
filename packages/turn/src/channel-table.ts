import type { TransportAddress } from "@naru/webrtc/bytes";
import type { Millis } from "@naru/webrtc/sansio";
import { CHANNEL_LIFETIME_MS } from "@naru/webrtc/turn";
import type { PeerVerdict } from "./peer-guard.ts";
import type { Permission } from "./permission-table.ts";

/** A number that stands for a peer (RFC 8656 §12), with what the packet path needs to know of it. */
export interface Channel {
  readonly number: number;
  readonly peer: TransportAddress;
  expiresAt: Millis;
  permission: Permission;
  /** What the guard said of the peer, and as of when: asked again when anything has changed. */
  verdict: PeerVerdict;
  verdictVersion: number;
}

/** Why a channel cannot be bound (RFC 8656 §12.2). */
export type ChannelRefusal = "number-taken" | "peer-taken" | "full";

/** The channels of one allocation. */
export class ChannelTable {
  readonly #maximum: number;
  readonly #byNumber = new Map<number, Channel>();
  /** In the order of their binding; few enough to look through. */
  readonly #list: Channel[] = [];

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The living channel of that number. */
  find(number: number, now: Millis): Channel | undefined {
    const channel = this.#byNumber.get(number);
    return channel !== undefined && channel.expiresAt > now ? channel : undefined;
  }

  /** The living channel bound to a peer. Allocates nothing: it is asked for every packet. */
  findPeer(peer: TransportAddress, now: Millis): Channel | undefined {
    for (const channel of this.#list) {
      if (channel.peer.equals(peer) && channel.expiresAt > now) return channel;
    }
    return undefined;
  }

  /** Whether the binding would break a rule of RFC 8656 §12.2; undefined when it may be made or refreshed. */
  check(number: number, peer: TransportAddress, now: Millis): ChannelRefusal | undefined {
    const bound = this.find(number, now);
    if (bound !== undefined) return bound.peer.equals(peer) ? undefined : "number-taken";
    if (this.findPeer(peer, now) !== undefined) return "peer-taken";
    this.#remove((channel) => channel.expiresAt <= now);
    return this.#list.length < this.#maximum ? undefined : "full";
  }

  /** Binds or refreshes what {@link check} has found right. */
  bind(
    number: number,
    peer: TransportAddress,
    permission: Permission,
    verdict: PeerVerdict,
    now: Millis,
  ): void {
    const expiresAt = now + CHANNEL_LIFETIME_MS;
    const bound = this.find(number, now);
    if (bound !== undefined) {
      bound.expiresAt = expiresAt;
      bound.permission = permission;
      return;
    }
    const channel: Channel = { number, peer, expiresAt, permission, verdict, verdictVersion: -1 };
    this.#byNumber.set(number, channel);
    this.#list.push(channel);
  }

  /** RFC 8656 §8.1: with the relayed address of one family go its channels. */
  removeFamily(family: 4 | 6): void {
    this.#remove(({ peer }) => peer.family === family);
  }

  #remove(isGone: (channel: Channel) => boolean): void {
    for (const channel of this.#list) if (isGone(channel)) this.#byNumber.delete(channel.number);
    this.#list.splice(0, this.#list.length, ...this.#list.filter((channel) => !isGone(channel)));
  }
}
