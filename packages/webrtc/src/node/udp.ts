import { createSocket, type Socket } from "node:dgram";
import { IpAddress, TransportAddress } from "../bytes/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import type { UdpBindOptions, UdpHandler, UdpIo } from "../platform/index.ts";
import { AddressBook } from "./address-book.ts";

/** Opens a UDP socket with `dgram`. */
export async function bindUdp(options: UdpBindOptions, handler: UdpHandler): Promise<UdpIo> {
  const { address, port, receiveBufferBytes, sendBufferBytes } = options;
  const socket = createSocket({
    type: address.family === 4 ? "udp4" : "udp6",
    // Each family has a socket of its own, so the same port can be bound for both.
    ipv6Only: address.family === 6,
    ...(receiveBufferBytes === undefined ? {} : { recvBufferSize: receiveBufferBytes }),
    ...(sendBufferBytes === undefined ? {} : { sendBufferSize: sendBufferBytes }),
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
  return new NodeUdp(socket, handler);
}

class NodeUdp implements UdpIo {
  readonly localAddress: TransportAddress;
  readonly #socket: Socket;
  readonly #handler: UdpHandler;
  readonly #addresses = new AddressBook();
  #refused = 0;
  #closed = false;
  /** A batch end is due after the datagrams of this turn of the event loop. */
  #batchOpen = false;

  constructor(socket: Socket, handler: UdpHandler) {
    this.#socket = socket;
    this.#handler = handler;
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

  get refusedCount(): number {
    return this.#refused;
  }

  send(bytes: Uint8Array, to: TransportAddress): void {
    if (!this.#canSend(to)) return;
    this.#socket.send(bytes, 0, bytes.length, to.port, to.ip.toString(), this.#count);
  }

  sendSlot(slot: PacketSlot, to: TransportAddress, release: (slot: PacketSlot) => void): void {
    if (!this.#canSend(to)) {
      release(slot);
      return;
    }
    const { bytes, start, end } = slot;
    this.#socket.send(bytes, start, end - start, to.port, to.ip.toString(), (error) => {
      this.#count(error);
      release(slot);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  readonly #count = (error: Error | null): void => {
    if (error) this.#refused++;
  };

  readonly #endBatch = (): void => {
    this.#batchOpen = false;
    if (!this.#closed) this.#handler.handleBatchEnd();
  };

  /** `dgram` throws for these; a packet that cannot be sent is lost. */
  #canSend(to: TransportAddress): boolean {
    if (!this.#closed && to.port !== 0 && to.family === this.localAddress.family) return true;
    this.#refused++;
    return false;
  }

  #receive(bytes: Uint8Array, host: string, port: number): void {
    const from = this.#addresses.lookup(host, port);
    if (from === undefined || this.#closed) return;
    if (!this.#batchOpen) {
      this.#batchOpen = true;
      // The check phase follows the poll phase that hands over all waiting datagrams.
      setImmediate(this.#endBatch);
    }
    this.#handler.handleDatagram(bytes, from);
  }
}
