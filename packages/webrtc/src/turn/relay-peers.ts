import type { TransportAddress } from "../bytes/index.ts";
import { type AskId, type Millis, type RandomSource, randomUnit } from "../sansio/index.ts";
import {
  attributeValue,
  CHANNEL_NUMBER,
  type StunClientEvent,
  StunErrorNumber,
  StunMethod,
  type StunRequest,
  XOR_PEER_ADDRESS,
} from "../stun/index.ts";
import { FIRST_CHANNEL_NUMBER, LAST_CHANNEL_NUMBER } from "./channel-data.ts";
import type { ClientPermission } from "./client-permissions.ts";
import { CHANNEL_LIFETIME_MS, CHANNEL_QUARANTINE_MS } from "./lifetimes.ts";

/** Somebody whom data is sent to through the relay, and the channel that is bound for it (RFC 8656 §12). */
export interface RelayPeer {
  readonly address: TransportAddress;
  permission: ClientPermission;
  /** Packets sent to it, up to the number that earns it a channel. */
  sent: number;
  usedAt: Millis;
  /** Its number for as long as it is remembered; 0 while it has none. */
  channel: number;
  /** Bound until then; in the past when it is not. */
  boundUntil: Millis;
  /** Number and address may not be bound to others before then, as far as the server may know. */
  heldUntil: Millis;
  /** When to bind the channel, or to refresh the binding. */
  dueAt: Millis;
  isAsked: boolean;
  /** The owner knows that it has a channel. */
  isAnnounced: boolean;
  /** The server does not bind a channel for it: Send indications do. */
  isRefused: boolean;
}

/** Peers of one allocation that are remembered: each candidate of the other side that was tried is one. */
export const MAX_RELAY_PEERS = 256;

/** Requests under way at once. */
const MAX_REQUESTS = 8;

const REFRESH_MARGIN_MS = 60_000;
const REFRESH_JITTER_MS = 30_000;
const RETRY_MS = 5_000;

/** How long a request may be under way (RFC 8489 §6.2.1: 39.5 seconds). */
const REQUEST_MS = 40_000;

/**
 * The peers of one allocation. A peer has one channel number for as long as it is remembered, and is forgotten no
 * earlier than a number may serve another: five minutes after its binding has expired (RFC 8656 §12).
 */
export class RelayPeers {
  readonly #random: RandomSource;
  readonly #peers = new Map<string, RelayPeer>();
  readonly #byChannel: (RelayPeer | undefined)[] = [];
  readonly #asked = new Map<AskId, RelayPeer>();
  /** Numbers of forgotten peers, free to be used. */
  readonly #freeChannels: number[] = [];
  #nextChannel = FIRST_CHANNEL_NUMBER;
  /** No peer is due before this moment: it is looked for again when this has passed. */
  #nextDue: Millis = Number.POSITIVE_INFINITY;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  find(address: TransportAddress): RelayPeer | undefined {
    return this.#peers.get(address.key);
  }

  /** The peer that a channel was given to, once its binding has been asked for. */
  findByChannel(channel: number): RelayPeer | undefined {
    return this.#byChannel[channel - FIRST_CHANNEL_NUMBER];
  }

  /** A peer not known yet; undefined when there are too many. */
  add(address: TransportAddress, permission: ClientPermission, now: Millis): RelayPeer | undefined {
    if (this.#peers.size >= MAX_RELAY_PEERS && !this.#forgetOne(now)) return undefined;
    const peer: RelayPeer = {
      address,
      permission,
      sent: 0,
      usedAt: now,
      channel: 0,
      boundUntil: Number.NEGATIVE_INFINITY,
      heldUntil: Number.NEGATIVE_INFINITY,
      dueAt: Number.POSITIVE_INFINITY,
      isAsked: false,
      isAnnounced: false,
      isRefused: false,
    };
    this.#peers.set(address.key, peer);
    return peer;
  }

  /** Wants a channel for `peer`; {@link nextDue} gives it in its turn. */
  wantChannel(peer: RelayPeer, now: Millis): void {
    if (peer.isAsked || peer.isRefused || peer.dueAt !== Number.POSITIVE_INFINITY) return;
    peer.channel ||= this.#takeChannel();
    if (peer.channel === 0) return;
    this.#setDue(peer, now);
  }

  /** The next peer whose channel is to be bound or refreshed; {@link setAsked} takes the id of the request. */
  nextDue(now: Millis): RelayPeer | undefined {
    if (now < this.#nextDue || this.#asked.size >= MAX_REQUESTS) return undefined;
    let due: RelayPeer | undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const peer of this.#peers.values()) {
      if (peer.dueAt <= now && isIdle(peer)) peer.dueAt = Number.POSITIVE_INFINITY;
      if (peer.dueAt <= now) due = peer;
      next = Math.min(next, peer.dueAt);
    }
    this.#nextDue = next;
    return due;
  }

  setAsked(id: AskId, peer: RelayPeer, now: Millis): void {
    peer.isAsked = true;
    // The request may be repeated for a while, and be received without our ever knowing.
    peer.heldUntil = now + REQUEST_MS + CHANNEL_LIFETIME_MS + CHANNEL_QUARANTINE_MS;
    peer.dueAt = Number.POSITIVE_INFINITY;
    // RFC 8656 §12: data may come on the channel before the answer does.
    this.#byChannel[peer.channel - FIRST_CHANNEL_NUMBER] = peer;
    this.#asked.set(id, peer);
  }

  /** Takes what came of a request; undefined when it was not one of these. */
  handleOutcome(outcome: StunClientEvent, now: Millis): RelayPeer | undefined {
    const peer = this.#asked.get(outcome.id);
    if (peer === undefined) return undefined;
    this.#asked.delete(outcome.id);
    peer.isAsked = false;
    if (outcome.type === "success") {
      peer.boundUntil = now + CHANNEL_LIFETIME_MS;
      const jitter = REFRESH_JITTER_MS * randomUnit(this.#random);
      this.#setDue(peer, peer.boundUntil - REFRESH_MARGIN_MS - jitter);
    } else if (outcome.type === "refused" && outcome.error.code !== StunErrorNumber.insufficientCapacity) {
      peer.isRefused = true;
    } else {
      this.#setDue(peer, now + RETRY_MS);
    }
    return peer;
  }

  /** When {@link nextDue} has something; `Infinity` for never. */
  next(): Millis {
    return this.#asked.size >= MAX_REQUESTS ? Number.POSITIVE_INFINITY : this.#nextDue;
  }

  #setDue(peer: RelayPeer, at: Millis): void {
    peer.dueAt = at;
    if (at < this.#nextDue) this.#nextDue = at;
  }

  /** A number nobody has; 0 when all are taken. */
  #takeChannel(): number {
    const free = this.#freeChannels.shift();
    if (free !== undefined) return free;
    return this.#nextChannel <= LAST_CHANNEL_NUMBER ? this.#nextChannel++ : 0;
  }

  /** Makes room: forgets the peer used longest ago whose channel, if it has one, may serve another. */
  #forgetOne(now: Millis): boolean {
    let oldest: RelayPeer | undefined;
    for (const peer of this.#peers.values()) {
      if (peer.heldUntil <= now && (oldest === undefined || peer.usedAt < oldest.usedAt)) oldest = peer;
    }
    if (oldest === undefined) return false;
    this.#peers.delete(oldest.address.key);
    if (oldest.channel !== 0) {
      this.#byChannel[oldest.channel - FIRST_CHANNEL_NUMBER] = undefined;
      this.#freeChannels.push(oldest.channel);
    }
    return true;
  }
}

/** ChannelBind for `peer`, to bind or to refresh (RFC 8656 §12.1). */
export function channelBindRequest(peer: RelayPeer): StunRequest {
  return {
    method: StunMethod.channelBind,
    attributes: [
      attributeValue(CHANNEL_NUMBER, peer.channel),
      attributeValue(XOR_PEER_ADDRESS, peer.address),
    ],
  };
}

/** Nothing has been sent to it, or come from it, during the life of its binding: that is left to expire. */
function isIdle({ usedAt, boundUntil }: RelayPeer): boolean {
  return usedAt <= boundUntil - CHANNEL_LIFETIME_MS;
}
