import { createSocket, type Socket } from "node:dgram";
import { IpAddress, TransportAddress } from "../bytes/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import type { UdpBindOptions, UdpHandler, UdpIo } from "../platform/index.ts";
import type { AddressBook } from "./address-book.ts";

/**
 * What may wait in one socket: some milliseconds at a gigabit. The system takes datagrams at once or not at all; Node queues
 * the rest without limit.
 */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;

/** Opens a UDP socket with `dgram`. `addresses` is shared by all sockets of the platform. */
export async function bindUdp(
  addresses: AddressBook,
  options: UdpBindOptions,
  handler: UdpHandler,
): Promise<UdpIo> {
  const { address, port, receiveBufferBytes, sendBufferBytes } = options;
  const socket = createSocket({
    type: address.family === 4 ? "udp4" : "udp6",
    // Each family has a socket of its own, so the same port can be bound for both.
    ipv6Only: address.family === 6,
    // Addresses are literals. Answered at once, or a send would only start after the current turn, and never if
    // the socket is closed in it.
    lookup: (host, _options, callback) => callback(null, host, address.family),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address: address.toString(), port, exclusive: true }, () => {
        socket.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  setBufferSizes(socket, receiveBufferBytes, sendBufferBytes);
  return new NodeUdp(socket, addresses, handler);
}

function setBufferSizes(
  socket: Socket,
  receiveBytes: number | undefined,
  sendBytes: number | undefined,
): void {
  try {
    if (receiveBytes !== undefined) socket.setRecvBufferSize(receiveBytes);
    if (sendBytes !== undefined) socket.setSendBufferSize(sendBytes);
  } catch {
    // A system that does not grant the size (macOS) leaves its default, with which everything works.
  }
}

class NodeUdp implements UdpIo {
  readonly localAddress: TransportAddress;
  readonly #socket: Socket;
  readonly #handler: UdpHandler;
  readonly #addresses: AddressBook;
  #queuedBytes = 0;
  #refused = 0;
  #closed = false;
  /** A batch end is due after the datagrams of this turn of the event loop. */
  #batchOpen = false;

  constructor(socket: Socket, addresses: AddressBook, handler: UdpHandler) {
    this.#socket = socket;
    this.#handler = handler;
    this.#addresses = addresses;
    const { address, port } = socket.address();
    const ip = IpAddress.parse(address);
    if (ip === undefined)
      throw new TypeError(`the system bound a UDP socket to "${address}", which is no IP address`);
    this.localAddress = new TransportAddress(ip, port);
    socket.on("message", (bytes, remote) => this.#receive(bytes, remote.address, remote.port));
    socket.on("error", (error) => {
      this.close();
      handler.handleError(error);
    });
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get refusedCount(): number {
    return this.#refused;
  }

  send(bytes: Uint8Array, to: TransportAddress): void {
    if (!this.#canSend(to)) return;
    const { length } = bytes;
    this.#queuedBytes += length;
    this.#socket.send(bytes, 0, length, to.port, to.ip.toString(), (error) => this.#sent(error, length));
  }

  sendSlot(slot: PacketSlot): void {
    const { bytes, start, end, to } = slot;
    if (!this.#canSend(to)) {
      slot.arena.release(slot);
      return;
    }
    this.#queuedBytes += end - start;
    this.#socket.send(bytes, start, end - start, to.port, to.ip.toString(), (error) => {
      this.#sent(error, end - start);
      slot.arena.release(slot);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #sent(error: Error | null, length: number): void {
    this.#queuedBytes -= length;
    if (error !== null) this.#refused++;
  }

  /** `dgram` throws for some of these; a packet that cannot be sent is lost. */
  #canSend(to: TransportAddress | undefined): to is TransportAddress {
    const isReachable = to !== undefined && to.port !== 0 && to.family === this.localAddress.family;
    if (isReachable && !this.#closed && this.#queuedBytes < MAX_QUEUED_BYTES) return true;
    this.#refused++;
    return false;
  }

  #receive(bytes: Uint8Array, host: string, port: number): void {
    const from = this.#addresses.lookup(host, port);
    if (from === undefined || this.#closed) return;
    if (!this.#batchOpen) {
      this.#batchOpen = true;
      // The check phase follows the poll phase, in which the system's waiting datagrams are handed over.
      setImmediate(this.#endBatch);
    }
    // A plain view: a Buffer's slice() is no copy, and Buffers stay on this side of the platform.
    this.#handler.handleDatagram(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), from);
  }

  readonly #endBatch = (): void => {
    this.#batchOpen = false;
    if (!this.#closed) this.#handler.handleBatchEnd();
  };
}
