import type { OutgoingDatagram, SocketId, TransportAddress } from "@naru/webrtc/bytes";
import type { Hmac } from "@naru/webrtc/crypto";
import type { PacketArena, PacketSlot } from "@naru/webrtc/kernel";
import { Queue } from "@naru/webrtc/sansio";
import { type StunClass, StunMessageBuilder } from "@naru/webrtc/stun";
import type { Client } from "./allocation.ts";

/** Something to send, by a UDP socket or a stream: both have ids of one kind. */
export type TurnTransmit = PacketSlot | OutgoingDatagram;

/** Waiting between two drains: more than any receive batch brings about. */
const MAX_WAITING = 8192;

/** A stranger's answer is at most so many times as long as his question. */
const MAX_AMPLIFICATION = 3.6;

/** Who asked, and what his answer needs. It outlives the request. */
export interface Question {
  readonly client: Client;
  readonly method: number;
  /** Ours. */
  readonly transactionId: Uint8Array;
  /** Covers the answer; undefined when the client is not known. */
  readonly key: Hmac | undefined;
  /** Length of the request. */
  readonly bytes: number;
}

/** What the server has to send: answers, indications and relayed data, built in the slots of the arena. */
export class Outbox {
  readonly #arena: PacketArena;
  readonly #transmits = new Queue<TurnTransmit>(MAX_WAITING);
  readonly #builder = new StunMessageBuilder();
  #dropped = 0;
  #withheld = 0;

  /** @param arena - Of slots with at least 1024 bytes. */
  constructor(arena: PacketArena) {
    this.#arena = arena;
  }

  /** Answers a request. */
  answer(
    question: Question,
    messageClass: StunClass,
    fill: (builder: StunMessageBuilder) => void = () => undefined,
  ): void {
    const { client, method, transactionId, key } = question;
    const slot = this.acquire(client.socket, client.address);
    if (slot === undefined) return;
    const builder = this.#builder.useTarget(slot.bytes).start(messageClass, method, transactionId);
    fill(builder);
    if (key !== undefined) builder.addIntegrity(key);
    slot.end = builder.end;
    // Whoever forges a source address must not get more out of us than he puts in; a stream's address is not forged.
    const isStranger = key === undefined && client.transport === "udp";
    if (isStranger && slot.end > question.bytes * MAX_AMPLIFICATION) {
      this.#withheld++;
      slot.arena.release(slot);
      return;
    }
    this.push(slot);
  }

  /** Sends an indication. */
  indicate(
    client: Client,
    method: number,
    transactionId: Uint8Array,
    fill: (builder: StunMessageBuilder) => void,
  ): void {
    const slot = this.acquire(client.socket, client.address);
    if (slot === undefined) return;
    const builder = this.#builder.useTarget(slot.bytes).start("indication", method, transactionId);
    fill(builder);
    slot.end = builder.end;
    this.push(slot);
  }

  /** A slot for a packet that is built by the caller; undefined, and counted, when there is none. */
  acquire(socket: SocketId, to: TransportAddress): PacketSlot | undefined {
    const slot = this.#arena.acquire();
    if (slot === undefined) {
      this.#dropped++;
      return undefined;
    }
    slot.socket = socket;
    slot.to = to;
    return slot;
  }

  push(transmit: TurnTransmit): void {
    if (this.#transmits.push(transmit)) return;
    this.#dropped++;
    if ("arena" in transmit) transmit.arena.release(transmit);
  }

  shift(): TurnTransmit | undefined {
    return this.#transmits.shift();
  }

  /** Lost because the arena or the queue was full. */
  get droppedCount(): number {
    return this.#dropped;
  }

  /** Answers not sent because they would have been too long for their question. */
  get withheldCount(): number {
    return this.#withheld;
  }
}
