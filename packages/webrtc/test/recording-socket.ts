import type { IpAddress, TransportAddress } from "../src/bytes/index.ts";
import type { UdpIo } from "../src/platform/index.ts";
import type { VirtualHost } from "../src/testing/index.ts";

/** A socket that writes down what arrives. */
export interface RecordingSocket {
  readonly io: UdpIo;
  /** Text of each datagram. */
  readonly received: string[];
  /** Source of each datagram, the objects the socket handed out. */
  readonly sources: TransportAddress[];
  /** How many datagrams each batch had. */
  readonly batches: number[];
  sendText(text: string, to: TransportAddress): void;
}

/** Binds a socket on a simulated host. */
export async function openSocket(
  host: VirtualHost,
  port = 0,
  address: IpAddress = host.address(),
): Promise<RecordingSocket> {
  const received: string[] = [];
  const sources: TransportAddress[] = [];
  const batches: number[] = [];
  let inBatch = 0;
  const io = await host.bindUdp(
    { address, port },
    {
      handleDatagram(bytes, from) {
        received.push(new TextDecoder().decode(bytes));
        sources.push(from);
        inBatch++;
      },
      handleBatchEnd() {
        batches.push(inBatch);
        inBatch = 0;
      },
      handleError(error) {
        throw error;
      },
    },
  );
  const sendText = (text: string, to: TransportAddress): void => io.send(new TextEncoder().encode(text), to);
  return { io, received, sources, batches, sendText };
}

/** The source address of the last datagram. */
export function lastSource(socket: RecordingSocket): TransportAddress {
  const source = socket.sources.at(-1);
  if (source === undefined) throw new Error("nothing was received");
  return source;
}
