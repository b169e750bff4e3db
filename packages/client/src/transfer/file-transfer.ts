import type { ParticipantId } from "@naru/signaling/protocol";
import { ClientError } from "../errors.ts";

/**
 * `offered` until a receiver accepted, `active` while bytes move (or wait for a connection to come back), then
 * `done`, `failed` or `cancelled`.
 */
export type TransferState = "offered" | "active" | "done" | "failed" | "cancelled" | "declined";

/** Why a transfer failed, in words. */
export interface TransferFailure {
  readonly code: "HASH_MISMATCH" | "PARTICIPANT_LEFT" | "FILE_UNREADABLE" | "PROTOCOL" | "TOO_LARGE";
  /** One English sentence. */
  readonly message: string;
}

/** One receiver of a file that is sent. */
export interface TransferReceiver {
  readonly participant: ParticipantId;
  readonly state: TransferState;
  /** Bytes the receiver confirmed. */
  readonly bytes: number;
  readonly failure?: TransferFailure | undefined;
}

/** What stands behind a {@link FileTransfer}. */
export interface FileTransferSource {
  readonly id: string;
  readonly direction: "send" | "receive";
  readonly participant: ParticipantId | undefined;
  readonly name: string;
  readonly size: number;
  readonly mediaType: string;
  readonly state: TransferState;
  readonly bytes: number;
  readonly bytesPerSecond: number;
  readonly sha256: string | undefined;
  readonly failure: TransferFailure | undefined;
  readonly receivers: readonly TransferReceiver[];
  accept(): void;
  decline(): void;
  cancel(): void;
  blob(): Blob | undefined;
}

/** A file on its way, in or out. Its fields change; the room's `transferChanged` says when. */
export class FileTransfer {
  readonly #source: FileTransferSource;

  /** Made by the room. */
  constructor(source: FileTransferSource) {
    this.#source = source;
  }

  get id(): string {
    return this.#source.id;
  }

  get direction(): "send" | "receive" {
    return this.#source.direction;
  }

  /** Who offers the file that is received; undefined when it is sent, see {@link receivers}. */
  get participant(): ParticipantId | undefined {
    return this.#source.participant;
  }

  /** Name of the file, without any folder. */
  get name(): string {
    return this.#source.name;
  }

  /** In bytes. */
  get size(): number {
    return this.#source.size;
  }

  /** As the sender's browser guessed it; not checked. */
  get mediaType(): string {
    return this.#source.mediaType;
  }

  get state(): TransferState {
    return this.#source.state;
  }

  /** Bytes received; or, of a file that is sent, what the slowest receiver that has not ended confirmed. */
  get bytes(): number {
    return this.#source.bytes;
  }

  /** Over the last seconds; of a file that is sent, the sum over its receivers. */
  get bytesPerSecond(): number {
    return this.#source.bytesPerSecond;
  }

  /** Of the whole file, lower-case hexadecimal as `sha256sum` prints it; undefined until it is known. */
  get sha256(): string | undefined {
    return this.#source.sha256;
  }

  /** Why it failed. */
  get failure(): TransferFailure | undefined {
    return this.#source.failure;
  }

  /** Each receiver of a file that is sent. */
  get receivers(): readonly TransferReceiver[] {
    return this.#source.receivers;
  }

  /** Takes an offered file. Nothing happens in any other state. */
  accept(): void {
    this.#source.accept();
  }

  /** Refuses an offered file. */
  decline(): void {
    this.#source.decline();
  }

  /** Ends the transfer, on both sides. Nothing happens once it has ended. */
  cancel(): void {
    this.#source.cancel();
  }

  /**
   * The received file, whose hash was checked. Its type is the sender's for pictures, audio, video and plain text, and
   * `application/octet-stream` for all else, so that nothing of it runs as a page of this site.
   * @throws {ClientError} `ROOM_STATE` before the transfer is `done`, or when this side sent the file.
   */
  blob(): Blob {
    const blob = this.#source.blob();
    if (blob !== undefined) return blob;
    throw new ClientError(
      "ROOM_STATE",
      `the file is there once a received transfer is done; this one is ${this.direction}, ${this.state}`,
      "Wait for the transfer's state to be done.",
    );
  }
}
