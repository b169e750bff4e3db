import { copyBytes } from "../../bytes/index.ts";
import { type DataFields, DataFlag } from "../chunk/data.ts";
import { Assembly } from "./assembly.ts";
import { type InboundStreams, STORED_MESSAGE_COST } from "./inbound-streams.ts";

/** Limits of what is put together. */
export interface ReassemblyLimits {
  /** The largest message. */
  readonly maxMessageBytes: number;
  /** Buffers of all messages that are being put together, of all streams. A buffer has up to twice what it holds. */
  readonly maxTotalBytes: number;
}

/** Why a chunk ends the association. */
export type ReassemblyFailure = "fragments do not fit together" | "message too large" | "out of memory";

/** A fragment that has come before its turn. */
export interface Fragment {
  readonly flags: number;
  readonly streamId: number;
  readonly messageId: number;
  readonly bytes: Uint8Array;
}

/** What DATA and I-DATA have in common in putting messages together: memory, limits, and where whole messages go. */
export class FragmentStore {
  readonly streams: InboundStreams;
  readonly #limits: ReassemblyLimits;
  /** Bytes and costs of fragments that came before their turn. */
  aheadBytes = 0;
  /** Buffers and costs of messages under way. */
  #assemblingBytes = 0;

  constructor(streams: InboundStreams, limits: ReassemblyLimits) {
    this.streams = streams;
    this.#limits = limits;
  }

  /** The message that a first fragment begins. */
  begin(fields: DataFields): Assembly {
    const { streamId, messageId, ppid } = fields;
    const isUnordered = (fields.flags & DataFlag.unordered) !== 0;
    this.#assemblingBytes += STORED_MESSAGE_COST;
    return new Assembly(streamId, isUnordered, messageId, ppid, this.streams.expectedBytes(streamId));
  }

  append(assembly: Assembly, bytes: Uint8Array, start: number, end: number): ReassemblyFailure | undefined {
    if (assembly.length + end - start > this.#limits.maxMessageBytes) return "message too large";
    const growth = assembly.capacityWith(end - start) - assembly.capacity;
    if (this.#assemblingBytes + growth > this.#limits.maxTotalBytes) return "out of memory";
    assembly.append(bytes, start, end);
    this.#assemblingBytes += growth;
    return undefined;
  }

  /** Hands a whole message on. */
  finish(assembly: Assembly): void {
    this.drop(assembly);
    const { streamId, isUnordered, messageId, ppid } = assembly;
    this.streams.noteFragmented(streamId, assembly.length);
    this.streams.accept(
      { type: "message", streamId, ppid, isUnordered, bytes: assembly.finish() },
      messageId,
    );
  }

  /** Gives a message up. */
  drop(assembly: Assembly): void {
    this.#assemblingBytes -= assembly.capacity + STORED_MESSAGE_COST;
  }

  /** A copy of a fragment that came before its turn. */
  keep(packet: Uint8Array, fields: DataFields): Fragment {
    const bytes = copyBytes(packet, fields.start, fields.end);
    this.aheadBytes += bytes.length + STORED_MESSAGE_COST;
    const { flags, streamId, messageId } = fields;
    return { flags, streamId, messageId, bytes };
  }

  /** Forgets a fragment that was kept. */
  release(fragment: Fragment): void {
    this.aheadBytes -= fragment.bytes.length + STORED_MESSAGE_COST;
  }
}
