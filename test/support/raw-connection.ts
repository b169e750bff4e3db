/** A TCP connection that sends any bytes and keeps what comes back: for what no client library would send. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const MAX_KEPT = 4 * 1024 * 1024;

export class RawConnection {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #keptBytes = 0;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      if (this.#keptBytes < MAX_KEPT) this.#chunks.push(chunk);
      this.#keptBytes += chunk.length;
    });
    socket.on("error", () => undefined); // A reset is an answer; "close" follows.
    socket.on("close", () => {
      this.#closed = true;
    });
  }

  static async open(port: number, host = "127.0.0.1"): Promise<RawConnection> {
    const socket = connect({ port, host, noDelay: true });
    const connection = new RawConnection(socket);
    await once(socket, "connect");
    return connection;
  }

  /** Everything received so far, one character per byte. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString("latin1");
  }

  /** Everything received so far. */
  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#chunks));
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  send(data: string | Uint8Array): void {
    if (!this.#socket.destroyed)
      this.#socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  /** Reads nothing more, so that the other side's sends get stuck. */
  pause(): void {
    this.#socket.pause();
  }

  /** Sends a FIN; the other side may go on sending. */
  end(): void {
    this.#socket.end();
  }

  /** Waits until the other side ended the connection; false when it did not in time. */
  async waitForClose(timeoutMs: number): Promise<boolean> {
    return this.#wait(() => this.#closed || this.#socket.readableEnded, timeoutMs);
  }

  /** Waits until something matching was received or the connection ended; what was received. */
  async waitForText(pattern: RegExp, timeoutMs: number): Promise<string> {
    await this.#wait(() => pattern.test(this.text) || this.#closed, timeoutMs);
    return this.text;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #wait(isTrue: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (!isTrue()) {
      if (performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return true;
  }
}
