import { copyBytes, readUint16 } from "../../bytes/index.ts";
import type { PacketArena, PacketSlot } from "../../kernel/index.ts";
import { ContentType } from "../constants.ts";
import { type OpenedRecord, PLAINTEXT_HEADER_BYTES, type RecordOpener, readSequence } from "./record.ts";
import { UnifiedHeader } from "./sealed-record-13.ts";

/** What was not let in, by reason. */
export interface RecordCounters {
  /** Not a record, or of an epoch that cannot be. */
  malformed: number;
  /** Seen before, or too old to tell. */
  replayed: number;
  /** Not authentic. */
  forged: number;
  /** Of an epoch whose keys are not known yet, beyond what is kept until they are. */
  early: number;
  /** Dropped for want of a free slot, or longer than one. */
  noMemory: number;
}

/**
 * Records that overtook what their keys follow from: a flight of five records, twice. Kept as they are, because
 * without keys nothing can be said about them.
 */
const MAX_EARLY_RECORDS = 10;
const MAX_EARLY_RECORD_BYTES = 2048;
/** RFC 9147 §4.2.2: two bits of an epoch are on the wire, so more than four are ambiguous. */
const MAX_OPENERS = 4;

const NOTHING = new Uint8Array(0);

/** Takes datagrams apart into records, and opens those whose keys are known. */
export class RecordLayer {
  readonly counters: RecordCounters = { malformed: 0, replayed: 0, forged: 0, early: 0, noMemory: 0 };
  /** Records that failed authentication with the key that has the most of them (RFC 9147 §4.5.3). */
  failures = 0;
  readonly #arena: PacketArena;
  /** Newest epoch first. */
  #openers: RecordOpener[] = [];
  #early: Uint8Array[] = [];
  #isSettled = false;
  #bytes: Uint8Array = NOTHING;
  #offset = 0;
  #slot: PacketSlot | undefined;
  readonly #record: OpenedRecord = { type: 0, epoch: 0, sequence: 0, bytes: NOTHING, start: 0, end: 0 };

  /** @param arena - Holds what records are opened into. */
  constructor(arena: PacketArena) {
    this.#arena = arena;
  }

  /** Starts on a datagram, which is lent until the next. */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#offset = 0;
  }

  /**
   * The next record that can be read, or undefined at the end of the datagram. Its bytes are lent until the next
   * call; {@link take} keeps those of a protected one.
   */
  next(): OpenedRecord | undefined {
    this.#release();
    while (this.#offset < this.#bytes.length) {
      const first = this.#bytes[this.#offset]!;
      const isUnified = (first & UnifiedHeader.fixedMask) === UnifiedHeader.fixed;
      const record = isUnified ? this.#nextUnified(first) : this.#nextPlain(first);
      if (record !== undefined) return record;
    }
    this.#bytes = NOTHING;
    this.#offset = 0;
    return undefined;
  }

  /** The slot that holds the record just read, now the caller's; undefined for one in the clear. */
  take(): PacketSlot | undefined {
    const slot = this.#slot;
    if (slot === undefined) return undefined;
    this.#slot = undefined;
    slot.start = this.#record.start;
    slot.end = this.#record.end;
    return slot;
  }

  /** Keys of a further epoch are known. */
  addOpener(opener: RecordOpener): void {
    this.#openers.unshift(opener);
    this.#openers.length = Math.min(this.#openers.length, MAX_OPENERS);
  }

  /** Records of the epochs before are not read any more. */
  dropOpenersBelow(epoch: number): void {
    this.#openers = this.#openers.filter((opener) => opener.epoch >= epoch);
  }

  /** Forgets all keys: a handshake starts again. */
  reset(): void {
    this.#openers = [];
  }

  /** Whether records wait for their keys. */
  get hasEarly(): boolean {
    return this.#early.length > 0;
  }

  /** The records that came before their keys. The caller begins on each; what still has no keys is kept again. */
  takeEarly(): readonly Uint8Array[] {
    const early = this.#early;
    this.#early = [];
    return early;
  }

  /** The handshake is over: no record can be ahead of its keys any more. */
  settle(): void {
    this.#isSettled = true;
    this.#early = [];
  }

  /** The newest epoch that can be read; 0 for none but the clear. */
  get epoch(): number {
    return this.#openers[0]?.epoch ?? 0;
  }

  /** Gives back what the last record was opened into. */
  #release(): void {
    if (this.#slot === undefined) return;
    this.#arena.release(this.#slot);
    this.#slot = undefined;
  }

  #nextUnified(first: number): OpenedRecord | undefined {
    const start = this.#offset;
    const available = this.#bytes.length;
    const sequenceBytes = (first & UnifiedHeader.longSequence) !== 0 ? 2 : 1;
    const hasLength = (first & UnifiedHeader.length) !== 0;
    const headerEnd = start + 1 + sequenceBytes + (hasLength ? 2 : 0);
    // RFC 9147 §9: connection IDs are not negotiated here, so there is no telling where the header ends.
    if ((first & UnifiedHeader.connectionId) !== 0 || headerEnd > available) return this.#giveUp();
    const end = hasLength ? headerEnd + readUint16(this.#bytes, headerEnd - 2) : available;
    if (end > available) return this.#giveUp();
    this.#offset = end;
    const epochBits = first & UnifiedHeader.epochMask;
    // RFC 9147 §4.2.2: the most recent epoch with these bits.
    return this.#open(this.#openerOf(epochBits), start, headerEnd, end);
  }

  #nextPlain(type: number): OpenedRecord | undefined {
    const start = this.#offset;
    const headerEnd = start + PLAINTEXT_HEADER_BYTES;
    const isKnown = type >= ContentType.changeCipherSpec && type <= ContentType.ack;
    if (!isKnown || headerEnd > this.#bytes.length) return this.#giveUp();
    const end = headerEnd + readUint16(this.#bytes, start + 11);
    // The major version; the minor says nothing that the handshake does not say better.
    if (end > this.#bytes.length || this.#bytes[start + 1] !== 0xfe) return this.#giveUp();
    this.#offset = end;
    const epoch = readUint16(this.#bytes, start + 3);
    if (epoch > 0) {
      // Only 1.2 has protected records with this header, and only the epoch 1.
      const opener = this.#openers[0]?.epoch === epoch && epoch === 1 ? this.#openers[0] : undefined;
      return this.#open(opener, start, headerEnd, end);
    }
    const record = this.#record;
    record.type = type;
    record.epoch = 0;
    record.sequence = readSequence(this.#bytes, start + 5);
    record.bytes = this.#bytes;
    record.start = headerEnd;
    record.end = end;
    return record;
  }

  /** The newest epoch of 1.3 with these low bits. */
  #openerOf(epochBits: number): RecordOpener | undefined {
    for (const opener of this.#openers) {
      if (opener.epoch > 1 && (opener.epoch & UnifiedHeader.epochMask) === epochBits) return opener;
    }
    return undefined;
  }

  #open(
    opener: RecordOpener | undefined,
    start: number,
    headerEnd: number,
    end: number,
  ): OpenedRecord | undefined {
    if (opener === undefined) {
      this.#keepEarly(start, end);
      return undefined;
    }
    const slot = this.#arena.acquire();
    if (slot === undefined || end - headerEnd > slot.bytes.length) {
      this.counters.noMemory++;
      if (slot !== undefined) this.#arena.release(slot);
      return undefined;
    }
    const failure = opener.open(this.#bytes, start, headerEnd, end, slot.bytes, 0, this.#record);
    if (failure !== undefined) {
      this.counters[failure]++;
      this.failures = Math.max(this.failures, opener.failures);
      this.#arena.release(slot);
      return undefined;
    }
    this.#slot = slot;
    return this.#record;
  }

  /** RFC 9147 §4.2.1: records that come before their keys may be buffered. */
  #keepEarly(start: number, end: number): void {
    if (this.#isSettled || this.#early.length >= MAX_EARLY_RECORDS || end - start > MAX_EARLY_RECORD_BYTES) {
      this.counters.early++;
      return;
    }
    this.#early.push(copyBytes(this.#bytes, start, end));
  }

  /** Nothing behind what cannot be parsed can be found. */
  #giveUp(): undefined {
    this.#offset = this.#bytes.length;
    this.counters.malformed++;
    return undefined;
  }
}
