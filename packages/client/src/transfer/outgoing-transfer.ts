import type { ParticipantId } from "@naru/signaling/protocol";
import { chunkSize, sendOverChannel } from "./channel-sender.ts";
import { hashFile } from "./file-hash.ts";
import type {
  FileTransferSource,
  TransferFailure,
  TransferReceiver,
  TransferState,
} from "./file-transfer.ts";
import { SpeedMeter } from "./speed-meter.ts";
import { channelLabel, failure, parseChannelText, type TransferMessage } from "./transfer-protocol.ts";

/** What a transfer is given by its manager. */
export interface TransferOwner {
  now(): number;
  /** False when it was not taken: too much is waiting. */
  send(to: ParticipantId, message: TransferMessage): boolean;
  openChannel(to: ParticipantId, label: string): RTCDataChannel | undefined;
  /** Whether messages arrive at once. */
  isReachable(id: ParticipantId): boolean;
  maxMessageSize(id: ParticipantId): number;
  handleChange(): void;
}

interface Receiver {
  state: TransferState;
  bytes: number;
  failure: TransferFailure | undefined;
  readonly speed: SpeedMeter;
  /** The channel that carries the bytes now; a sender that finds another one here stops. */
  channel: RTCDataChannel | undefined;
}

/** A file that is sent, to one or more receivers, each at its own pace. */
export class OutgoingTransfer implements FileTransferSource {
  readonly id: string;
  readonly direction = "send";
  readonly participant: undefined;
  readonly name: string;
  readonly size: number;
  readonly mediaType: string;
  readonly #file: Blob;
  readonly #owner: TransferOwner;
  readonly #receivers: Map<ParticipantId, Receiver>;
  #hash: Promise<string | undefined> | undefined;
  #sha256: string | undefined;

  constructor(id: string, file: Blob, name: string, to: readonly ParticipantId[], owner: TransferOwner) {
    this.id = id;
    this.#file = file;
    this.name = name;
    this.size = file.size;
    this.mediaType = file.type;
    this.#owner = owner;
    this.#receivers = new Map(
      to.map((participant) => [
        participant,
        { state: "offered", bytes: 0, failure: undefined, speed: new SpeedMeter(), channel: undefined },
      ]),
    );
  }

  // Commands

  /** Tells every receiver. */
  offer(): void {
    const { id, name, size, mediaType } = this;
    for (const [to, receiver] of this.#receivers) {
      if (this.#owner.send(to, { type: "fileOffer", id, name, size, mediaType })) continue;
      this.#end(receiver, "failed", "PROTOCOL");
      this.#owner.handleChange();
    }
  }

  /** Only a receiver accepts. */
  accept(): void {}

  /** Only a receiver declines. */
  decline(): void {}

  cancel(): void {
    for (const [id, receiver] of this.#receivers) {
      if (!isLive(receiver.state)) continue;
      this.#owner.send(id, { type: "fileCancel", id: this.id });
      this.#end(receiver, "cancelled");
    }
    this.#owner.handleChange();
  }

  // Inputs

  handleMessage(from: ParticipantId, message: TransferMessage): void {
    const receiver = this.#receivers.get(from);
    if (receiver === undefined || !isLive(receiver.state)) return;
    switch (message.type) {
      case "fileAccept":
        if (message.offset > this.size) this.#end(receiver, "failed", "PROTOCOL");
        else void this.#sendTo(from, receiver, message.offset);
        break;
      case "fileDecline":
        this.#end(receiver, "declined");
        break;
      case "fileCancel":
        this.#end(receiver, "cancelled");
        break;
      case "fileDone":
        receiver.bytes = this.size;
        this.#end(receiver, "done");
        break;
      case "fileFailed":
        this.#end(receiver, "failed", message.code);
        break;
      case "fileOffer":
        break;
      default:
        message satisfies never;
    }
    this.#owner.handleChange();
  }

  handleParticipantLeft(id: ParticipantId): void {
    const receiver = this.#receivers.get(id);
    if (receiver === undefined || !isLive(receiver.state)) return;
    this.#end(receiver, "failed", "PARTICIPANT_LEFT");
    this.#owner.handleChange();
  }

  /** The connection broke: the receiver asks again when there is a new one. */
  handleUnreachable(id: ParticipantId): void {
    const receiver = this.#receivers.get(id);
    if (receiver === undefined) return;
    receiver.channel = undefined;
    receiver.speed.reset();
  }

  // What is known

  get state(): TransferState {
    const states = [...this.#receivers.values()].map((receiver) => receiver.state);
    for (const state of ["active", "offered", "done", "failed", "cancelled"] as const) {
      if (states.includes(state)) return state;
    }
    return "declined";
  }

  get bytes(): number {
    const all = [...this.#receivers.values()];
    const going = all.filter((receiver) => receiver.state === "active");
    if (going.length > 0) return Math.min(...going.map((receiver) => receiver.bytes));
    return Math.max(0, ...all.map((receiver) => receiver.bytes));
  }

  get bytesPerSecond(): number {
    const now = this.#owner.now();
    let sum = 0;
    for (const { state, speed, bytes } of this.#receivers.values()) {
      if (state === "active") sum += speed.bytesPerSecond(bytes, now);
    }
    return sum;
  }

  get sha256(): string | undefined {
    return this.#sha256;
  }

  get failure(): TransferFailure | undefined {
    return [...this.#receivers.values()].find((receiver) => receiver.failure !== undefined)?.failure;
  }

  get receivers(): readonly TransferReceiver[] {
    return Array.from(this.#receivers, ([participant, { state, bytes, failure }]) => ({
      participant,
      state,
      bytes,
      failure,
    }));
  }

  blob(): undefined {
    return undefined;
  }

  // Inside

  async #sendTo(id: ParticipantId, receiver: Receiver, offset: number): Promise<void> {
    const channel = this.#owner.openChannel(id, channelLabel(this.id, offset));
    if (channel === undefined) return;
    receiver.channel?.close();
    receiver.channel = channel;
    receiver.state = "active";
    receiver.bytes = offset;
    receiver.speed.reset();
    receiver.speed.record(offset, this.#owner.now());
    channel.onmessage = (event) => this.#handleText(receiver, channel, event.data);
    const isStopped = (): boolean => receiver.channel !== channel || receiver.state !== "active";
    try {
      this.#hash ??= hashFile(this.#file, () => !isLive(this.state));
      const chunkBytes = chunkSize(this.#owner.maxMessageSize(id));
      if (!(await sendOverChannel(channel, this.#file, offset, chunkBytes, isStopped))) return;
      const sha256 = await this.#hash;
      this.#sha256 = sha256;
      if (!isStopped() && channel.readyState === "open") channel.send(JSON.stringify({ sha256 }));
    } catch {
      // The channel failing shows as its closing; what is left is the file, which cannot be read any more.
      if (isStopped() || channel.readyState !== "open") return;
      this.#owner.send(id, { type: "fileFailed", id: this.id, code: "FILE_UNREADABLE" });
      this.#end(receiver, "failed", "FILE_UNREADABLE");
      this.#owner.handleChange();
    }
  }

  #handleText(receiver: Receiver, channel: RTCDataChannel, data: unknown): void {
    const text = typeof data === "string" ? parseChannelText(data) : undefined;
    if (text === undefined || !("received" in text) || receiver.channel !== channel) return;
    if (text.received < receiver.bytes || text.received > this.size) return;
    receiver.bytes = text.received;
    receiver.speed.record(text.received, this.#owner.now());
    this.#owner.handleChange();
  }

  #end(receiver: Receiver, state: TransferState, code?: TransferFailure["code"]): void {
    receiver.state = state;
    receiver.failure = code === undefined ? undefined : failure(code);
    receiver.channel?.close();
    receiver.channel = undefined;
  }
}

/** Whether something may still happen. */
export function isLive(state: TransferState): boolean {
  return state === "offered" || state === "active";
}
