import { add32, distance32, writeUint16, writeUint32 } from "../../bytes/index.ts";
import { ChunkType, writeChunkHeader } from "../chunk/chunk.ts";
import { SACK_ENTRY_BYTES, SACK_HEADER_BYTES } from "../chunk/sack.ts";

/** A gap block counts from the cumulative TSN in 16 bits (RFC 9260 §3.3.4), so nothing further ahead could be told. */
const MAX_DISTANCE = 0xffff;

/** Ranges kept above the cumulative TSN: a full window of 8 MiB with a third of it lost has fewer. */
const MAX_RANGES = 2048;

/** Duplicates told in one SACK: they only tell the sender that it repeated itself. */
const MAX_DUPLICATES = 20;

/**
 * Which TSNs have come (RFC 9260 §6.2): the cumulative TSN and the ranges above it. Adding in order costs nothing
 * but an increment; adding at the end of the last range, a comparison; anything else, a binary search.
 */
export class ReceivedTsns {
  #cumulative: number;
  /** First and last TSN of each range, ascending; made when the first gap appears. */
  #starts: Uint32Array = new Uint32Array(0);
  #ends: Uint32Array = new Uint32Array(0);
  #count = 0;
  readonly #duplicates = new Uint32Array(MAX_DUPLICATES);
  #duplicateCount = 0;

  /** @param initialTsn - The first TSN that the peer will use. */
  constructor(initialTsn: number) {
    this.#cumulative = add32(initialTsn, -1);
  }

  /** The last TSN up to which all have come. */
  get cumulative(): number {
    return this.#cumulative;
  }

  /** Whether something above the cumulative TSN has come. */
  get hasGaps(): boolean {
    return this.#count > 0;
  }

  /** Whether duplicates have come since the last SACK. */
  get hasDuplicates(): boolean {
    return this.#duplicateCount > 0;
  }

  /** What {@link add} would answer. Only a new TSN is taken; one that has come before is remembered for the SACK. */
  classify(tsn: number): "new" | "duplicate" | "outside" {
    const distance = distance32(tsn, this.#cumulative);
    if (distance === 1 && this.#count === 0) return "new";
    if (distance <= 0) return this.#duplicate(tsn);
    if (distance > MAX_DISTANCE) return "outside";
    if (this.#count === 0) return "new";
    const index = this.#find(tsn);
    if (index < this.#count && distance32(tsn, this.#starts[index]!) >= 0) return this.#duplicate(tsn);
    if (this.#count < MAX_RANGES || distance === 1) return "new";
    // A range more than may be kept: only what lengthens one.
    const touchesNext = index < this.#count && add32(tsn, 1) === this.#starts[index];
    const touchesPrevious = index > 0 && add32(this.#ends[index - 1]!, 1) === tsn;
    return touchesNext || touchesPrevious ? "new" : "outside";
  }

  /** Takes a TSN that {@link classify} called new. */
  add(tsn: number): void {
    if (add32(this.#cumulative, 1) === tsn) {
      this.#cumulative = tsn;
      if (this.#count > 0) this.#swallow();
      return;
    }
    if (this.#starts.length === 0) {
      this.#starts = new Uint32Array(MAX_RANGES);
      this.#ends = new Uint32Array(MAX_RANGES);
    }
    const last = this.#count - 1;
    if (last >= 0 && add32(this.#ends[last]!, 1) === tsn) {
      this.#ends[last] = tsn;
      return;
    }
    this.#insert(tsn);
  }

  /** Counts everything up to `tsn` as received (RFC 3758 §3.6). True when that moved the cumulative TSN. */
  forward(tsn: number): boolean {
    if (distance32(tsn, this.#cumulative) <= 0) return false;
    this.#cumulative = tsn;
    this.#swallow();
    return true;
  }

  /** Bytes that the next SACK would have without limits. */
  get sackBytes(): number {
    return SACK_HEADER_BYTES + (this.#count + this.#duplicateCount) * SACK_ENTRY_BYTES;
  }

  /**
   * Writes a whole SACK at `offset`, with as many gap blocks and then duplicates as fit before `limit`, and forgets
   * the duplicates.
   *
   * @returns where it ends.
   */
  writeSack(bytes: Uint8Array, offset: number, limit: number, aRwnd: number): number {
    const room = Math.max(0, Math.floor((limit - offset - SACK_HEADER_BYTES) / SACK_ENTRY_BYTES));
    const gapCount = Math.min(this.#count, room);
    const duplicateCount = Math.min(this.#duplicateCount, room - gapCount);
    let end = offset + SACK_HEADER_BYTES;
    for (let i = 0; i < gapCount; i++) {
      writeUint16(bytes, end, distance32(this.#starts[i]!, this.#cumulative));
      writeUint16(bytes, end + 2, distance32(this.#ends[i]!, this.#cumulative));
      end += SACK_ENTRY_BYTES;
    }
    for (let i = 0; i < duplicateCount; i++) {
      writeUint32(bytes, end, this.#duplicates[i]!);
      end += SACK_ENTRY_BYTES;
    }
    writeChunkHeader(bytes, offset, ChunkType.sack, 0, end - offset);
    writeUint32(bytes, offset + 4, this.#cumulative);
    writeUint32(bytes, offset + 8, aRwnd);
    writeUint16(bytes, offset + 12, gapCount);
    writeUint16(bytes, offset + 14, duplicateCount);
    this.#duplicateCount = 0;
    return end;
  }

  #duplicate(tsn: number): "duplicate" {
    if (this.#duplicateCount < MAX_DUPLICATES) this.#duplicates[this.#duplicateCount++] = tsn;
    return "duplicate";
  }

  /** Index of the first range that does not end before `tsn`; the count when all do. */
  #find(tsn: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (distance32(this.#ends[middle]!, tsn) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(tsn: number): void {
    const index = this.#find(tsn);
    const touchesPrevious = index > 0 && add32(this.#ends[index - 1]!, 1) === tsn;
    const touchesNext = index < this.#count && add32(tsn, 1) === this.#starts[index];
    if (touchesPrevious && touchesNext) {
      this.#ends[index - 1] = this.#ends[index]!;
      this.#remove(index, 1);
    } else if (touchesPrevious) this.#ends[index - 1] = tsn;
    else if (touchesNext) this.#starts[index] = tsn;
    else {
      this.#starts.copyWithin(index + 1, index, this.#count);
      this.#ends.copyWithin(index + 1, index, this.#count);
      this.#starts[index] = tsn;
      this.#ends[index] = tsn;
      this.#count++;
    }
  }

  /** Moves the cumulative TSN over the ranges that it has reached. */
  #swallow(): void {
    let reached = 0;
    while (reached < this.#count && distance32(this.#starts[reached]!, add32(this.#cumulative, 1)) <= 0) {
      if (distance32(this.#ends[reached]!, this.#cumulative) > 0) this.#cumulative = this.#ends[reached]!;
      reached++;
    }
    if (reached > 0) this.#remove(0, reached);
  }

  #remove(index: number, count: number): void {
    this.#starts.copyWithin(index, index + count, this.#count);
    this.#ends.copyWithin(index, index + count, this.#count);
    this.#count -= count;
  }
}
