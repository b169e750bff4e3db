import { copyBytes, type TransportAddress } from "../bytes/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import type { UdpHandler, UdpIo } from "../platform/index.ts";
import type { Packet } from "./packet.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** The largest UDP payload over IPv4: 65535 less the headers of IP and UDP. */
const MAXIMUM_PAYLOAD_BYTES = 65_507;
/** Remote addresses a socket keeps one object for; beyond, it starts over. */
const MAXIMUM_REMOTES = 4096;
/** Lent bytes are overwritten with this after the call, so that whoever kept them without copying finds out. */
const SPENT_BYTE = 0xdb;

/** What a socket needs of its host. */
export interface UdpSocketHost {
  /** Sends on the wire. @returns false when there is no way there. `bytes` are given away. */
  sendUdp(from: TransportAddress, bytes: Uint8Array, to: TransportAddress): boolean;
  closeUdp(socket: VirtualUdpSocket): void;
}

/** A UDP socket of a simulated host. */
export class VirtualUdpSocket implements UdpIo {
  readonly localAddress: TransportAddress;
  readonly #host: UdpSocketHost;
  readonly #clock: VirtualClock;
  readonly #handler: UdpHandler;
  readonly #remotes = new Map<string, TransportAddress>();
  /** Where datagrams are lent from, as a real socket lends its receive buffer. */
  #buffer: Uint8Array = new Uint8Array(2048);
  #refusedCount = 0;
  #isBatchOpen = false;
  #isClosed = false;

  constructor(host: UdpSocketHost, clock: VirtualClock, localAddress: TransportAddress, handler: UdpHandler) {
    this.#host = host;
    this.#clock = clock;
    this.localAddress = localAddress;
    this.#handler = handler;
  }

  get refusedCount(): number {
    return this.#refusedCount;
  }

  send(bytes: Uint8Array, to: TransportAddress): void {
    this.#send(copyBytes(bytes), to);
  }

  /** The simulated system takes what it is given at once. */
  get queuedBytes(): number {
    return 0;
  }

  sendSlot(slot: PacketSlot): void {
    if (slot.to === undefined) this.#refusedCount++;
    else this.#send(copyBytes(slot.bytes, slot.start, slot.end), slot.to);
    // Not at once: a real system takes the packet later, and the caller must not count on the slot before.
    this.#clock.atEndOfInstant(() => {
      this.#clock.noteCallout();
      slot.arena.release(slot);
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#host.closeUdp(this);
  }

  /** A packet for this socket has arrived. Those of one instant make one batch. */
  receive(packet: Packet): void {
    this.#clock.noteCallout();
    const length = packet.bytes.length;
    if (length > this.#buffer.length) this.#buffer = new Uint8Array(length);
    this.#buffer.set(packet.bytes);
    this.#handler.handleDatagram(this.#buffer.subarray(0, length), this.#remoteOf(packet.source));
    this.#buffer.fill(SPENT_BYTE, 0, length);
    if (this.#isBatchOpen) return;
    this.#isBatchOpen = true;
    this.#clock.atEndOfInstant(() => this.#endBatch());
  }

  #endBatch(): void {
    this.#isBatchOpen = false;
    if (this.#isClosed) return;
    this.#clock.noteCallout();
    this.#handler.handleBatchEnd();
  }

  #send(bytes: Uint8Array, to: TransportAddress): void {
    const isSendable =
      !this.#isClosed &&
      bytes.length <= MAXIMUM_PAYLOAD_BYTES &&
      to.port !== 0 &&
      to.family === this.localAddress.family;
    if (!isSendable || !this.#host.sendUdp(this.localAddress, bytes, to)) this.#refusedCount++;
  }

  /** Sockets hand out the same object for the same remote address, which makes comparing addresses fast. */
  #remoteOf(source: TransportAddress): TransportAddress {
    const key = source.toString();
    const known = this.#remotes.get(key);
    if (known !== undefined) return known;
    if (this.#remotes.size >= MAXIMUM_REMOTES) this.#remotes.clear();
    this.#remotes.set(key, source);
    return source;
  }
}
