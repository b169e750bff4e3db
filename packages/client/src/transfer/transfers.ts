import type { ParticipantId } from "@naru/signaling/protocol";
import type { Logger } from "@naru/webrtc/sansio";
import type { ControlMessage } from "../connection/control-link.ts";
import { ClientError } from "../errors.ts";
import type { ClientPlatform } from "../platform/platform.ts";
import { FileTransfer } from "./file-transfer.ts";
import { IncomingTransfer } from "./incoming-transfer.ts";
import { isLive, OutgoingTransfer, type TransferOwner } from "./outgoing-transfer.ts";
import { cleanFileName, parseChannelLabel, parseTransferMessage } from "./transfer-protocol.ts";

export interface TransfersOptions {
  readonly platform: ClientPlatform;
  readonly log: Logger;
  /** Exactly once; false when it was not taken. */
  readonly send: (to: ParticipantId, message: ControlMessage) => boolean;
  readonly openChannel: (to: ParticipantId, label: string) => RTCDataChannel | undefined;
  readonly isReachable: (id: ParticipantId) => boolean;
  readonly maxMessageSize: (id: ParticipantId) => number;
  readonly onAdd: (transfer: FileTransfer) => void;
  readonly onChange: (transfer: FileTransfer) => void;
}

/** Live transfers of one's own. */
const MAX_OUTGOING = 32;
/** Offers of one participant that wait or run. */
const MAX_INCOMING_PER_PARTICIPANT = 16;
/** Ended ones are forgotten, oldest first, and before all others those that came to nothing. */
const MAX_REMEMBERED = 200;
/** Ended offers of one participant that came to nothing. */
const MAX_FRUITLESS_PER_PARTICIPANT = 16;

interface Entry {
  readonly transfer: FileTransfer;
  readonly source: OutgoingTransfer | IncomingTransfer;
}

/** Every file of this visit, in and out. */
export class Transfers {
  readonly #options: TransfersOptions;
  #entries: readonly Entry[] = [];

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  // Commands

  /**
   * Offers a file.
   * @throws {ClientError} `NOBODY_TO_SEND_TO`, `TOO_MANY_TRANSFERS`
   */
  send(file: Blob, name: string, to: readonly ParticipantId[]): FileTransfer {
    if (to.length === 0) {
      throw new ClientError(
        "NOBODY_TO_SEND_TO",
        "Nobody is here to get the file.",
        "Wait until somebody joins.",
      );
    }
    const live = this.#entries.filter(({ source }) => source.direction === "send" && isLive(source.state));
    if (live.length >= MAX_OUTGOING) {
      throw new ClientError(
        "TOO_MANY_TRANSFERS",
        `${live.length} files are being sent, and no more can be.`,
        "Wait until some are done, or cancel them.",
      );
    }
    const entry = this.#entry((owner) => {
      return new OutgoingTransfer(this.#options.platform.createId(), file, cleanFileName(name), to, owner);
    });
    if (entry.source.direction === "send") entry.source.offer();
    return entry.transfer;
  }

  close(): void {
    for (const { source } of this.#entries) source.cancel();
  }

  // Inputs

  handleMessage(from: ParticipantId, control: ControlMessage): void {
    const message = parseTransferMessage(control);
    if (message === undefined) return;
    if (message.type === "fileOffer") {
      if (this.#mayOffer(from, message.id))
        this.#entry((owner) => new IncomingTransfer(from, message, owner));
      else this.#options.send(from, { type: "fileDecline", id: message.id });
      return;
    }
    const source = this.#find(from, message.id);
    if (source?.direction === "send") source.handleMessage(from, message);
    else source?.handleMessage(message);
  }

  /** A channel for the bytes of a file. */
  handleChannel(from: ParticipantId, channel: RTCDataChannel): void {
    const label = parseChannelLabel(channel.label);
    const source = label && this.#find(from, label.id);
    if (label === undefined || source?.direction !== "receive") {
      this.#options.log.debug("closed a channel that belongs to no file", {});
      channel.close();
      return;
    }
    source.handleChannel(channel, label.offset);
  }

  /** The control link to a participant works, or does not. */
  handleReachable(id: ParticipantId, reachable: boolean): void {
    for (const { source } of this.#entries) {
      if (source.direction === "send") {
        if (!reachable) source.handleUnreachable(id);
      } else if (source.participant === id) {
        if (reachable) source.handleReachable();
        else source.handleUnreachable();
      }
    }
  }

  handleParticipantLeft(id: ParticipantId): void {
    for (const { source } of this.#entries) {
      if (source.direction === "send") source.handleParticipantLeft(id);
      else if (source.participant === id) source.handleParticipantLeft();
    }
  }

  get all(): readonly FileTransfer[] {
    return this.#entries.map((entry) => entry.transfer);
  }

  // Inside

  #entry(create: (owner: TransferOwner) => OutgoingTransfer | IncomingTransfer): Entry {
    const { platform, send, openChannel, isReachable, maxMessageSize, onChange } = this.#options;
    const source = create({
      now: () => platform.now(),
      send,
      openChannel,
      isReachable,
      maxMessageSize,
      handleChange: () => onChange(entry.transfer),
    });
    const entry: Entry = { source, transfer: new FileTransfer(source) };
    this.#entries = [...this.#entries, entry];
    this.#forget();
    this.#options.onAdd(entry.transfer);
    return entry;
  }

  #forget(): void {
    const fruitless = this.#entries.filter(({ source: { state } }) => !isLive(state) && state !== "done");
    const done = this.#entries.filter(({ source: { state } }) => state === "done");
    const perParticipant = new Map<ParticipantId, number>();
    const forgotten = new Set<Entry>();
    for (const entry of [...fruitless].reverse()) {
      const { participant } = entry.source;
      if (participant === undefined) continue;
      const count = (perParticipant.get(participant) ?? 0) + 1;
      perParticipant.set(participant, count);
      if (count > MAX_FRUITLESS_PER_PARTICIPANT) forgotten.add(entry);
    }
    for (const entry of [...fruitless, ...done]) {
      if (this.#entries.length - forgotten.size <= MAX_REMEMBERED) break;
      forgotten.add(entry);
    }
    this.#entries = this.#entries.filter((entry) => !forgotten.has(entry));
  }

  #find(participant: ParticipantId, id: string): OutgoingTransfer | IncomingTransfer | undefined {
    return this.#entries.find(
      ({ source }) => source.id === id && (source.direction === "send" || source.participant === participant),
    )?.source;
  }

  #mayOffer(from: ParticipantId, id: string): boolean {
    if (this.#find(from, id) !== undefined) return false;
    const live = this.#entries.filter(
      ({ source }) => source.direction === "receive" && source.participant === from && isLive(source.state),
    );
    return live.length < MAX_INCOMING_PER_PARTICIPANT;
  }
}
