import { IpAddress, TransportAddress } from "../src/bytes/index.ts";
import type { StreamConnectOptions, StreamHandler, StreamIo } from "../src/platform/index.ts";
import type { VirtualHost } from "../src/testing/index.ts";

/** One end of a stream that writes down what happens to it. */
export interface RecordingStream {
  readonly io: StreamIo;
  /** Everything received, in order. */
  received(): Uint8Array;
  /** How much that is. */
  receivedBytes: number;
  drains: number;
  /** One entry for each time it was told the end; undefined for a regular one. */
  readonly ends: (Error | undefined)[];
}

/** A listener that writes down its connections. */
export interface RecordingListener {
  readonly localAddress: TransportAddress;
  readonly accepted: RecordingStream[];
  close(): void;
}

/** Listens on all IPv4 addresses of a host. The address given back is the host's own. */
export async function listen(
  host: VirtualHost,
  port: number,
  tls?: { certificate: string; privateKey: string },
): Promise<RecordingListener> {
  const accepted: RecordingStream[] = [];
  const listener = await host.listenStream({ address: UNSPECIFIED, port, ...(tls && { tls }) }, (io) => {
    const { stream, handler } = record(() => io);
    accepted.push(stream);
    return handler;
  });
  const localAddress = new TransportAddress(host.address(4), listener.localAddress.port);
  return { localAddress, accepted, close: () => listener.close() };
}

/** Connects from a host. */
export async function connect(
  host: VirtualHost,
  address: TransportAddress,
  options: Partial<StreamConnectOptions> = {},
): Promise<RecordingStream> {
  let io: StreamIo | undefined;
  const { stream, handler } = record(() => {
    if (io === undefined) throw new Error("the stream is not connected yet");
    return io;
  });
  io = await host.connectStream({ address, timeoutMs: 10_000, ...options }, handler);
  return stream;
}

const UNSPECIFIED: IpAddress = IpAddress.fromBytes(new Uint8Array(4));

function record(io: () => StreamIo): { stream: RecordingStream; handler: StreamHandler } {
  const chunks: Uint8Array[] = [];
  const stream: RecordingStream = {
    get io() {
      return io();
    },
    received() {
      const total = new Uint8Array(stream.receivedBytes);
      let offset = 0;
      for (const chunk of chunks) {
        total.set(chunk, offset);
        offset += chunk.length;
      }
      return total;
    },
    receivedBytes: 0,
    drains: 0,
    ends: [],
  };
  const handler: StreamHandler = {
    handleData(bytes) {
      chunks.push(bytes.slice());
      stream.receivedBytes += bytes.length;
    },
    handleDrain: () => void stream.drains++,
    handleClose: (error) => void stream.ends.push(error),
  };
  return { stream, handler };
}
