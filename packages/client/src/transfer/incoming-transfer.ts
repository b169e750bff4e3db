import type { ParticipantId } from "@naru/signaling/protocol";
import type { FileTransferSource, TransferFailure, TransferState } from "./file-transfer.ts";
import { isLive, type TransferOwner } from "./outgoing-transfer.ts";
import { Sha256 } from "./sha256.ts";
import { SpeedMeter } from "./speed-meter.ts";
import { failure, parseChannelText, type TransferMessage } from "./transfer-protocol.ts";

/** This much is collected in memory before it becomes a part of a Blob, which browsers keep on disk. */
const PART_BYTES = 4 * 1024 * 1024;
/**
 * Types that a browser shows without running anything in them. All else is bytes: the sender chose the type, and a page opened
 * from the blob (HTML, SVG, PDF) would run as this site's own.
 */
const SAFE_TYPES = /^(image\/(png|jpeg|gif|webp|avif)|(audio|video)\/[\w.+-]+|text\/plain)$/;
/** How often the sender hears how much arrived. */
const PROGRESS_BYTES = 256 * 1024;
/** Interruptions without a single byte in between: something is wrong with more than the network. */
const MAX_FRUITLESS_RESUMES = 8;

/** A file that is received from one participant. */
export class IncomingTransfer implements FileTransferSource {
  readonly id: string;
  readonly direction = "receive";
  readonly participant: ParticipantId;
  readonly name: string;
  readonly size: number;
  readonly mediaType: string;
  readonly receivers: readonly never[] = [];
  readonly #owner: TransferOwner;
  readonly #hash: Sha256 = new Sha256();
  readonly #speed: SpeedMeter = new SpeedMeter();
  #parts: Blob[] = [];
  /** One buffer: kept one by one, small messages would cost many times their bytes. */
  #part: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #collected = 0;
  #bytes = 0;
  #reported = 0;
  #state: TransferState = "offered";
  #failure: TransferFailure | undefined;
  #sha256: string | undefined;
  #channel: RTCDataChannel | undefined;
  #blob: Blob | undefined;
  #fruitless = 0;
  #resumedAt = -1;

  constructor(
    from: ParticipantId,
    offer: Extract<TransferMessage, { readonly type: "fileOffer" }>,
    owner: TransferOwner,
  ) {
    this.participant = from;
    this.id = offer.id;
    this.name = offer.name;
    this.size = offer.size;
    this.mediaType = offer.mediaType;
    this.#owner = owner;
  }

  // Commands

  accept(): void {
    if (this.#state !== "offered") return;
    this.#state = "active";
    this.#request();
    this.#owner.handleChange();
  }

  decline(): void {
    if (this.#state !== "offered") return;
    this.#tell({ type: "fileDecline", id: this.id });
    this.#end("declined");
  }

  cancel(): void {
    if (!isLive(this.#state)) return;
    this.#tell({ type: "fileCancel", id: this.id });
    this.#end("cancelled");
  }

  // Inputs

  handleMessage(message: TransferMessage): void {
    if (!isLive(this.#state)) return;
    if (message.type === "fileCancel") this.#end("cancelled");
    if (message.type === "fileFailed") this.#end("failed", message.code);
  }

  handleParticipantLeft(): void {
    if (isLive(this.#state)) this.#end("failed", "PARTICIPANT_LEFT");
  }

  /** There is a connection again: asks for the rest. */
  handleReachable(): void {
    if (this.#state === "active") this.#request();
  }

  /** The connection broke; what has arrived is kept. */
  handleUnreachable(): void {
    this.#channel = undefined;
    this.#speed.reset();
  }

  /** The sender opened a channel that begins at `offset`. */
  handleChannel(channel: RTCDataChannel, offset: number): void {
    if (this.#state !== "active" || offset !== this.#bytes) {
      // Of a request that was overtaken by another: the sender hears of the newest by itself.
      channel.close();
      return;
    }
    this.#channel?.close();
    this.#channel = channel;
    this.#speed.reset();
    this.#speed.record(this.#bytes, this.#owner.now());
    channel.onmessage = (event) => this.#handleData(channel, event.data);
    channel.onclose = () => {
      if (this.#channel !== channel) return;
      this.#channel = undefined;
      if (this.#state === "active") this.#request();
    };
  }

  // What is known

  get state(): TransferState {
    return this.#state;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bytesPerSecond(): number {
    return this.#state === "active" ? this.#speed.bytesPerSecond(this.#bytes, this.#owner.now()) : 0;
  }

  get sha256(): string | undefined {
    return this.#sha256;
  }

  get failure(): TransferFailure | undefined {
    return this.#failure;
  }

  blob(): Blob | undefined {
    return this.#blob;
  }

  // Inside

  #request(): void {
    // It is asked for as soon as there is a connection.
    if (!this.#owner.isReachable(this.participant)) return;
    this.#fruitless = this.#bytes === this.#resumedAt ? this.#fruitless + 1 : 0;
    this.#resumedAt = this.#bytes;
    if (this.#fruitless > MAX_FRUITLESS_RESUMES) {
      this.#tell({ type: "fileFailed", id: this.id, code: "PROTOCOL" });
      this.#end("failed", "PROTOCOL");
      return;
    }
    if (!this.#tell({ type: "fileAccept", id: this.id, offset: this.#bytes }))
      this.#end("failed", "PROTOCOL");
  }

  #handleData(channel: RTCDataChannel, data: unknown): void {
    if (this.#channel !== channel || this.#state !== "active") return;
    if (data instanceof ArrayBuffer) {
      this.#take(new Uint8Array(data));
      return;
    }
    const text = typeof data === "string" ? parseChannelText(data) : undefined;
    if (text !== undefined && "sha256" in text) this.#finish(text.sha256);
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    if (this.#bytes + bytes.length > this.size) {
      this.#tell({ type: "fileFailed", id: this.id, code: "TOO_LARGE" });
      this.#end("failed", "TOO_LARGE");
      return;
    }
    this.#hash.update(bytes);
    this.#collect(bytes);
    this.#bytes += bytes.length;
    this.#speed.record(this.#bytes, this.#owner.now());
    if (this.#bytes - this.#reported < PROGRESS_BYTES && this.#bytes < this.size) return;
    this.#reported = this.#bytes;
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify({ received: this.#bytes }));
    this.#owner.handleChange();
  }

  #collect(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#part.length === 0) this.#part = new Uint8Array(Math.min(PART_BYTES, this.size));
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.#part.length - this.#collected);
      this.#part.set(piece, this.#collected);
      this.#collected += piece.length;
      at += piece.length;
      if (this.#collected === this.#part.length) this.#flush();
    }
  }

  #flush(): void {
    if (this.#collected > 0) this.#parts.push(new Blob([this.#part.subarray(0, this.#collected)]));
    this.#collected = 0;
  }

  #finish(announced: string): void {
    if (this.#bytes !== this.size) {
      this.#tell({ type: "fileFailed", id: this.id, code: "PROTOCOL" });
      this.#end("failed", "PROTOCOL");
      return;
    }
    this.#sha256 = this.#hash.digestHex();
    if (this.#sha256 !== announced) {
      this.#tell({ type: "fileFailed", id: this.id, code: "HASH_MISMATCH" });
      this.#end("failed", "HASH_MISMATCH");
      return;
    }
    this.#flush();
    const type = SAFE_TYPES.test(this.mediaType) ? this.mediaType : "application/octet-stream";
    this.#blob = new Blob(this.#parts, { type });
    this.#tell({ type: "fileDone", id: this.id });
    this.#end("done");
  }

  #tell(message: TransferMessage): boolean {
    return this.#owner.send(this.participant, message);
  }

  #end(state: TransferState, code?: TransferFailure["code"]): void {
    this.#state = state;
    this.#failure = code === undefined ? undefined : failure(code);
    this.#parts = [];
    this.#part = new Uint8Array(0);
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.close();
    this.#owner.handleChange();
  }
}
