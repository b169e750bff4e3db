import { MAX_HANDSHAKE_MESSAGE_BYTES, MAX_REASSEMBLY_BYTES } from "../constants.ts";
import type { HandshakeFragment, HandshakeMessage } from "./fragment.ts";
import { Ranges } from "./ranges.ts";

/** Ranges of one message: 32 KiB in fragments of 256 bytes, every second one lost. */
const MAX_RANGES = 64;
/**
 * Versions of one message that are held side by side. In the clear a stranger may send fragments too; the peer's are
 * not mixed with them when type, length or overlapping bytes differ.
 */
const MAX_VARIANTS = 4;
/** No flight has more messages than this. */
const MAX_AHEAD = 16;

interface Variant {
  readonly type: number;
  readonly sequence: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
  readonly ranges: Ranges;
  /** Some fragment contradicted it: it, or that one, is a stranger's. */
  isDoubtful: boolean;
}

/** What became of a fragment. */
export type FragmentOutcome = "kept" | "known" | "refused";

/**
 * Puts handshake messages together from fragments in any order, overlapping and repeated (RFC 9147 §5.5). What it
 * holds is bounded: the least recently continued message goes when something new needs the room.
 */
export class Reassembler {
  /** The message_seq that {@link take} waits for. */
  next = 0;
  /** Least recently continued first. */
  #variants: Variant[] = [];
  #heldBytes = 0;

  /** Bytes set aside for messages that are not complete or not taken. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Adds a fragment from a record of `epoch`. */
  add(fragment: HandshakeFragment, epoch: number): FragmentOutcome {
    const { sequence, length } = fragment;
    if (sequence < this.next || sequence > this.next + MAX_AHEAD || length > MAX_HANDSHAKE_MESSAGE_BYTES) {
      return "refused";
    }
    const rivals = this.#variants.filter((variant) => isOf(variant, fragment, epoch));
    const fitting = rivals.filter((variant) => !hasConflict(variant, fragment));
    for (const variant of rivals) if (!fitting.includes(variant)) variant.isDoubtful = true;
    // It may belong to any version that it does not contradict, so it is added to all of them. If each of these was
    // contradicted before, it starts another: then two of the peer's in a row make a version without a stranger's.
    const outcomes = fitting.map((variant) => this.#continue(variant, fragment));
    if (fitting.every((variant) => variant.isDoubtful)) return this.#start(fragment, epoch);
    if (outcomes.includes("kept")) return "kept";
    return outcomes.includes("known") ? "known" : "refused";
  }

  /**
   * A complete message with the sequence number {@link next}, or undefined. When several versions of it are complete,
   * each is given once; {@link accept} says that it was the right one.
   */
  take(): HandshakeMessage | undefined {
    return this.#take((variant) => variant.sequence === this.next);
  }

  /** A complete message of whatever sequence number. */
  takeAny(): HandshakeMessage | undefined {
    return this.#take(() => true);
  }

  /** The message just taken was the one: on to the next. */
  accept(): void {
    this.next++;
    this.#keep((variant) => variant.sequence >= this.next);
  }

  /** Starts over, waiting for `next`. */
  reset(next: number): void {
    this.next = next;
    this.#keep(() => false);
  }

  /** Whether something of the flight is there: a message that is not complete, or one behind a gap. */
  get isPartial(): boolean {
    return this.#variants.length > 0;
  }

  #take(isWanted: (variant: Variant) => boolean): HandshakeMessage | undefined {
    const variant = this.#variants.find(
      (candidate) => isWanted(candidate) && candidate.ranges.covers(candidate.bytes.length),
    );
    if (variant === undefined) return undefined;
    this.#keep((other) => other !== variant);
    return {
      type: variant.type,
      sequence: variant.sequence,
      epoch: variant.epoch,
      body: variant.bytes,
    };
  }

  #continue(variant: Variant, { offset, data }: HandshakeFragment): FragmentOutcome {
    const before = variant.ranges.within(offset, offset + data.length);
    const isKnown =
      data.length === 0 || (before.length === 1 && before[0]!.end - before[0]!.start === data.length);
    if (isKnown) return "known";
    if (!variant.ranges.add(offset, offset + data.length)) return "refused";
    variant.bytes.set(data, offset);
    this.#variants = [...this.#variants.filter((other) => other !== variant), variant];
    return "kept";
  }

  #start(fragment: HandshakeFragment, epoch: number): FragmentOutcome {
    const { type, sequence, length, offset, data } = fragment;
    // A fragment without content of a message that has some brings nothing, and would hold its memory.
    if (data.length === 0 && length > 0) return "refused";
    const rivals = this.#variants.filter((variant) => variant.sequence === sequence);
    if (rivals.length >= MAX_VARIANTS) {
      const dropped = rivals.find((variant) => variant.isDoubtful) ?? rivals[0];
      this.#keep((variant) => variant !== dropped);
    }
    while (this.#heldBytes + length > MAX_REASSEMBLY_BYTES) this.#dropOldest();
    const variant: Variant = {
      type,
      sequence,
      epoch,
      bytes: new Uint8Array(length),
      ranges: new Ranges(MAX_RANGES),
      isDoubtful: false,
    };
    variant.bytes.set(data, offset);
    variant.ranges.add(offset, offset + data.length);
    this.#variants.push(variant);
    this.#heldBytes += length;
    return "kept";
  }

  #dropOldest(): void {
    const oldest = this.#variants[0];
    this.#keep((variant) => variant !== oldest);
  }

  #keep(isKept: (variant: Variant) => boolean): void {
    this.#variants = this.#variants.filter(isKept);
    this.#heldBytes = this.#variants.reduce((sum, variant) => sum + variant.bytes.length, 0);
  }
}

function isOf(variant: Variant, fragment: HandshakeFragment, epoch: number): boolean {
  return (
    variant.sequence === fragment.sequence &&
    variant.type === fragment.type &&
    variant.bytes.length === fragment.length &&
    variant.epoch === epoch
  );
}

/** RFC 9147 §5.5: a byte that changes is not the same message. */
function hasConflict(variant: Variant, { offset, data }: HandshakeFragment): boolean {
  for (const { start, end } of variant.ranges.within(offset, offset + data.length)) {
    for (let i = start; i < end; i++) if (variant.bytes[i] !== data[i - offset]) return true;
  }
  return false;
}
