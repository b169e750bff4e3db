import { add32, distance32 } from "../../bytes/index.ts";
import { type DataFields, DataFlag } from "../chunk/data.ts";
import type { Assembly } from "./assembly.ts";
import type { Fragment, FragmentStore, ReassemblyFailure } from "./fragment-store.ts";

/** A message of which not all fragments have come. */
interface PartialMessage {
  /** From the first fragment on. */
  assembly: Assembly | undefined;
  /** Number of the fragment that continues the assembly. */
  next: number;
  /** Fragments before their turn, by FSN. */
  ahead: Map<number, Fragment> | undefined;
}

/**
 * Messages in fragments of I-DATA, which name their message (RFC 8260 §2.2.3). Grouped by stream and order, so that
 * skipping messages of one stream looks at no other.
 */
export class InterleavedFragments {
  readonly #store: FragmentStore;
  readonly #groups = new Map<number, Map<number, PartialMessage>>();

  constructor(store: FragmentStore) {
    this.#store = store;
  }

  add(packet: Uint8Array, fields: DataFields): ReassemblyFailure | undefined {
    const key = groupKey(fields.streamId, (fields.flags & DataFlag.unordered) !== 0);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Map();
      this.#groups.set(key, group);
    }
    let message = group.get(fields.messageId);
    if (message === undefined) {
      message = { assembly: undefined, next: 0, ahead: undefined };
      group.set(fields.messageId, message);
    }
    if ((fields.flags & DataFlag.begin) !== 0) {
      if (message.assembly !== undefined) return "fragments do not fit together";
      message.assembly = this.#store.begin(fields);
    }
    const { assembly } = message;
    if (assembly === undefined || message.next !== fields.fsn) return this.#keep(message, packet, fields);
    let failure = this.#store.append(assembly, packet, fields.start, fields.end);
    message.next = add32(fields.fsn, 1);
    let { flags } = fields;
    while (failure === undefined && (flags & DataFlag.end) === 0) {
      const fragment: Fragment | undefined = message.ahead?.get(message.next);
      if (fragment === undefined) return undefined;
      message.ahead?.delete(message.next);
      this.#store.release(fragment);
      failure = this.#store.append(assembly, fragment.bytes, 0, fragment.bytes.length);
      message.next = add32(message.next, 1);
      flags = fragment.flags;
    }
    if (failure !== undefined) return failure;
    if (message.ahead !== undefined && message.ahead.size > 0) return "fragments do not fit together";
    group.delete(fields.messageId);
    if (group.size === 0) this.#groups.delete(key);
    this.#store.finish(assembly);
    return undefined;
  }

  /** Drops the messages up to `messageId`, which will not come any more. */
  skip(streamId: number, isUnordered: boolean, messageId: number): void {
    const key = groupKey(streamId, isUnordered);
    const group = this.#groups.get(key);
    if (group === undefined) return;
    for (const [mid, message] of group) {
      if (distance32(mid, messageId) > 0) continue;
      group.delete(mid);
      this.#drop(message);
    }
    if (group.size === 0) this.#groups.delete(key);
  }

  /** Drops the messages under way on some streams; undefined means all. */
  reset(streamIds: ReadonlySet<number> | undefined): void {
    const keys =
      streamIds === undefined
        ? [...this.#groups.keys()]
        : [...streamIds].flatMap((id) => [groupKey(id, false), groupKey(id, true)]);
    for (const key of keys) {
      for (const message of this.#groups.get(key)?.values() ?? []) this.#drop(message);
      this.#groups.delete(key);
    }
  }

  #keep(message: PartialMessage, packet: Uint8Array, fields: DataFields): ReassemblyFailure | undefined {
    message.ahead ??= new Map();
    const isPast = message.assembly !== undefined && distance32(fields.fsn, message.next) < 0;
    if (isPast || message.ahead.has(fields.fsn)) return "fragments do not fit together";
    message.ahead.set(fields.fsn, this.#store.keep(packet, fields));
    return undefined;
  }

  #drop(message: PartialMessage): void {
    if (message.assembly !== undefined) this.#store.drop(message.assembly);
    for (const fragment of message.ahead?.values() ?? []) this.#store.release(fragment);
  }
}

function groupKey(streamId: number, isUnordered: boolean): number {
  return streamId * 2 + (isUnordered ? 1 : 0);
}
