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

/**
 * On the packet path one in so many sends is watched, to count what the system refuses: refusals last (no route, a
 * firewall), and from the first that is seen on all are.
 */
const UNWATCHED_SENDS = 63;

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
  /** Slots whose packets wait in Node for the system. Further ones are sent with a callback meanwhile. */
  readonly #waiting: PacketSlot[] = [];
  /** How many packets may leave before one is watched again. */
  #unwatched = 0;
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
    const length = end - start;
    if (this.#waiting.length === 0 && this.#unwatched > 0) {
      this.#unwatched--;
      this.#socket.send(bytes, start, length, to.port, to.ip.toString());
      // The system has taken the packet, or refused it. A callback would come only to say the same, and costs an eighth of
      // the whole.
      if (this.#socket.getSendQueueCount() === 0) slot.arena.release(slot);
      else this.#wait(slot);
      return;
    }
    this.#queuedBytes += length;
    this.#socket.send(bytes, start, length, to.port, to.ip.toString(), (error) => {
      this.#sent(error, length);
      if (error === null && this.#waiting.length === 0) this.#unwatched = UNWATCHED_SENDS;
      slot.arena.release(slot);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close(() => this.#releaseWaiting());
  }

  #sent(error: Error | null, length: number): void {
    this.#queuedBytes -= length;
    if (error === null) return;
    this.#refused++;
    // Where one is refused others will be: each is watched until they go through again.
    this.#unwatched = 0;
  }

  /** The system did not take a packet at once: its slot is needed until Node has nothing more to send. */
  #wait(slot: PacketSlot): void {
    this.#waiting.push(slot);
    this.#queuedBytes += slot.end - slot.start;
    setImmediate(this.#checkWaiting);
  }

  #releaseWaiting(): void {
    for (const slot of this.#waiting.splice(0)) {
      this.#queuedBytes -= slot.end - slot.start;
      slot.arena.release(slot);
    }
  }

  readonly #checkWaiting = (): void => {
    if (this.#closed) return;
    if (this.#socket.getSendQueueCount() === 0) this.#releaseWaiting();
    else setImmediate(this.#checkWaiting);
  };

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
