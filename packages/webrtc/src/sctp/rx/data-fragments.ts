import { add32, distance32 } from "../../bytes/index.ts";
import { type DataFields, DataFlag } from "../chunk/data.ts";
import type { Assembly } from "./assembly.ts";
import type { Fragment, FragmentStore, ReassemblyFailure } from "./fragment-store.ts";

/**
 * Messages in fragments of DATA. The fragments of a message have consecutive TSNs (RFC 9260 §6.9), so the TSN that
 * continues a message finds it, whatever its stream: one look-up and one copy for each fragment.
 */
export class DataFragments {
  readonly #store: FragmentStore;
  /** By the TSN that comes next. */
  readonly #assemblies = new Map<number, Assembly>();
  /** Fragments before their turn, by TSN. */
  readonly #ahead = new Map<number, Fragment>();

  constructor(store: FragmentStore) {
    this.#store = store;
  }

  add(packet: Uint8Array, fields: DataFields): ReassemblyFailure | undefined {
    const { tsn } = fields;
    let assembly = this.#assemblies.get(tsn);
    if ((fields.flags & DataFlag.begin) !== 0) {
      // A message that is not over cannot be followed by another beginning.
      if (assembly !== undefined) return "fragments do not fit together";
      assembly = this.#store.begin(fields);
    } else if (assembly === undefined) {
      this.#ahead.set(tsn, this.#store.keep(packet, fields));
      return undefined;
    }
    let failure = this.#continue(assembly, tsn, fields, packet, fields.start, fields.end);
    if (this.#ahead.size === 0) return failure;
    for (
      let t = add32(tsn, 1);
      failure === undefined && this.#assemblies.get(t) === assembly;
      t = add32(t, 1)
    ) {
      const fragment = this.#ahead.get(t);
      if (fragment === undefined) break;
      this.#ahead.delete(t);
      this.#store.release(fragment);
      failure = this.#continue(assembly, t, fragment, fragment.bytes, 0, fragment.bytes.length);
    }
    return failure;
  }

  /** Drops what cannot become whole, now that nothing up to `tsn` will come any more. */
  forward(previousTsn: number, tsn: number): void {
    // Whichever is shorter: the TSNs that were passed, or what is stored.
    const passed = distance32(tsn, previousTsn);
    if (passed <= this.#assemblies.size + this.#ahead.size) {
      for (let i = 1; i <= passed; i++) this.#drop(add32(previousTsn, i));
      return;
    }
    for (const t of this.#assemblies.keys()) if (distance32(t, tsn) <= 0) this.#drop(t);
    for (const t of this.#ahead.keys()) if (distance32(t, tsn) <= 0) this.#drop(t);
  }

  /** Drops the messages under way on some streams; undefined means all. */
  reset(streamIds: ReadonlySet<number> | undefined): void {
    for (const [tsn, { streamId }] of this.#assemblies) if (streamIds?.has(streamId) ?? true) this.#drop(tsn);
    for (const [tsn, { streamId }] of this.#ahead) if (streamIds?.has(streamId) ?? true) this.#drop(tsn);
  }

  /** Appends the fragment `tsn`, which continues `assembly`. */
  #continue(
    assembly: Assembly,
    tsn: number,
    of: { readonly flags: number; readonly streamId: number; readonly messageId: number },
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ReassemblyFailure | undefined {
    this.#assemblies.delete(tsn);
    const isUnordered = (of.flags & DataFlag.unordered) !== 0;
    const fits =
      of.streamId === assembly.streamId &&
      isUnordered === assembly.isUnordered &&
      (isUnordered || of.messageId === assembly.messageId);
    const failure = fits ? this.#store.append(assembly, bytes, start, end) : "fragments do not fit together";
    if (failure !== undefined) return failure;
    if ((of.flags & DataFlag.end) !== 0) this.#store.finish(assembly);
    else this.#assemblies.set(add32(tsn, 1), assembly);
    return undefined;
  }

  #drop(tsn: number): void {
    const assembly = this.#assemblies.get(tsn);
    if (assembly !== undefined) {
      this.#assemblies.delete(tsn);
      this.#store.drop(assembly);
    }
    const fragment = this.#ahead.get(tsn);
    if (fragment !== undefined) {
      this.#ahead.delete(tsn);
      this.#store.release(fragment);
    }
  }
}
