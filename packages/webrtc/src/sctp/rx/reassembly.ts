import { copyBytes, distance32 } from "../../bytes/index.ts";
import { type DataFields, DataFlag } from "../chunk/data.ts";
import type { SkippedMessage } from "../chunk/forward-tsn.ts";
import { DataFragments } from "./data-fragments.ts";
import { FragmentStore, type ReassemblyFailure, type ReassemblyLimits } from "./fragment-store.ts";
import { InboundStreams, type SctpMessageEvent } from "./inbound-streams.ts";
import { InterleavedFragments } from "./interleaved-fragments.ts";

const WHOLE = DataFlag.begin | DataFlag.end;

/** Puts messages together from DATA or from I-DATA, and in the order of their streams. */
export class Reassembly {
  readonly #limits: ReassemblyLimits;
  readonly #streams: InboundStreams;
  readonly #store: FragmentStore;
  readonly #data: DataFragments;
  /** Undefined when I-DATA was not agreed on. */
  readonly #interleaved: InterleavedFragments | undefined;
  /** Whole messages, in the order in which their turn came; those before the first index have been taken. */
  readonly #messages: SctpMessageEvent[] = [];
  #taken = 0;

  constructor(isInterleaved: boolean, limits: ReassemblyLimits) {
    this.#limits = limits;
    this.#streams = new InboundStreams(isInterleaved, this.#messages);
    this.#store = new FragmentStore(this.#streams, limits);
    this.#data = new DataFragments(this.#store);
    this.#interleaved = isInterleaved ? new InterleavedFragments(this.#store) : undefined;
  }

  /**
   * What the advertised window has to be less by: what came before its turn. The beginning of a message that is
   * under way is not counted, so that a message may be larger than the window.
   */
  get windowBytes(): number {
    return this.#store.aheadBytes + this.#streams.waitingBytes;
  }

  /** Takes one chunk with a new TSN. The packet's bytes are lent. */
  add(packet: Uint8Array, fields: DataFields): ReassemblyFailure | undefined {
    if ((fields.flags & WHOLE) !== WHOLE) return (this.#interleaved ?? this.#data).add(packet, fields);
    if (fields.end - fields.start > this.#limits.maxMessageBytes) return "message too large";
    this.#streams.accept(
      {
        type: "message",
        streamId: fields.streamId,
        ppid: fields.ppid,
        isUnordered: (fields.flags & DataFlag.unordered) !== 0,
        bytes: copyBytes(packet, fields.start, fields.end),
      },
      fields.messageId,
    );
    return undefined;
  }

  /** RFC 3758 §3.6, RFC 8260 §2.3.1: what was skipped will not come any more. */
  forward(previousTsn: number, newCumulativeTsn: number, skipped: readonly SkippedMessage[]): void {
    if (this.#interleaved === undefined) this.#data.forward(previousTsn, newCumulativeTsn);
    for (const { streamId, isUnordered, messageId } of furthest(skipped)) {
      this.#interleaved?.skip(streamId, isUnordered, messageId);
      if (!isUnordered) this.#streams.skip(streamId, messageId);
    }
  }

  /** Starts the numbers of streams again. Messages under way on them are dropped. */
  reset(streamIds: readonly number[] | "all"): void {
    const concerned = streamIds === "all" ? undefined : new Set(streamIds);
    (this.#interleaved ?? this.#data).reset(concerned);
    this.#streams.reset(streamIds);
  }

  /** The next message, in the order in which their turn came, or undefined. */
  shift(): SctpMessageEvent | undefined {
    const message = this.#messages[this.#taken];
    if (message === undefined) return undefined;
    this.#taken++;
    if (this.#taken === this.#messages.length) {
      this.#messages.length = 0;
      this.#taken = 0;
    }
    return message;
  }

  /** Messages that are whole and have not been taken. */
  get readyCount(): number {
    return this.#messages.length - this.#taken;
  }
}

/** The last message of each stream: a stream that is named often is worked on once. */
function furthest(skipped: readonly SkippedMessage[]): Iterable<SkippedMessage> {
  if (skipped.length < 2) return skipped;
  const byStream = new Map<number, SkippedMessage>();
  for (const message of skipped) {
    const key = message.streamId * 2 + (message.isUnordered ? 1 : 0);
    const known = byStream.get(key);
    if (known === undefined || distance32(message.messageId, known.messageId) > 0) byStream.set(key, message);
  }
  return byStream.values();
}
