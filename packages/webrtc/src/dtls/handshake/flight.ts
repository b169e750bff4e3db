import { ContentType } from "../constants.ts";
import type { DatagramWriter } from "../record/datagram-writer.ts";
import type { RecordSealer } from "../record/record.ts";
import { HANDSHAKE_HEADER_BYTES, writeFragmentHeader } from "./fragment.ts";
import { Ranges } from "./ranges.ts";

/** A piece this small at the end of a datagram costs more in headers than it saves. */
const MIN_FRAGMENT_BYTES = 48;
/** A message in the smallest datagrams, each lost once. */
const MAX_ACKED_RANGES = 64;
/** Records remembered for acknowledgements: some transmissions of the largest flight. */
const MAX_SENT_RECORDS = 256;

interface OutgoingMessage {
  /** Undefined for ChangeCipherSpec, which is no handshake message but travels in the flight (RFC 6347 §4.2.4). */
  readonly type: number | undefined;
  readonly sequence: number;
  readonly body: Uint8Array;
  /** RFC 9147 §4.2.1: repeated under the keys it was first sent with. */
  readonly sealer: RecordSealer;
  readonly acked: Ranges;
}

interface SentRecord {
  readonly epoch: number;
  readonly sequence: number;
  readonly message: OutgoingMessage;
  readonly start: number;
  readonly end: number;
}

/** A record, by epoch and sequence number (RFC 9147 §4). */
export interface RecordNumber {
  readonly epoch: number;
  readonly sequence: number;
}

const CHANGE_CIPHER_SPEC = Uint8Array.of(1);

/** The messages that go out together, are repeated together, and what of them has arrived. */
export class Flight {
  #messages: OutgoingMessage[] = [];
  #sent: SentRecord[] = [];

  /** A new flight: that the peer answered says that it has the one before. */
  clear(): void {
    this.#messages = [];
    this.#sent = [];
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Whether every byte has been acknowledged. */
  get isAcked(): boolean {
    return this.#messages.every(({ acked, body }) => body.length > 0 && acked.covers(body.length));
  }

  /** Whether any has. */
  get isPartlyAcked(): boolean {
    return this.#messages.some(({ acked, body }) => acked.within(0, body.length).length > 0);
  }

  add(type: number, sequence: number, body: Uint8Array, sealer: RecordSealer): void {
    this.#messages.push({ type, sequence, body, sealer, acked: new Ranges(MAX_ACKED_RANGES) });
  }

  addChangeCipherSpec(sealer: RecordSealer): void {
    const acked = new Ranges(1);
    this.#messages.push({ type: undefined, sequence: 0, body: CHANGE_CIPHER_SPEC, sealer, acked });
  }

  /** Notes what arrived, and returns whether that was news. */
  acknowledge(records: readonly RecordNumber[]): boolean {
    let isNews = false;
    for (const { epoch, sequence } of records) {
      const index = this.#sent.findIndex((sent) => sent.epoch === epoch && sent.sequence === sequence);
      const sent = this.#sent[index];
      if (sent === undefined) continue;
      sent.message.acked.add(sent.start, sent.end);
      this.#sent.splice(index, 1);
      isNews = true;
    }
    return isNews;
  }

  /** Sends what has not been acknowledged. */
  transmit(writer: DatagramWriter): void {
    for (const message of this.#messages) this.#transmitMessage(message, writer);
    writer.flush();
  }

  #transmitMessage(message: OutgoingMessage, writer: DatagramWriter): void {
    const { type, body, sealer, acked } = message;
    if (type === undefined) {
      writer.append(sealer, ContentType.changeCipherSpec, body.length, (bytes, at) => bytes.set(body, at));
      return;
    }
    if (body.length === 0) {
      this.#transmitFragment(message, 0, 0, writer);
      return;
    }
    for (let gap = acked.gap(0, body.length); gap !== undefined; gap = acked.gap(gap.end, body.length)) {
      for (let start = gap.start; start < gap.end; ) {
        const wanted = gap.end - start;
        const room = writer.room(sealer) - HANDSHAKE_HEADER_BYTES;
        if (room < Math.min(wanted, MIN_FRAGMENT_BYTES)) writer.flush();
        const length = Math.max(1, Math.min(wanted, writer.room(sealer) - HANDSHAKE_HEADER_BYTES));
        if (!this.#transmitFragment(message, start, start + length, writer)) return;
        start += length;
      }
    }
  }

  #transmitFragment(message: OutgoingMessage, start: number, end: number, writer: DatagramWriter): boolean {
    const { type, sequence, body, sealer } = message;
    const number = sealer.sequence;
    const isSent = writer.append(
      sealer,
      ContentType.handshake,
      HANDSHAKE_HEADER_BYTES + end - start,
      (bytes, at) => {
        writeFragmentHeader(bytes, at, type ?? 0, body.length, sequence, start, end - start);
        bytes.set(body.subarray(start, end), at + HANDSHAKE_HEADER_BYTES);
      },
    );
    if (!isSent) return false;
    if (this.#sent.length >= MAX_SENT_RECORDS) this.#sent.shift();
    this.#sent.push({ epoch: sealer.epoch, sequence: number, message, start, end });
    return true;
  }
}
