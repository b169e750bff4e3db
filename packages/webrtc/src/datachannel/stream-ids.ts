/** RFC 8831 §6.1 and RFC 8832 §5.1: 65535 is not the number of a channel. */
export const MAX_STREAM_ID = 65_534;

/** Which side of DTLS this is; it decides which stream numbers are ours (RFC 8832 §6). */
export type DtlsRole = "client" | "server";

/** Gives out the stream numbers of one side: even ones to the DTLS client, odd ones to the server (RFC 8832 §6). */
export class StreamIds {
  readonly #parity: number;
  readonly #isTaken: (streamId: number) => boolean;
  #next: number;

  constructor(role: DtlsRole, isTaken: (streamId: number) => boolean) {
    this.#parity = role === "client" ? 0 : 1;
    this.#next = this.#parity;
    this.#isTaken = isTaken;
  }

  /** Whether a number is one that the peer may use in DATA_CHANNEL_OPEN. */
  isPeers(streamId: number): boolean {
    return (streamId & 1) !== this.#parity;
  }

  /** A free number, or undefined when all are in use. The lowest ones are given first, and again when they are free. */
  take(): number | undefined {
    for (; this.#next <= MAX_STREAM_ID; this.#next += 2) {
      if (this.#isTaken(this.#next)) continue;
      const id = this.#next;
      this.#next += 2;
      return id;
    }
    return undefined;
  }

  /** A number is free again. */
  free(streamId: number): void {
    if (!this.isPeers(streamId) && streamId < this.#next) this.#next = streamId;
  }
}
