import { copyBytes, type TransportAddress } from "@naru/webrtc/bytes";
import type { Millis, RandomSource } from "@naru/webrtc/sansio";
import {
  DATA,
  StunMessageBuilder,
  StunMethod,
  TRANSACTION_ID_BYTES,
  XOR_PEER_ADDRESS,
} from "@naru/webrtc/stun";
import {
  CHANNEL_DATA_HEADER_BYTES,
  channelDataEnd,
  channelNumberOf,
  paddedChannelDataBytes,
  writeChannelDataHeader,
} from "@naru/webrtc/turn";
import type { Allocation, Relay } from "./allocation.ts";
import type { Channel } from "./channel-table.ts";
import type { TurnCounters } from "./counters.ts";
import type { Outbox } from "./outbox.ts";
import type { PeerGuard, PeerVerdict } from "./peer-guard.ts";

/** Header, XOR-PEER-ADDRESS of IPv6, header of DATA and its padding: what a Data indication adds at most. */
const DATA_INDICATION_BYTES = 20 + 24 + 4 + 3;

/**
 * The way of relayed data: ChannelData and Send indications to peers, datagrams of peers to clients. Each packet is checked
 * again: permission, policy, bandwidth. Nothing is allocated for those that go over a channel.
 */
export class PacketPath {
  readonly #outbox: Outbox;
  readonly #guard: PeerGuard;
  readonly #random: RandomSource;
  readonly #counters: TurnCounters;
  readonly #builder = new StunMessageBuilder();
  readonly #transactionId = new Uint8Array(TRANSACTION_ID_BYTES);

  constructor(outbox: Outbox, guard: PeerGuard, random: RandomSource, counters: TurnCounters) {
    this.#outbox = outbox;
    this.#guard = guard;
    this.#random = random;
    this.#counters = counters;
  }

  /**
   * ChannelData of a client (RFC 8656 §12.6).
   *
   * @param bytes - One for which `isChannelData` holds; lent for the call.
   */
  handleChannelData(allocation: Allocation, bytes: Uint8Array, now: Millis): void {
    const channel = allocation.channels.find(channelNumberOf(bytes), now);
    if (channel === undefined || !this.#isPermitted(allocation, channel, now)) {
      this.#counters.droppedNoPermission++;
      return;
    }
    const verdict = this.#verdictOf(allocation, channel);
    this.#toPeer(
      allocation,
      channel.peer,
      verdict,
      bytes,
      CHANNEL_DATA_HEADER_BYTES,
      channelDataEnd(bytes),
      now,
    );
  }

  /** Data of a Send indication (RFC 8656 §11.2), lent for the call. */
  handleSend(allocation: Allocation, peer: TransportAddress, data: Uint8Array, now: Millis): void {
    if (allocation.permissions.find(peer.ip, now) === undefined) {
      this.#counters.droppedNoPermission++;
      return;
    }
    this.#toPeer(allocation, peer, this.#guard.judge(peer, allocation.relaysOnly), data, 0, data.length, now);
  }

  /** A datagram that came to a relayed address (RFC 8656 §11.3); lent for the call. */
  handlePeerData(relay: Relay, bytes: Uint8Array, from: TransportAddress, now: Millis): void {
    const { channels, permissions, relaysOnly } = relay.allocation;
    const channel = channels.findPeer(from, now);
    const isPermitted =
      channel === undefined
        ? permissions.find(from.ip, now) !== undefined
        : this.#isPermitted(relay.allocation, channel, now);
    if (!isPermitted) {
      this.#counters.droppedNoPermission++;
      return;
    }
    const verdict =
      channel === undefined
        ? this.#guard.judge(from, relaysOnly)
        : this.#verdictOf(relay.allocation, channel);
    if (verdict === "forbidden") {
      this.#counters.droppedForbidden++;
      return;
    }
    this.#toClient(relay.allocation, channel, from, bytes, 0, bytes.length, now);
  }

  #toPeer(
    allocation: Allocation,
    peer: TransportAddress,
    verdict: PeerVerdict,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Millis,
  ): void {
    const relay = allocation.relayFor(peer.family);
    if (verdict === "forbidden" || relay === undefined) {
      this.#counters.droppedForbidden++;
      return;
    }
    if (!allocation.fromClient.take(end - start, now)) {
      this.#counters.droppedBandwidth++;
      return;
    }
    this.#counters.packetsToPeers++;
    this.#counters.bytesToPeers += end - start;
    if (verdict === "allowed") {
      this.#send(relay, peer, bytes, start, end);
      return;
    }
    // The peer is another client of this server: his data does not have to leave the machine to come back.
    this.#handOver(verdict, relay.address, bytes, start, end, now);
  }

  #send(relay: Relay, peer: TransportAddress, bytes: Uint8Array, start: number, end: number): void {
    const slot = this.#outbox.acquire(relay.socket, peer);
    if (slot === undefined) return;
    if (end - start > slot.bytes.length) {
      slot.arena.release(slot);
      this.#outbox.push({ bytes: copyBytes(bytes, start, end), to: peer, socket: relay.socket });
      return;
    }
    copyInto(slot.bytes, 0, bytes, start, end);
    slot.end = end - start;
    this.#outbox.push(slot);
  }

  /** As {@link handlePeerData}, for what another allocation's relayed address sends. */
  #handOver(
    relay: Relay,
    from: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Millis,
  ): void {
    const { channels, permissions } = relay.allocation;
    if (permissions.find(from.ip, now) === undefined) {
      this.#counters.droppedNoPermission++;
      return;
    }
    this.#toClient(relay.allocation, channels.findPeer(from, now), from, bytes, start, end, now);
  }

  #toClient(
    allocation: Allocation,
    channel: Channel | undefined,
    from: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Millis,
  ): void {
    const length = end - start;
    if (!allocation.toClient.take(length, now)) {
      this.#counters.droppedBandwidth++;
      return;
    }
    this.#counters.packetsToClients++;
    this.#counters.bytesToClients += length;
    if (channel === undefined) this.#sendData(allocation, from, bytes, start, end);
    else this.#sendChannelData(allocation, channel.number, bytes, start, end);
  }

  /** RFC 8656 §12.7: the server has to use the channel when there is one. */
  #sendChannelData(
    { client }: Allocation,
    channel: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const length = end - start;
    const slot = this.#outbox.acquire(client.socket, client.address);
    if (slot === undefined) return;
    const total =
      client.transport === "udp" ? CHANNEL_DATA_HEADER_BYTES + length : paddedChannelDataBytes(length);
    const isLarge = total > slot.bytes.length;
    const target = isLarge ? new Uint8Array(total) : slot.bytes;
    writeChannelDataHeader(target, 0, channel, length);
    copyInto(target, CHANNEL_DATA_HEADER_BYTES, bytes, start, end);
    // Padding is zero, so that no memory leaks onto the wire.
    for (let i = CHANNEL_DATA_HEADER_BYTES + length; i < total; i++) target[i] = 0;
    if (isLarge) {
      slot.arena.release(slot);
      this.#outbox.push({ bytes: target, to: client.address, socket: client.socket });
      return;
    }
    slot.end = total;
    this.#outbox.push(slot);
  }

  /** RFC 8656 §11.3: a Data indication, where no channel is bound. */
  #sendData(
    { client }: Allocation,
    from: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const slot = this.#outbox.acquire(client.socket, client.address);
    if (slot === undefined) return;
    const isLarge = end - start + DATA_INDICATION_BYTES > slot.bytes.length;
    // Cannot be too long: a datagram has 16 bits of length, and so has a message.
    if (end - start + DATA_INDICATION_BYTES > MAX_INDICATION_BYTES) {
      slot.arena.release(slot);
      return;
    }
    const target = isLarge ? new Uint8Array(end - start + DATA_INDICATION_BYTES) : slot.bytes;
    const builder = this.#builder
      .useTarget(target)
      .start("indication", StunMethod.data, this.#random.fill(this.#transactionId))
      .add(XOR_PEER_ADDRESS, from)
      .add(DATA, bytes.subarray(start, end));
    if (isLarge) {
      slot.arena.release(slot);
      this.#outbox.push({ bytes: builder.finish(), to: client.address, socket: client.socket });
      return;
    }
    slot.end = builder.end;
    this.#outbox.push(slot);
  }

  #isPermitted(allocation: Allocation, channel: Channel, now: Millis): boolean {
    if (channel.permission.expiresAt > now) return true;
    // It may have been installed anew since the channel was bound.
    const found = allocation.permissions.find(channel.peer.ip, now);
    if (found === undefined) return false;
    channel.permission = found;
    return true;
  }

  #verdictOf({ relaysOnly }: Allocation, channel: Channel): PeerVerdict {
    if (channel.verdictVersion !== this.#guard.version) {
      channel.verdict = this.#guard.judge(channel.peer, relaysOnly);
      channel.verdictVersion = this.#guard.version;
    }
    return channel.verdict;
  }
}

/** Longest message: 16 bits of length behind the header. */
const MAX_INDICATION_BYTES = 0xfffc + 20;

/** Below this a loop is quicker than the view that `set` needs. */
const LOOP_BYTES = 64;

function copyInto(target: Uint8Array, offset: number, bytes: Uint8Array, start: number, end: number): void {
  if (end - start > LOOP_BYTES) {
    target.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), offset);
    return;
  }
  for (let i = start; i < end; i++) target[offset + i - start] = bytes[i]!;
}
