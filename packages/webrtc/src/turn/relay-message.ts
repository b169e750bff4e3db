import type { TransportAddress } from "../bytes/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import type { RandomSource } from "../sansio/index.ts";
import {
  DATA,
  DONT_FRAGMENT,
  StunMessageBuilder,
  StunMethod,
  TRANSACTION_ID_BYTES,
  XOR_PEER_ADDRESS,
} from "../stun/index.ts";
import { CHANNEL_DATA_HEADER_BYTES, paddedChannelDataBytes, writeChannelDataHeader } from "./channel-data.ts";

/** Header of the message, of XOR-PEER-ADDRESS and of DATA, and family and port of the peer. */
const SEND_INDICATION_BYTES = 20 + 4 + 4 + 4;

/** DONT-FRAGMENT is a header alone. */
const DONT_FRAGMENT_BYTES = 4;

/** Room to keep in front of a packet that a TURN client may wrap: a Send indication to an IPv6 peer with DONT-FRAGMENT. */
export const TURN_HEADROOM_BYTES: number = SEND_INDICATION_BYTES + 16 + DONT_FRAGMENT_BYTES;

/** Room to keep behind it: what comes in multiples of four bytes is padded. */
export const TURN_TAILROOM_BYTES = 3;

/** Largest packet that can be relayed: a UDP datagram to the peer with the smallest headers, less what wraps it on the way. */
export const MAX_RELAYED_BYTES = 65_000;

/** Wraps what goes to peers: as ChannelData (RFC 8656 §12.4), or in a Send indication (§11.1). */
export class RelayWrapper {
  readonly #random: RandomSource;
  /** Over a stream ChannelData is padded (RFC 8656 §12.5). */
  readonly #isStream: boolean;
  readonly #builder = new StunMessageBuilder();
  readonly #slotBuilder = new StunMessageBuilder();
  readonly #transactionId = new Uint8Array(TRANSACTION_ID_BYTES);

  constructor(random: RandomSource, isStream: boolean) {
    this.#random = random;
    this.#isStream = isStream;
  }

  /** A new message with a copy of `data` in it. */
  channelData(channel: number, data: Uint8Array): Uint8Array {
    const message = new Uint8Array(this.#channelDataBytes(data.length));
    writeChannelDataHeader(message, 0, channel, data.length);
    message.set(data, CHANNEL_DATA_HEADER_BYTES);
    return message;
  }

  /** Wraps the packet where it lies; false when there is no room for it. */
  channelDataInPlace(channel: number, slot: PacketSlot): boolean {
    if (!makeRoom(slot, CHANNEL_DATA_HEADER_BYTES, TURN_TAILROOM_BYTES)) return false;
    const length = slot.end - slot.start;
    slot.start -= CHANNEL_DATA_HEADER_BYTES;
    writeChannelDataHeader(slot.bytes, slot.start, channel, length);
    const end = slot.start + this.#channelDataBytes(length);
    slot.bytes.fill(0, slot.end, end);
    slot.end = end;
    return true;
  }

  /** A new Send indication with a copy of `data` in it. */
  sendIndication(peer: TransportAddress, data: Uint8Array, dontFragment: boolean): Uint8Array {
    return this.#writeIndication(this.#builder, peer, data, dontFragment).finish().slice();
  }

  /** Wraps the packet where it lies; false when there is no room for it. */
  sendIndicationInPlace(peer: TransportAddress, slot: PacketSlot, dontFragment: boolean): boolean {
    const headroom = SEND_INDICATION_BYTES + peer.ip.bytes.length + (dontFragment ? DONT_FRAGMENT_BYTES : 0);
    if (!makeRoom(slot, headroom, TURN_TAILROOM_BYTES)) return false;
    const data = slot.bytes.subarray(slot.start, slot.end);
    slot.start -= headroom;
    // DATA comes to lie exactly where the packet is: the builder copies it onto itself.
    const builder = this.#slotBuilder.useTarget(slot.bytes, slot.start);
    slot.end = this.#writeIndication(builder, peer, data, dontFragment).end;
    return true;
  }

  #writeIndication(
    builder: StunMessageBuilder,
    peer: TransportAddress,
    data: Uint8Array,
    dontFragment: boolean,
  ): StunMessageBuilder {
    this.#random.fill(this.#transactionId);
    builder.start("indication", StunMethod.send, this.#transactionId).add(XOR_PEER_ADDRESS, peer);
    if (dontFragment) builder.add(DONT_FRAGMENT, true);
    return builder.add(DATA, data);
  }

  #channelDataBytes(length: number): number {
    return this.#isStream ? paddedChannelDataBytes(length) : CHANNEL_DATA_HEADER_BYTES + length;
  }
}

/** Moves the packet back where it has too little room in front; false when the slot is too small. */
function makeRoom(slot: PacketSlot, headroom: number, tailroom: number): boolean {
  const length = slot.end - slot.start;
  if (headroom + length + tailroom > slot.bytes.length) return false;
  if (slot.start >= headroom && slot.end + tailroom <= slot.bytes.length) return true;
  slot.bytes.copyWithin(headroom, slot.start, slot.end);
  slot.start = headroom;
  slot.end = headroom + length;
  return true;
}
